"""The dtypes that the kernels know, and what they are called there."""

import torch

DTYPES = {torch.float32: "float32", torch.float64: "float64", torch.bfloat16: "bfloat16"}
"""What the kernels compute, by the name that they are compiled under."""

VECTOR_CODES = {torch.float32: 0, torch.float64: 1, torch.bfloat16: 2}
"""`source.memory`'s codes for vectors of one value per channel."""
