"""The network of lesson 9.5, for its trainer and its notebook."""

import torch
from torch import nn
from torchvision.transforms import v2


def network(mean, std):
    """Return the network: pixels (N, 1, 28, 28), uint8, in; scores of 10 classes out.

    The scaling is part of it, so whoever uses the model cannot forget it.
    """
    torch.manual_seed(0)
    return nn.Sequential(
        v2.ToDtype(torch.float32, scale=True), v2.Normalize([mean], [std]),
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 32), nn.BatchNorm1d(32), nn.ReLU(),
        nn.Linear(32, 10),
    )  # fmt: skip
