"""Let `import torchvision` work beside a CPU torch, whichever build the index offers.

torchvision's CUDA build cannot load its C++ operators beside a CPU torch, and its
import then fails because the schemas of `torchvision::nms` and `torchvision::qnms`
are missing. Where that is so, this declares the two schemas at the top of the
installed package: transforms, models and utilities then work; box operators do not.
Run once by docker/env.py; does nothing where torchvision imports by itself.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

SCHEMAS = """\
# Added by docker/dl/fix_torchvision.py: this build's C++ operators do not load here.
import torch as _torch

_schemas = _torch.library.Library("torchvision", "DEF")
for _name in ("nms", "qnms"):
    _schemas.define(
        _name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

"""


def imports():
    """Return whether a fresh Python imports torchvision, and its last error line."""
    told = subprocess.run(
        [sys.executable, "-c", "import torchvision"], capture_output=True, text=True
    )
    return told.returncode == 0, told.stderr.strip().rsplit("\n", 1)[-1]


works, _ = imports()
if not works:
    package = Path(importlib.util.find_spec("torchvision").origin)
    # A new file, not a write in place: uv may have hard-linked this one to its cache.
    text = package.read_text()
    package.unlink()
    package.write_text(SCHEMAS + text)
    works, error = imports()
    if not works:
        sys.exit(f"torchvision does not import, even with its schemas: {error}")
