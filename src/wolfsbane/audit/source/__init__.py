"""Programs read as text: what each call means, and what flows into it. No torch is imported."""
