"""Where Horovod's Estimator runs in 05_horovod.ipynb: Horovod's own backend, but lean.

Its processes import lean.py before they unpack their work, or that would import
TensorBoard, and TensorBoard would import TensorFlow. See lean.py and launch_horovod.py.
"""

import cloudpickle
import launch_horovod  # noqa: F401 (also for horovod.spark.run, in the kernel)
import lean  # noqa: F401 (before the Estimator is imported, in the kernel)
from horovod.spark.common.backend import SparkBackend


class LeanBackend(SparkBackend):
    """SparkBackend, whose processes import `lean` first."""

    def run(self, fn, args=(), kwargs=None, env=None):
        """Run fn(*args, **kwargs) in all processes; return the results by rank."""
        packed = cloudpickle.dumps((fn, args, kwargs or {}))

        def work():
            import lean  # noqa: F401, F811

            fn, args, kwargs = cloudpickle.loads(packed)
            return fn(*args, **kwargs)

        return super().run(work, env=env)
