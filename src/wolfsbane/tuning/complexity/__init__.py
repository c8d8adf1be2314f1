"""How hard the data is for the model: the gap, what is memorised, more and less data."""
