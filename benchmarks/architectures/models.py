"""Architectures that build without a download, and inputs that they take."""

import contextlib
import copy
import inspect
import itertools
from collections.abc import Iterator
from typing import Any

import torch

MOST_PARAMETERS = 60_000_000
"""Larger architectures are variants of smaller ones, and take minutes on a CPU."""

SMALL = {
    "hidden_size": 32,
    "d_model": 32,
    "n_embd": 32,
    "dim": 32,
    "embed_dim": 32,
    "embedding_size": 32,
    "emb_dim": 32,
    "num_hidden_layers": 2,
    "n_layer": 2,
    "n_layers": 2,
    "num_layers": 2,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "num_decoder_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "n_head": 4,
    "n_heads": 4,
    "num_heads": 4,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "head_dim": 8,
    "d_kv": 8,
    "intermediate_size": 64,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "d_ff": 64,
    "d_inner": 64,
    "hidden_dim": 64,
    "ffn_dim": 64,
    "vocab_size": 128,
    "max_position_embeddings": 64,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
}
"""Sizes of a transformer that fit where a configuration has them."""


FEW_LAYERS = {key: value for key, value in SMALL.items() if "layers" in key or key == "n_layer"}


def declare_missing_operators() -> None:
    """Declare those C++ operators of torchvision that its Python looks for and this torch lacks.

    The models need none of them: they are for detection.
    """
    library = torch.library.Library("torchvision", "DEF")
    declare_missing_operators.library = library  # type: ignore[attr-defined]  # kept alive
    for name in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def names() -> list[tuple[str, str]]:
    """Return (library, architecture) of all that are tried, one of each kind before any second."""
    kinds = [*_timm_kinds(), *_torchvision_kinds(), *_transformers_kinds()]
    return [one for layer in itertools.zip_longest(*kinds) for one in layer if one is not None]


def _timm_kinds() -> Iterator[list[tuple[str, str]]]:
    """Yield the architectures of each of timm's files, the smallest first."""
    import timm  # noqa: PLC0415

    for file in timm.list_modules():
        sizes = {}
        for name in timm.list_models(module=file):
            if name.startswith("test_"):
                continue
            with contextlib.suppress(Exception), torch.device("meta"):
                model = timm.create_model(name, pretrained=False)
                sizes[name] = sum(p.numel() for p in model.parameters())
        small = [name for name, size in sizes.items() if size < MOST_PARAMETERS]
        yield [("timm", name) for name in sorted(small, key=sizes.__getitem__)]


def _torchvision_kinds() -> Iterator[list[tuple[str, str]]]:
    from torchvision import models  # noqa: PLC0415

    for name in models.list_models():
        with contextlib.suppress(Exception), torch.device("meta"):
            model = models.get_model(name, **_without_weights(name))
            if sum(p.numel() for p in model.parameters()) < MOST_PARAMETERS:
                yield [("torchvision", name)]


def _transformers_kinds() -> Iterator[list[tuple[str, str]]]:
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES  # noqa: PLC0415

    for name in MODEL_MAPPING_NAMES:
        yield [("transformers", name)]


def build(library: str, name: str) -> tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]:
    """Return a model with random weights, and inputs that it takes."""
    if library == "timm":
        import timm  # noqa: PLC0415

        model = timm.create_model(name, pretrained=False, drop_rate=0.1)
        return model, (torch.randn(2, *model.default_cfg["input_size"]),), {}
    if library == "torchvision":
        return _torchvision(name)
    return _transformers(name)


def _without_weights(name: str) -> dict[str, Any]:
    """Return arguments that keep torchvision from downloading anything."""
    from torchvision import models  # noqa: PLC0415

    parameters = inspect.signature(models.get_model_builder(name)).parameters
    nothing = {"weights": None, "weights_backbone": None, "quantize": False}
    return {key: value for key, value in nothing.items() if key in parameters}


def _torchvision(name: str) -> tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]:
    from torchvision import models  # noqa: PLC0415

    module = models.get_model_builder(name).__module__
    model = models.get_model(name, **_without_weights(name))
    if ".detection" in module:
        return model, ([torch.rand(3, 96, 96)],), {}
    if ".video" in module:
        size = 224 if "mvit" in name or "swin" in name else 112
        return model, (torch.randn(2, 3, 16, size, size),), {}
    if ".optical_flow" in module:
        return model, (torch.randn(1, 3, 128, 128), torch.randn(1, 3, 128, 128)), {}
    size = 299 if "inception" in name else 224
    return model, (torch.randn(2, 3, size, size),), {}


def _transformers(name: str) -> tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]:
    """Return a transformer of small sizes; where these do not go together, of few layers."""
    why = ""
    for sizes in (SMALL, FEW_LAYERS):
        try:
            model = _transformer(name, sizes)
        except Exception as error:  # noqa: BLE001  # the next sizes may do
            why = f"{type(error).__name__}: {error}"
            continue
        for inputs in _candidates(model):
            try:
                with torch.no_grad():
                    copy.deepcopy(model).eval()(**inputs)
            except Exception as error:  # noqa: BLE001  # the next inputs may do
                why = f"{type(error).__name__}: {error}"
            else:
                return model, (), inputs
    raise ValueError(f"does not run with tokens, pixels, samples or features alone ({why[:100]})")


def _transformer(name: str, sizes: dict[str, int]) -> torch.nn.Module:
    from transformers import AutoModel  # noqa: PLC0415
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING  # noqa: PLC0415

    config = CONFIG_MAPPING[name]()
    for attribute, value in sizes.items():
        if isinstance(getattr(config, attribute, None), int):
            with contextlib.suppress(Exception):
                setattr(config, attribute, value)
    with torch.device("meta"):
        size = sum(p.numel() for p in AutoModel.from_config(copy.deepcopy(config)).parameters())
    if size > MOST_PARAMETERS:
        raise ValueError(f"{size / 1e6:.0f} million parameters, with {len(sizes)} sizes made small")
    model: torch.nn.Module = AutoModel.from_config(config)
    return model


def _candidates(model: Any) -> list[dict[str, Any]]:
    """Return inputs that a transformer may take, those of its main kind first."""
    config = model.config
    side = getattr(config, "image_size", None)
    side = side if isinstance(side, int) else 224
    tokens = torch.randint(3, 90, (2, 12))
    candidates: list[dict[str, Any]] = [
        {"input_ids": tokens},
        {"input_ids": tokens, "decoder_input_ids": tokens},
        {"pixel_values": torch.randn(2, 3, side, side)},
        {"input_values": torch.randn(2, 4000)},
        {"input_features": torch.randn(2, getattr(config, "num_mel_bins", 80), 3000)},
    ]
    main = getattr(model, "main_input_name", "input_ids")
    return sorted(candidates, key=lambda given: main not in given)
