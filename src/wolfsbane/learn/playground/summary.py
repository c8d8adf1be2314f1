"""What a training came to, in sentences; with a mistake, what it did and who names it."""

from wolfsbane.learn.blocks import Text
from wolfsbane.learn.experiments.figures import figure, percent
from wolfsbane.learn.playground.curves import Curve
from wolfsbane.learn.playground.mistakes.mistake import Mistake
from wolfsbane.learn.playground.watched import Watched


def summary(watched: Watched, curves: list[Curve], mistake: Mistake | None) -> Text:
    """Return what is to be said when a training has ended."""
    sentences = [_ended(watched, curves[-1])]
    if mistake is not None:
        sentences = [_scores("The sound program", curves[0]), *sentences]
        sentences.append(_named(watched, mistake))
    elif watched.findings:
        sentences.append(_found(watched))
    else:
        sentences.append("The auditor found nothing, in the text or in the run.")
    return Text(" ".join(sentences), "summary")


def _ended(watched: Watched, curve: Curve) -> str:
    name = "The broken program" if curve.name else "The program"
    if not watched.error:
        return _scores(name, curve)
    epochs = len(curve.scores)
    when = "before the first epoch had ended" if not epochs else f"after {epochs} epochs"
    return f"{name} raised an error {when}: `{watched.error.splitlines()[-1]}`."


def _scores(name: str, curve: Curve) -> str:
    if not curve.scores:
        return f"{name} did not finish an epoch."
    train_loss, train_accuracy, loss, accuracy = curve.scores[-1]
    return (
        f"{name} ended with a loss of {figure(train_loss)} and an accuracy of "
        f"{percent(train_accuracy)} on the training data, {figure(loss)} and {percent(accuracy)} "
        "on the test data."
    )


def _named(watched: Watched, mistake: Mistake) -> str:
    named = next((each for each in watched.findings if each.code == mistake.rule), None)
    if named is None:
        return (
            f"The auditor's rule {mistake.rule} is about this mistake, but did not report it with "
            "this setup."
        )
    return f"The auditor names the mistake: {named.code}, {named.name}."


def _found(watched: Watched) -> str:
    codes = ", ".join(dict.fromkeys(f"{each.code} ({each.name})" for each in watched.findings))
    return f"The auditor has something to say about it: {codes}."
