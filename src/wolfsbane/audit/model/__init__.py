"""A model that exists: its layers, and the operations of its forward pass."""
