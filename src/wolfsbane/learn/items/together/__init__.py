"""All together: order, modes, losses, whole programs."""

ORDER: tuple[str, ...] = ("modes",)
