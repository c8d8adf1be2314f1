"""What every verb is made of: plans, their changes, what carries over from old to new."""
