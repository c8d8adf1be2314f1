"""What a student has done so far, in a file of this machine's."""
