"""Print the images' sizes and how fast they start: `make bench`.

Times are from `docker run` to Jupyter's first answer, and to the result of a first
Spark action in a container of its own. The median of three; let the machine be idle.
"""

import json
import statistics
import subprocess
import time
import urllib.request

ACTION = (
    "from pyspark.sql import SparkSession; "
    "print(SparkSession.builder.getOrCreate().range(1000).count())"
)


def docker(*arguments):
    """Run docker and return what it printed."""
    return subprocess.check_output(["docker", *arguments], text=True).strip()


def answers(address):
    """Return whether Jupyter answers there."""
    try:
        with urllib.request.urlopen(f"http://{address}/api", timeout=1) as answer:
            return "version" in json.load(answer)
    except OSError:
        return False


def jupyter_seconds(image):
    """Return the seconds until Jupyter answers."""
    start = time.monotonic()
    name = docker("run", "--detach", "--rm", "--publish", "127.0.0.1::8888", image)
    try:
        address = docker("port", name, "8888").split()[0]
        while not answers(address):
            time.sleep(0.05)
        return time.monotonic() - start
    finally:
        docker("rm", "--force", name)


def spark_seconds(image):
    """Return the seconds until a first Spark action has its result."""
    start = time.monotonic()
    docker("run", "--rm", image, "python", "-c", ACTION)
    return time.monotonic() - start


for short in ("spark", "dl"):
    image = f"scaling-ml-book/{short}"
    size = int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e9
    times = [
        statistics.median(measure(image) for _ in range(3))
        for measure in (jupyter_seconds, spark_seconds)
    ]
    print(f"{short:5}  {size:.2f} GB   Jupyter answers after {times[0]:.1f} s   "
          f"first Spark action after {times[1]:.1f} s", flush=True)  # fmt: skip
