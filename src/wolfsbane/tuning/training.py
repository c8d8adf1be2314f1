"""One training as a worker makes it, with wolfsbane's loop or the user's."""

from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Outcome, Request


def perform(setting: Setting, request: Request) -> Outcome:
    """Build the network, train it, measure it; in whatever process this is called.

    Weights and masks are drawn from torch's default CPU generator, seeded with the request's seed
    before the network is built and again before it is trained; torch's own dropout layers run on
    wolfsbane's kernels meanwhile, whose masks are nested: what is dropped at one rate is dropped at
    every higher one. The caller's random state is left as it was.

    Raises:
        ModelError: the model's output does not fit, training diverges, or the loop gives no metric.
    """
    raise NotImplementedError
