"""What single rules measure in a run."""
