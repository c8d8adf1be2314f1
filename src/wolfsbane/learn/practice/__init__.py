"""Exercises: what they consist of, how torch and the auditor grade them, what is done so far."""
