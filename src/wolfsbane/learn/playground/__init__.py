"""A network that the student puts together: its program, what is in it, its training."""
