"""A training run that is watched: what its layers did, step by step."""
