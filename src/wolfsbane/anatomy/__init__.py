"""What a model consists of: its modules and where they hang, their modes, what can drop.

Everything here reads, and `modes` puts back what it found. What changes a model is in `surgery`.
"""
