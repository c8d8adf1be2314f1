"""The corpus consists of programs, not of tests: they are read and run by test_corpus alone."""

collect_ignore = ["corpus"]
