from . import errors as errors
from . import functional as functional
from . import mask as mask
from . import nn as nn
from .report import Comparison as Comparison
from .report import compare as compare

__version__: str
