"""What the sections' steps run: one section a file, functions that yield blocks. With torch."""
