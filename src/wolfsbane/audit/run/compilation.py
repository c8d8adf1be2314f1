"""Is torch.compile in use? Then torch's functions are left alone.

A compiled function is guarded by the function modes that were active when it was compiled: one more
of them, in sampled steps only, would compile it twice.
"""

import sys


def is_compiling_used() -> bool:
    """Whether torch.compile has been called in this process."""
    compiler = sys.modules.get("torch._dynamo.eval_frame")
    backends = getattr(compiler, "cached_backends", {})
    return any(backend is not None for backend in backends.values())
