"""Dropout, batch normalisation and activation functions for PyTorch: exact and hard to misuse.

Everything is loaded on first use, so that `import wolfsbane` costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
