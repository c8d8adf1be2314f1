"""Processes that compute what the lesson shows; the server's own never imports torch."""
