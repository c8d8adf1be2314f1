"""Results as people read them: a terminal table, a page, plain data."""
