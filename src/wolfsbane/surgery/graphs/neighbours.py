"""What is known where a model has no graph: the order of modules in torch.nn.Sequential."""

from torch.nn import Module, Sequential

from wolfsbane.anatomy.places import members
from wolfsbane.surgery.graphs.graph import Node, Trace

UNKNOWN = "code that could not be traced"


def neighbours(model: Module) -> Trace:
    """Return the chains in a model's Sequentials, as if each were called once wherever it hangs.

    A module that hangs in several places is taken to be called from each of them.
    """
    found = {path: member.module for member in members(model) for path in member.paths}
    outside = Node(UNKNOWN, None)
    steps = [outside]
    for path, module in found.items():
        if is_sequential(module) and not is_sequential(_at(found, _parent(path))):
            end = _chain(module, path, outside, steps)
            steps.append(Node(UNKNOWN, None, (end,)))
        elif not is_sequential(module) and not is_sequential(_at(found, _parent(path))):
            call = Node(path, module, (outside,))
            steps += [call, Node(UNKNOWN, None, (call,))]
    return Trace(steps, training=None)


def is_sequential(module: Module | None) -> bool:
    """Whether a module calls its children one after the other, and does nothing else."""
    if module is None or "forward" in vars(module):
        return False
    return isinstance(module, Sequential) and type(module).forward is Sequential.forward


def _at(found: dict[str, Module], path: str | None) -> Module | None:
    return None if path is None else found.get(path)


def _parent(path: str) -> str | None:
    return path.rpartition(".")[0] if path else None


def _chain(sequential: Module, path: str, source: Node, steps: list[Node]) -> Node:
    for name, child in sequential._modules.items():  # noqa: SLF001  # aliases too
        if child is None:
            continue
        child_path = f"{path}.{name}" if path else name
        if is_sequential(child):
            source = _chain(child, child_path, source, steps)
        else:
            source = Node(child_path, child, (source,))
            steps.append(source)
    return source
