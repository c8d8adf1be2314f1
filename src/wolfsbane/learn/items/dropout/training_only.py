"""When dropout should act."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

def messages(number):  # five word counts each; the first two make it spam; a fifth is mislabelled
    words = torch.randn(number, 5)
    is_spam = (words[:, :2].sum(1, keepdim=True) > 0) ^ (torch.rand(number, 1) < 0.2)
    return words, is_spam.float()

def train(p):
    model = nn.Sequential(nn.Linear(5, 50), nn.ReLU(), nn.Dropout(p), nn.Linear(50, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        loss_of(model(words), is_spam).backward()
        optimizer.step()
    return model

def loss_on_new(model, p):  # dropout acts with p, whatever it was in training
    model[2].p = p
    return round(loss_of(model.train()(new_words), new_is_spam).item(), 3)

loss_of = nn.BCEWithLogitsLoss()
(words, is_spam), (new_words, new_is_spam) = messages(100), messages(2000)
plain, dropped = train(0.0), train(0.8)
losses = {"in training only": loss_on_new(dropped, 0.0), "in both": loss_on_new(dropped, 0.8),
          "in evaluation only": loss_on_new(plain, 0.8), "in neither": loss_on_new(plain, 0.0)}
for when, loss in losses.items():
    print(f"dropout {when}: loss on new messages {loss:.2f}")
"""

ITEM = Question(
    name="dropout-training-only",
    title="When dropout should act",
    topic=Topic.DROPOUT,
    prompt="""\
A network is to recognise spam among messages that it has not seen. Dropout can act while it learns,
while it is evaluated, in both, or in neither; all four are tried.

Which gives the lowest loss on new messages?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="In training only",
            claim="losses['in training only'] == min(losses.values())",
            why="While the network learns, dropout keeps it from memorising. Once it has learned, "
            "all its units may answer together, which is better than any random part of them. "
            "`model.train()` and `model.eval()` switch between the two.",
            probe="""\
print(f"with all units {losses['in training only']:.2f}, "
      f"with a fifth of them {losses['in both']:.2f}")
""",
        ),
        Choice(
            text="In evaluation only",
            claim="losses['in evaluation only'] == min(losses.values())",
            why="A network that has never been without some of its units cannot do without them: "
            "what it memorised is still there, and four fifths of its answer are missing.",
            misconception="dropout is something for evaluation",
            probe="""\
print(f"in evaluation only {losses['in evaluation only']:.2f}, "
      f"in training only {losses['in training only']:.2f}")
""",
        ),
        Choice(
            text="In both",
            claim="losses['in both'] == min(losses.values())",
            why="The network has learned what it should; dropping units of it now only adds chance "
            "to its answers. The same message gets another answer each time.",
            misconception="evaluation should be like training",
            probe="""\
dropped[2].p = 0.8
answers = [torch.sigmoid(dropped.train()(new_words[:1])).item() for _ in range(3)]
print("spam, says the same network of the same message, with probability",
      *[f"{answer:.2f}" for answer in answers])
""",
            rule="WB203",
        ),
        Choice(
            text="In neither",
            claim="losses['in neither'] == min(losses.values())",
            why="Without dropout the network learns the wrong labels by heart: its loss on the "
            "messages that it learned from is low, and on new ones high.",
            misconception="dropout only makes a network worse",
            probe="""\
plain[2].p = 0.0
old = loss_of(plain(words), is_spam).item()
print(f"without dropout: {old:.2f} on its own messages, {losses['in neither']:.2f} on new ones")
""",
        ),
    ),
    hints=(
        "What harm does dropout do in training, and what good? And in evaluation?",
        "Nothing is learned in evaluation, so nothing can be memorised there.",
        "Learn with some units missing, answer with all of them.",
    ),
    shows_program=False,
)
