"""What a search for a drop rate looks like: in a terminal, on a page, as plain data."""
