"""The CPU executor: kernels that Numba compiles, one file per operation.

Here a tensor becomes addresses and sizes; `source` says what is done with them.
"""
