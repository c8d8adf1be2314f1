"""Each way to end says what happened, and to a student what to do."""

import signal

import pytest

from wolfsbane.learn.workers import endings
from wolfsbane.learn.workers.job import Job

STUDENTS = Job("practice.grading:run_program", is_confined=True)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGUSR1])
def test_a_crash_names_its_signal_and_what_it_means(number):
    ended = endings.broke_off(STUDENTS, -number, "")
    assert ended.end == "crashed"
    assert ended.text.startswith(f"The program crashed ({number.name}): ")


def test_a_signal_without_a_name_is_numbered():
    assert "(signal 250)" in endings.broke_off(STUDENTS, -250, "").text


def test_processor_time_is_time():
    assert endings.broke_off(STUDENTS, -signal.SIGXCPU, "").end == "time"


@pytest.mark.parametrize("words", ["MemoryError", "what():  std::bad_alloc"])
def test_a_crash_for_want_of_memory_is_recognised_by_its_last_words(words):
    ended = endings.broke_off(STUDENTS, -signal.SIGABRT, f"Fatal Python error\n{words}")
    assert ended.end == "memory"


@pytest.mark.parametrize("code", [0, 3, None])
def test_a_process_that_leaves_is_not_said_to_have_crashed_by_a_signal(code):
    assert "os._exit()" in endings.broke_off(STUDENTS, code, "").text


def test_one_who_runs_an_experiment_is_not_told_of_programs():
    ours = Job("experiments.rate:sweep")
    texts = [
        endings.out_of_time(ours).text,
        endings.not_understood(ours).text,
        endings.broke_off(ours, -signal.SIGSEGV, "").text,
    ]
    assert not any("program" in text for text in texts)


def test_of_a_process_that_did_not_start_only_the_last_line_is_shown():
    text = endings.not_started("Traceback\n  File\nImportError: no torch").text
    assert "It said: ImportError: no torch." in text
    assert "Traceback" not in text
