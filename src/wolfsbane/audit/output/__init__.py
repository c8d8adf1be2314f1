"""Findings written down: as text, JSON, SARIF, and GitHub's annotations."""
