"""One training in a worker."""

import threading

import torch

from tuning.engines.suite import PATIENCE, a_setting, performing, requests, wait_until
from wolfsbane.tuning.engines.failure import Failure
from wolfsbane.tuning.engines.parcel import pack
from wolfsbane.tuning.engines.worker import attempt, stop
from wolfsbane.tuning.trial import Outcome

(REQUEST,) = requests(1)


def test_a_training_has_one_thread_and_others_keep_theirs():
    before = torch.get_num_threads()
    torch.set_num_threads(3)

    def count(data, request):
        return Outcome({"threads": (float(torch.get_num_threads()),)})

    request, found = attempt(pack(performing(), a_setting(count, None)), REQUEST)
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert request == REQUEST
    assert found == Outcome({"threads": (1.0,)})
    assert after == 3


def test_an_exception_is_an_answer():
    def fail(data, request):
        print("a last word")  # noqa: T201
        raise ZeroDivisionError("by hand")

    request, found = attempt(pack(performing(), a_setting(fail, None)), REQUEST)
    assert request == REQUEST
    assert isinstance(found, Failure)
    assert found.summary == "ZeroDivisionError: by hand"
    assert "a last word" in found.text


def test_what_cannot_be_unpacked_is_an_answer():
    parcel = pack(performing(), a_setting(None, None))
    broken = type(parcel)(parcel.content[:-5])
    assert isinstance(attempt(broken, REQUEST)[1], Failure)


def test_threads_of_a_process_train_one_after_the_other():
    together, most = [], []

    def note(data, request):
        together.append(request)
        most.extend(len(together) for _ in range(1000))
        together.pop()
        return Outcome({})

    parcel = Unpacked(note)
    threads = [threading.Thread(target=attempt, args=(parcel, REQUEST)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(most) == 4000
    assert max(most) == 1


def test_a_batch_is_stopped_and_others_go_on():
    begun, release = [], threading.Event()

    def wait(data, request):
        begun.append(request)
        while not release.wait(0.001):
            pass
        return Outcome({})

    parcel = Unpacked(wait)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(attempt(parcel, REQUEST)))
    thread.start()
    wait_until(lambda: begun)
    stop("another batch")
    assert not answers
    stop(parcel.batch)
    thread.join(PATIENCE)
    assert answers[0][1].summary.startswith("Stopped")


def test_a_stopped_batch_begins_nothing_more():
    called = []
    parcel = Unpacked(lambda data, request: called.append(request))
    stop(parcel.batch)
    assert attempt(parcel, REQUEST)[1].summary.startswith("Stopped")
    assert not called


class Unpacked:
    """A parcel that never left this process, so that a training can share lists with a test."""

    def __init__(self, train):
        self.batch = f"a batch of {id(self)}"
        self._train = train

    def unpack(self):
        return performing(), a_setting(self._train, None)
