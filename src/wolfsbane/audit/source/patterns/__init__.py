"""What several rules look for in a program's text."""
