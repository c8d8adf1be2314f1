"""Who is timed when, and what is counted; on a clock that the contenders move themselves."""

import itertools
from contextlib import contextmanager

import pytest

from wolfsbane.bench.timing import (
    MOST_CALLS,
    NUM_WARM_UPS,
    SHORTEST_SPAN,
    Contender,
    interleave,
    order,
)


class World:
    """A clock, contenders that move it, and a diary of what ran."""

    def __init__(self):
        self.now = 0.0
        self.diary = []

    def clock(self):
        return self.now

    def contender(self, name, seconds, **options):
        def run():
            self.diary.append(name)
            self.now += seconds

        return Contender(run, **options)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_round_has_every_contender_once(count):
    names = "abcd"[:count]
    assert all(sorted(order(names, number)) == list(names) for number in range(4 * count))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_each_comes_first_and_last_equally_often(count):
    names = "abcd"[:count]
    rounds = [order(names, number) for number in range(2 * count)]
    for place in (0, -1):
        at_place = [names_of_round[place] for names_of_round in rounds]
        assert {at_place.count(name) for name in names} == {2}


def test_each_follows_each_other_equally_often():
    pairs = [
        pair for number in range(6) for pair in itertools.pairwise(order(("a", "b", "c"), number))
    ]
    counts = {pair: pairs.count(pair) for pair in itertools.permutations("abc", 2)}
    assert set(counts.values()) == {2}


def test_contenders_take_turns_in_the_order_of_the_rounds():
    world = World()
    contenders = {name: world.contender(name, 1.0) for name in "abc"}
    interleave(contenders, 4, world.clock)
    warm_ups, timed = world.diary[: 3 * NUM_WARM_UPS], world.diary[3 * NUM_WARM_UPS :]
    assert warm_ups == [*"aaabbbccc"]
    assert timed == [name for number in range(4) for name in order(("a", "b", "c"), number)]


def test_a_sample_is_the_seconds_of_one_call():
    world = World()
    seconds = {"slow": 3.0, "fast": SHORTEST_SPAN / 8}
    contenders = {name: world.contender(name, each) for name, each in seconds.items()}
    samples = interleave(contenders, 5, world.clock)
    for name, each in seconds.items():
        assert samples[name] == pytest.approx([each] * 5)


def test_short_calls_are_repeated_until_they_fill_a_span():
    world = World()
    interleave({"fast": world.contender("fast", SHORTEST_SPAN / 8)}, 5, world.clock)
    assert len(world.diary) == NUM_WARM_UPS + 5 * 8


def test_calls_that_no_clock_sees_are_repeated_a_limited_number_of_times():
    world = World()
    interleave({"nothing": world.contender("nothing", 0.0)}, 2, world.clock)
    assert len(world.diary) == NUM_WARM_UPS + 2 * MOST_CALLS


def test_what_is_around_a_contender_is_entered_for_each_span_and_not_timed():
    world = World()
    depth = []

    @contextmanager
    def around():
        world.now += 100.0
        depth.append(1)
        yield
        depth.pop()
        world.now += 100.0

    inside = []
    contender = Contender(lambda: (inside.append(len(depth)), world.tick()), around)
    world.tick = lambda: setattr(world, "now", world.now + 1.0)
    samples = interleave({"it": contender}, 3, world.clock)
    assert samples["it"] == [1.0] * 3
    assert set(inside) == {1}
    # In each span one call more than is timed: the first meets what was just switched.
    assert len(inside) == 2 * (NUM_WARM_UPS + 3)
