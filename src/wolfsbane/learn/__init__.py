"""The lesson: dropout, batch norm and activations, shown and practised on real torch.

What the server's process imports loads without torch: blocks, controls, the sections' words, the
items, the pages. Whatever needs torch runs in processes of its own (`workers/`).
"""
