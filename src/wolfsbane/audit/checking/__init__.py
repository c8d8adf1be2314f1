"""Many programs checked: which files, with which settings, what is hidden, what is mended."""
