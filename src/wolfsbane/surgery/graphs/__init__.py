"""Which module calls which: read from torch.fx, torch.export or the order in a Sequential."""
