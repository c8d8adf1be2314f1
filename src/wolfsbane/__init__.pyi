from . import audit as audit
from . import errors as errors
from . import functional as functional
from . import integrations as integrations
from . import mask as mask
from . import nn as nn
from . import stats as stats
from . import surgery as surgery
from .acceleration import accelerate as accelerate
from .kernels.select import explain as explain
from .kernels.select import use_executor as use_executor
from .report.comparison import Comparison as Comparison
from .report.comparison import compare as compare
from .report.tuning import TuneResult as TuneResult
from .report.tuning import tune as tune
from .tuning.dimensions import Choice as Choice
from .tuning.dimensions import Rate as Rate
from .uncertainty import McPrediction as McPrediction
from .uncertainty import mc_dropout as mc_dropout

__version__: str
