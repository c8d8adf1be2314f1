"""Activations: what a network without them cannot do, saturation, dead units."""

ORDER: tuple[str, ...] = ("relu",)
