"""What the student sets in the playground."""
