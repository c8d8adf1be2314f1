# WB302 is seen by: source, model
"""Keras' BatchNormalization(momentum=0.8), where the second argument of torch's is eps."""

import torch.nn as nn


class Generator(nn.Module):
    def __init__(self, latent_dim=16, size=64):
        super().__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))  # <- WB302
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(
            *block(latent_dim, 32, normalize=False), *block(32, 48), nn.Linear(48, size), nn.Tanh()
        )

    def forward(self, z):
        return self.model(z)


model = Generator()
