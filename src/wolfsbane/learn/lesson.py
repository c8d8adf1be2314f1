"""What a section consists of: steps to predict, run and explain, and claims to be run."""

from dataclasses import dataclass

from wolfsbane.learn.controls import Control


@dataclass(frozen=True)
class Prediction:
    """A question to be answered before the run, which then answers it by an `Outcome`.

    Attributes:
        question: in Markdown.
        choices: what may be said; which is right is for the run to say, with the controls as set.
    """

    question: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """Predict, run, explain.

    Attributes:
        name: its address within the section, such as "noisy-labels".
        title: a few words.
        prediction: what is asked before.
        task: what runs, "module:function" below wolfsbane.learn.experiments. It takes the controls'
            values by name and yields blocks, an `Outcome` among them.
        controls: what the student sets.
        explanation: shown after the run, in Markdown; holds for any setting of the controls.
        seconds: how long it takes on two cores, about.
    """

    name: str
    title: str
    prediction: Prediction
    task: str
    controls: tuple[Control, ...]
    explanation: str
    seconds: float


@dataclass(frozen=True)
class Claim:
    """A sentence, and the program that shows it; the student may change the program.

    Attributes:
        text: in Markdown.
        program: prints what the sentence says, and asserts it, whatever the seed.
    """

    text: str
    program: str


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: its address, such as "batch-norm".
        title: as in the page's list of contents.
        introduction: a few short paragraphs, in Markdown.
        steps: one or more.
        claims: what else is to be known, each to be run on the spot.
        items: names of exercises that belong here.
        rules: codes of the auditor's rules that belong here.
    """

    name: str
    title: str
    introduction: str
    steps: tuple[Step, ...]
    claims: tuple[Claim, ...] = ()
    items: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
