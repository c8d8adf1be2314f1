"""What the page says around its tables."""

HEAD = """\
# Does the tuner find the rate, and does it say the truth?

What [`wolfsbane tune`](tune.md) chooses and claims, beside Optuna's samplers, Optuna's median
pruner, random search and Concrete dropout, with {budget} trainings each. The truth is a dense grid
of ten rates by {truth_seeds} seeds, {dense} trainings, on each of {problems} problems: seven data
sets, clean and with 30% of the training labels wrong. All in all {cells} trainings of the default
network, of {epochs} epochs each. Written by `python benchmarks/tuning` from
[its record](../benchmarks/results/tuning-{date}.json), with {versions}; {machine}.

![Test NLL against the drop rate, and what each tuner chose](images/tuning-benchmark.png)

Black: the grid's mean and its standard error. Below: what each tuner chose in {repetitions} runs;
the larger the dot, the more often.
"""

REGRET = """
Regret: how much worse than the grid's best rate the chosen one is on test data, in standard errors
(SE) of the best rate's mean. A problem is within one SE where the mean over all runs is; *in most
runs*: where more than half of them are. *The whole grid, by validation* chooses by the mean over
all twelve of the tuners' seeds: where it misses, the validation examples favour another rate than
the test examples, and no tuner can know. (Of iris, wine and breast cancer 37 to 142 examples are
tested on.) MNIST's NLL has two valleys, at 0 and at 0.8, and the search may stay in the wrong one.
wolfsbane and *TPE, then a t-test* choose with about half of their trainings and prove with the
rest; the others choose with all but one, or with all.

"""

HELD_OUT = """
The numbers of the tuner's prior were fitted to grids of the problems above. So the same on problems
that had no part in that: three data sets drawn by scikit-learn, moons, clusters and shells.

"""

NOT_HELD_OUT = """
The numbers of the tuner's prior were fitted to grids of these problems. `data.py` has problems that
were held out of that (moons, clusters, shells); they are no part of this record.
"""

CLAIMS = """\
## What is claimed on the problems of the grid

*Claims a gain*: share of all runs. *Not shown*: runs that claim one where the 95% interval of the
grid's eight pairs, that rate against no dropout, does not lie above zero; true small gains are
among them. *Wrong*: runs that claim one where the grid's mean is no better. All are shares of all
runs.

"""

NULLS = """\
## What is claimed where there is nothing to gain

Every claim here is false. *random labels*: 300 digits with labels drawn independently of the
pictures, as many of each class, so that no network's accuracy is better than one in ten. (NLL does
gain there, truly: dropout makes a network less sure of what nobody can know.) *linear*: dropout of
the inputs of a linear model trained on 2,000 e-mails, which cannot overfit. Each run has fresh
labels, or another split into training and test examples, and makes its own trainings, which are
shorter than elsewhere. Intervals are Clopper and Pearson's (1934).

"""

NULL_CLAIMS = """
Together, wolfsbane claims a gain in {claims} of {runs} runs (95%: {low:.1%} to {high:.1%}); at
most 5% was the aim. Its interval is over seeds that share one test set: which examples are in that
is not counted, and what they favour by chance may be claimed.
"""

NULL_GRID = """
The dense grid of the same: gain over no dropout, mean and standard error over {seeds} seeds with
fresh data each.

"""

EARLY = """\
## Why no training is cut short

Ten trainings under one seed, one a rate; after some epochs the worse half is dropped, as a median
rule does. The correlation is over the rates' means. *Best rate dropped*: seeds under which the rate
that is best in the end is among the worse half then. Regrets, in SE, are of the best of those that
go on; *without dropping*: of all ten.

"""

GRID = """\
## The truth

The gain of the best rate against none, over eight pairs; the rate was chosen by the same numbers,
so small gains are flattered.

"""

DEFINITIONS = """\
## How it was done

- Training examples: {sizes}.
- The test examples of a data set are the same for every seed; which of the others are trained on,
  and which validate, is drawn by the seed.
- The truth's seeds are {truth_seeds}; tuners train under {tuner_seeds} others, in another order in
  each of {repetitions} runs. So runs share trainings, and are not independent of each other.
- All choose among the rates 0, 0.1, ..., 0.9, by the validation metric after the last epoch.
- wolfsbane: a search with a budget of {budget}: the trainings that choose, those that prove under
  seeds the choice never saw, and on clean data one with wrong labels that measures memorisation.
  It stops early where it can. It claims a gain where its verdict is one.
- Optuna's samplers and random search: {trials} trials under one seed; and one training without
  dropout under the seed of the best trial, for the usual claim: the best trial's test metric is
  better than that one's. *A seed a trial*: each trial has another seed (twelve, in turns).
- MedianPruner with Optuna's defaults sees the metric of every epoch; the epochs it saves go to more
  trials, until those of {trials} trainings are spent.
- *Grid search, two seeds*: every rate under the same two seeds; the best mean, claimed where the
  mean test metric of the same two trainings is better than that without dropout.
- *TPE, then a t-test*: 10 trials, then five pairs under fresh seeds and a paired t-test at 5%: what
  a careful user can do by hand.
- Concrete dropout (Gal et al. 2017, arXiv:1705.07832): layers with learned rates where the others
  have dropout, one training each under five seeds. Its choice is the mean of both rates, its regret
  read off the grid's line between rates. It claims as Optuna does, with a second training. The
  rates learn at 0.05, the weights at 0.001; at that the rates would stay where they begin.
"""
