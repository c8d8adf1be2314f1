"""Why a layer does nothing: rules, and three channels that feed them: source, model, run.

A rule is one file in `rules`. `source` reads programs and imports no torch; `model` looks into a
model that exists; `run` watches one that trains. What they find is a `Finding`, whichever it was.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
