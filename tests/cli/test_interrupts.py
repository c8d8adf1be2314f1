"""Ctrl-C is heard, also where Python loses the exception that it raises."""

import signal

import pytest

from wolfsbane.cli.interrupts import interrupts_heard


class LosesWhatIsRaised:
    """Its finaliser meets the signal, as an open file's may."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_lost_interrupt_is_raised_again_at_the_next_epoch():
    seen = []
    with interrupts_heard(seen.append) as on_progress:
        on_progress("first")
        thing = LosesWhatIsRaised()
        del thing
        with pytest.raises(KeyboardInterrupt):
            on_progress("second")
    assert seen == ["first"]


def test_an_interrupt_is_raised_at_once():
    with interrupts_heard(print), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_the_handler_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    with interrupts_heard(print):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
