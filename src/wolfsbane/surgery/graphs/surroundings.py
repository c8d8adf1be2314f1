"""What else there is to a module beside its class: hooks around it, other places that hold it."""

from collections.abc import Iterable

from torch.nn import Module

from wolfsbane.anatomy.places import Member, members
from wolfsbane.surgery.graphs.tracing import has_hooks
from wolfsbane.surgery.planning.plan import held_in_containers


class Surroundings:
    """The modules of a model, and what may keep a change from being safe there."""

    def __init__(self, model: Module) -> None:
        self.model = model
        self.members: dict[int, Member] = {id(m.module): m for m in members(model)}
        self._listed = held_in_containers(model)
        self._hooked = [m for m in self.members.values() if has_hooks(m.module)]
        self._at = {path: m.module for m in self.members.values() for path in m.paths}

    def path(self, module: Module) -> str:
        """Return a module's first path."""
        return self.members[id(module)].path

    def hooked(self, modules: Iterable[Module]) -> str | None:
        """Return which hook sees what passes between modules that follow each other, if one does.

        It may hang on one of them, or on a container that ends or begins between two of them.
        """
        modules = list(modules)
        around = [self._above(module) for module in modules]
        common = frozenset.intersection(*around)
        between = frozenset.union(*around) - common
        for member in self._hooked:
            if id(member.module) in between:
                name = type(member.module).__name__
                return f"a hook on {name} ({member.path}) sees what is between"
        for module in modules:
            if has_hooks(module):
                return f"a hook on {type(module).__name__} ({self.path(module)}) sees what changes"
        return None

    def listed(self, modules: Iterable[Module]) -> str | None:
        """Return why a module may be called without being looked up in its slot, if one may."""
        for module in modules:
            if id(module) in self._listed:
                name = type(module).__name__
                return f"a plain list or attribute also refers to {name} ({self.path(module)})"
        return None

    def _above(self, module: Module) -> frozenset[int]:
        """Return the ids of the modules that contain a module, not itself."""
        found = set()
        for path in self.members[id(module)].paths:
            while path:
                path = path.rpartition(".")[0]  # noqa: PLW2901
                found.add(id(self._at[path]))
        return frozenset(found - {id(module)})


def one_kind(module: Module) -> bool:
    """Whether a module's floating-point tensors have one dtype, and all one device."""
    tensors = [*module.parameters(), *module.buffers()]
    dtypes = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    return len(dtypes) <= 1 and len({tensor.device for tensor in tensors}) <= 1
