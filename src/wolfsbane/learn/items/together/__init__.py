"""All together: order, modes, losses, whole programs."""

ORDER: tuple[str, ...] = (
    "modes",
    "eval_not_called",
    "commute",
    "order",
    "plain_list",
    "state_dict",
    "new_head",
    "how_sure",
    "hook",
    "curvature",
    "two_mistakes",
)
