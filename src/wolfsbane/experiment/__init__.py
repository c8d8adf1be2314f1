"""Experiments: data, variants of a network, training, and a paired comparison of them."""
