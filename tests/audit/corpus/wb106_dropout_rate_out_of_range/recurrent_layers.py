# WB106 is seen by: source, run
"""A tagger with two recurrent levels, made by a function."""

import torch as th


def make_tagger(vocabulary: int, width: int) -> th.nn.ModuleDict:
    return th.nn.ModuleDict(
        {
            "embed": th.nn.Embedding(vocabulary, width),
            "encode": th.nn.LSTM(
                width,
                width,
                num_layers=2,
                batch_first=True,
                dropout=50,  # <- WB106
            ),
            "tag": th.nn.Linear(width, 5),
        }
    )


def main():
    th.manual_seed(2)
    tagger = make_tagger(40, 12)
    optimizer = th.optim.Adam(tagger.parameters(), lr=1e-2)
    for _ in range(3):
        words, tags = th.randint(40, (8, 6)), th.randint(5, (8, 6))
        states, _ = tagger["encode"](tagger["embed"](words))
        loss = th.nn.functional.cross_entropy(tagger["tag"](states).transpose(1, 2), tags)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


main()
