"""Random numbers that a model draws by itself, without masks: from torch's own generators."""

import torch


class OtherDraws:
    """Torch's generators of the CPU and of a device, seeded for each pass.

    Args:
        device: where the model computes.
    """

    def __init__(self, device: torch.device) -> None:
        self._generators = [torch.default_generator]
        if device.type == "cuda":
            index = torch.cuda.current_device() if device.index is None else device.index
            self._generators.append(torch.cuda.default_generators[index])
        self._seed = 0

    def seed(self, seed: int) -> None:
        """Seed them."""
        for generator in self._generators:
            generator.manual_seed(seed)
        self._seed = seed

    @property
    def have_moved(self) -> bool:
        """Whether anything was drawn since they were seeded."""
        states = [generator.get_state() for generator in self._generators]
        self.seed(self._seed)
        return any(
            not torch.equal(generator.get_state(), state)
            for generator, state in zip(self._generators, states, strict=True)
        )
