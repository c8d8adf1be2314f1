"""Is the changed model what it was? Tried on synthetic and example inputs, within rounding."""
