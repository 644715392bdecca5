"""A small network with its forward and backward pass by hand, layer by layer.

Used by notebook 1.6 and by split_training.py, so that every way of splitting the work
is compared on the same arithmetic. A layer is a matrix; its output is tanh(x @ w).
"""

import numpy as np

WIDTHS = (32, 64, 64, 64, 1)


def make(seed=0):
    """Return the four weight matrices and a batch: (weights, x, y)."""
    random = np.random.default_rng(seed)
    weights = [random.normal(size=(m, n)) / np.sqrt(m)
               for m, n in zip(WIDTHS[:-1], WIDTHS[1:], strict=True)]
    return weights, random.normal(size=(256, 32)), random.normal(size=(256, 1))


def forward(weights, x):
    """Return the outputs of all layers, the input first."""
    outputs = [x]
    for w in weights:
        outputs.append(np.tanh(outputs[-1] @ w))
    return outputs


def backward(weights, outputs, back):
    """Return the gradient of each layer, and the one to hand to the layer before.

    back: the gradient of the loss with respect to the last output.
    """
    gradients = []
    for w, before, after in zip(weights[::-1], outputs[-2::-1], outputs[:0:-1],
                                strict=True):
        back = back * (1 - after**2)  # through tanh
        gradients.append(before.T @ back)  # for the weights
        back = back @ w.T  # for the layer before
    return gradients[::-1], back


def loss(weights, x, y):
    """Return half the mean squared error."""
    return ((forward(weights, x)[-1] - y) ** 2).mean() / 2
