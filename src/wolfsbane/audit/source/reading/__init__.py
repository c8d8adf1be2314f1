"""From a path to a program: files found, decoded, and notebooks as programs."""
