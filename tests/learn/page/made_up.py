"""A section and exercises with every kind of control, and words that look like markup."""

from wolfsbane.learn.controls import Line, Number, Options, Switch
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.practice.item import Check, Choice, Question, Repair, Topic

MARKUP = "<script>alert(1)</script>"
FEW = (("spam", "Spam e-mail"), ("digits", "Digits"))
MANY = (*FEW, ("moons", "Two moons"), ("spirals", "Spirals"))

STEP = Step(
    name="mask",
    title="Eight ones",
    prediction=Prediction(f"What becomes of *kept* values? {MARKUP}", ("`1`", "`1 / (1 - p)`")),
    task="dropout:mask",
    controls=(
        Number("p", "Rate p", 0, 0.9, 0.1, 0.5, "Probability of being dropped."),
        Number("seed", "Seed", 0, 100_000, 1, 3),
        Options("data", "Data", FEW, "digits"),
        Options("places", "Places", MANY, "moons"),
        Switch("noise", "Noisy labels", True),
        Line("folder", "Folder", 'a "quoted" one'),
    ),
    explanation="They are divided by `1 - p`; see WB203.",
    seconds=100.0,
)

SECTION = Section(
    name="dropout",
    title="Dropout & co",
    introduction="It **drops**.\n\nIn training.",
    steps=(STEP,),
    claims=(Claim("Evaluation is the identity.", f"print('{MARKUP}</textarea>')\n"),),
    items=("purpose",),
    rules=("WB201",),
)

QUESTION = Question(
    name="purpose",
    title="What for?",
    topic=Topic.DROPOUT,
    prompt="What is dropout for?",
    program="print('the question is shown')\n",
    choices=(
        Choice("Speed", "right_is_decided_here == 1", "why-not-speed", "belief-in-speed"),
        Choice("Less overfitting", "right_is_decided_here == 2", "why-yes"),
    ),
    hints=("Look at the gap.", "It gets smaller."),
)

REPAIR = Repair(
    name="forgotten-train",
    title="Train again",
    topic=Topic.TOGETHER,
    prompt="The loop trains in evaluation mode.",
    program="model.eval()\n",
    solution="the_solution = model.train()\n",
    checks=(Check("the_check", "the-message", "the-why", "the-belief", "the_example"),),
    hints=("Look at the mode.",),
    note="This program is meant to fail.",
)
ITEMS = (QUESTION, REPAIR)
