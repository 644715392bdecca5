"""Keep what this chapter's programs never use out of their processes; imported by them.

Each of these imports costs more processor time than the training itself, and they are
repeated in every process:

- the first optimiser imports PyTorch's compiler, torch._dynamo (3 s): a stand-in with
  what optimisers and process groups call takes its place;
- TensorBoard, which Horovod's Estimator imports, imports TensorFlow where there is one
  (8 s), unless there is a module of this name;
- TensorFlow imports Keras 3 (2 s), unless the older Keras is asked for.

What is computed does not change. A program that compiles its model or uses Keras must
not import this, nor one with DistributedDataParallel, which asks the compiler for more.
"""

import os
import sys
from types import ModuleType, SimpleNamespace

compiler = ModuleType("torch._dynamo")
compiler.disable = lambda function, *_, **__: function  # from now on: not compiled
compiler.graph_break = lambda: None  # no graph is being recorded
compiler.trace_rules = SimpleNamespace(clear_lru_cache=lambda: None)  # nothing cached
sys.modules.setdefault("torch._dynamo", compiler)
sys.modules.setdefault("tensorboard.compat.notf", ModuleType("notf"))
os.environ["TF_USE_LEGACY_KERAS"] = "1"
