from . import errors as errors
from . import functional as functional
from . import mask as mask
from . import nn as nn

__version__: str
