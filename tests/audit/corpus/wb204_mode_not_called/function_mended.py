# WB204 is seen by: source
import torch


def evaluate(model, loader, device="cpu"):
    model.eval()
    outputs = []
    with torch.no_grad():
        for batch in loader:
            outputs.append(model(batch.to(device)).cpu())
    return torch.cat(outputs)
