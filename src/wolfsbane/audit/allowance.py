"""What a program allows in its models: `# noqa` for modules that exist."""

from torch.nn import Module
from torch.utils.weak import WeakIdKeyDictionary

from wolfsbane.audit.finding import Finding
from wolfsbane.audit.registry import rule_of
from wolfsbane.errors import ArgumentError, ArgumentTypeError

_ALLOWED = WeakIdKeyDictionary()
"""By module, the codes that are allowed in it, each with its reason. Not an attribute of the
module: it would be saved and copied with it."""


def allow(module: Module, *codes: str, reason: str) -> None:
    """Let a module, and everything below it, have a defect: check_model and watch do not tell it.

    It holds for this very object. A copy, such as of copy.deepcopy or of a model that is loaded
    again, is another module and needs it anew.

    Args:
        module: the model, or any module in it.
        codes: codes or names of rules, such as "WB105" or "dropout-made-in-forward".
        reason: why it is right here.

    Raises:
        ArgumentTypeError: not a module, or a code or reason that is no text.
        ArgumentError: an unknown code, none at all, or no reason.

    Examples:
        >>> from torch import nn
        >>> prenet = nn.Sequential(nn.Linear(80, 256), nn.ReLU(), nn.Dropout(0.5))
        >>> allow(prenet, "WB101", reason="always on, as in Tacotron 2")
    """
    if not isinstance(module, Module):
        raise ArgumentTypeError(
            f"module has to be a torch.nn.Module, but got {module!r}. Pass the module that has "
            "the defect, or the model"
        )
    if not codes:
        raise ArgumentError(
            "allow needs the code of a rule, but got none. As in allow(module, 'WB105', reason=...)"
        )
    for text in (*codes, reason):
        if not isinstance(text, str):
            raise ArgumentTypeError(
                f"codes and reason have to be text, but got {text!r}. Several codes are separate "
                "arguments: allow(module, 'WB105', 'WB101', reason=...)"
            )
    if not reason.strip():
        raise ArgumentError("reason has to say why it is allowed, but is empty. Write it down")
    own = {rule_of(code).code: reason for code in codes}
    _ALLOWED[module] = {**_ALLOWED.get(module, {}), **own}


def is_allowed(model: Module, path: str, code: str) -> bool:
    """Whether a module, or one above it on its path, is allowed to have a defect.

    Args:
        model: the root.
        path: of the module, as in `model.named_modules()`.
        code: of the rule.
    """
    module: Module | None = model
    for name in ("", *path.split(".")):
        if name and module is not None:
            # A scripted module's children are a mapping of another kind, without get().
            module = dict(module._modules.items()).get(name)  # noqa: SLF001
        if module is not None and code in _ALLOWED.get(module, {}):
            return True
    return False


def is_finding_allowed(model: Module, finding: Finding) -> bool:
    """Whether what was found is allowed there; without a module it is the whole model's."""
    return is_allowed(model, finding.place.module or "", finding.code)
