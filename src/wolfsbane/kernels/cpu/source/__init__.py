"""What Numba compiles: imported only where the cache on disk has no compiled kernel.

Every kernel is a function of one address. There lie its arguments, eight bytes each, the first of
them a counter from which any number of threads claim chunks; see `memory.claim_chunk`. What a chunk
computes depends on its number alone, so the result has the same bits for any number of threads.
"""
