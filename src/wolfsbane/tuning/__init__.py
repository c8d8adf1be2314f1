"""A search for the drop rate that suits the data, and the proof of what it gains."""
