"""Figures as people read them."""

from wolfsbane.bench.case import OURS, Goal, Measure, Place, Row, Unit
from wolfsbane.bench.run import Result

SCALES = ((1.0, "s"), (1e3, "ms"), (1e6, "µs"))
"""Of times: the first that makes a number of 1 or more, else the last."""

SIZES = ((2**20, "MiB"), (2**10, "KiB"), (1, "B"))


def amount(value: float, unit: Unit) -> str:
    """Return a time, a size or an error with its unit, to three digits."""
    if unit is Unit.SECONDS:
        factor, name = next((scale for scale in SCALES if value * scale[0] >= 1.0), SCALES[-1])
        return f"{value * factor:.3g} {name}"
    if unit is Unit.BYTES:
        factor, name = next((size for size in SIZES if value >= size[0]), SIZES[-1])
        return f"{value / factor:.3g} {name}"
    if unit is Unit.MEBIBYTES:
        return f"{value:.0f} MiB"
    return f"{value:.1e}"


def ratio(row: Row) -> str:
    """Return a ratio with its quartiles."""
    if row.ratio is None:
        return ""
    median, low, high = (f"{value:.3g}" for value in vars(row.ratio).values())
    return f"{median}x" if low == high else f"{median}x [{low}, {high}]"


def target(goal: Goal) -> str:
    """Return what is to be reached."""
    if goal.target is None:
        return ""
    if goal.measure is Measure.ALONE:
        return f"≤ {goal.target:g} s"
    return f"{'≥' if goal.measure is Measure.SPEEDUP else '≤'} {goal.target:g}x"


def comparison(goal: Goal) -> str:
    """Return what is compared with what."""
    side = "" if goal.side == OURS else goal.side
    if goal.against is None:
        return side
    words = "faster than" if goal.measure is Measure.SPEEDUP else "relative to"
    return " ".join(filter(None, (side, words, goal.against)))


def verdict(row: Row) -> str:
    """Return whether the target is reached."""
    return {True: "reached", False: "missed", None: ""}[row.reached]


def facts(row: Row) -> str:
    """Return what is known of our side alone."""
    found = row.measurement
    said = [row.status.value] if row.ours is None else [amount(row.ours, row.case.unit)]
    if row.copy_fraction is not None:
        said.append(f"{row.copy_fraction:.0%} of copy speed")
    if found is not None and found.saved_bytes:
        ours, theirs = (amount(size, Unit.BYTES) for size in found.saved_bytes.values())
        said.append(f"saves {ours} (eager {theirs})")
    if found is not None and found.executor not in {None, "cpu"}:
        said.append(f"runs on {found.executor}")
    return ", ".join(said)


def warnings(result: Result) -> list[str]:
    """Return what a reader has to know before believing the figures."""
    if result.settings.place is Place.INTERPRETER:
        tiny = "Triton's interpreter ran the kernels, on tiny tensors. It shows that they are right"
        return [f"{tiny}; these times say nothing of a GPU's"]
    machine, said = result.machine, []
    if machine.is_busy:
        said.append(
            f"the machine was busy before: load average {machine.load_average:.2f} on "
            f"{machine.num_cores} cores. Ratios suffer less than times, but measure again when it "
            "is idle"
        )
    if machine.was_disturbed:
        said.append(
            f"other processes took the cores away {machine.preemptions_per_second:.0f} times a "
            "second. What runs on several threads then waits for the slowest, on both sides: such "
            "figures say little. Measure again when the machine is idle"
        )
    wide = [row for row in result.rows if row.ratio is not None and row.ratio.is_wide]
    if wide:
        said.append(
            f"the rounds of {len(wide)} figures disagree (marked ~: quartiles more than half of "
            "the median apart). Was the machine busy?"
        )
    return said
