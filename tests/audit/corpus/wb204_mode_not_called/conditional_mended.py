# WB204 is seen by: source
import argparse

import torch
import torchvision


def build(arch, weights):
    network = getattr(torchvision.models, arch)()
    network.load_state_dict(torch.load(weights))
    return network


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--deterministic", action="store_true")
    args = parser.parse_args()
    network = build("resnet18", args.weights)
    if args.deterministic:
        torch.use_deterministic_algorithms(True)
        network.eval()
    else:
        network.eval()
    with torch.no_grad():
        print(network(torch.rand(1, 3, 64, 64)).argmax())


if __name__ == "__main__":
    main()
