"""One look for every figure of the book."""

import matplotlib.pyplot as plt
from cycler import cycler
from IPython import get_ipython
from matplotlib_inline.config import InlineBackend

# Dark to light, so that greyscale keeps them apart; blue, orange, green, rose, grey are
# safe for the common colour-vision deficiencies.
palette = ["#1b4f8a", "#e07b39", "#4c9f70", "#c2618c", "#8a8f98"]


def style():
    """Set matplotlib's defaults for a figure that reads well at a notebook's width."""
    if shell := get_ipython():  # twice as many pixels, shown at the same width
        InlineBackend.instance(parent=shell).figure_formats = {"retina"}
    plt.rcParams.update(
        {
            "figure.figsize": (8, 3.4),
            "figure.dpi": 100,
            "savefig.bbox": "tight",
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=palette)
            + cycler(linestyle=["-", "--", "-.", ":", "-"]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "axes.axisbelow": True,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "font.size": 10,
            "legend.frameon": False,
        }
    )
