"""Remove from this Python's environment what no chapter of the book runs.

Spark's clients for Kubernetes and YARN, native libraries for other platforms, packages'
own tests, debugging symbols, and what is only there to compile extensions. The image
tests import all that chapters import from what is left. Prints the megabytes that each
group gave back.
"""

import os
import platform
import re
import shutil
import subprocess
import sysconfig
import zipfile
from pathlib import Path

SITE = Path(sysconfig.get_path("purelib"))
JARS = SITE / "pyspark/jars"
LINUX = {"x86_64": r"(linux|linux-|linux_|linux/)(x86[-_]64|amd64|64)\b",
         "aarch64": r"linux[-_/]?(aarch[-_]?64|arm64)"}[platform.machine()]  # fmt: skip
OTHER_CLUSTERS = r"(spark-)?kubernetes-|vertx-|zjsonpatch|snakeyaml-engine|spark-yarn_"
NATIVE = re.compile(r"\.(so|dll|jnilib|dylib|a)$")
PLATFORM = re.compile(r"linux|win|osx|darwin|mac|bsd|aix|sunos|solaris", re.I)
SOURCES = {
    ".pxd",
    ".pyx",
    ".pxi",
    ".a",
    ".hpp",
    ".cpp",
    ".c",
    ".cc",
    ".h",
    ".cu",
    ".cuh",
}
FOR_COMPILERS = (
    "pyarrow/include", "pyarrow/src", "torch/include", "torch/share",
    "tensorflow/include", "numpy/core/include", "pyspark/examples", "jupyterlab/galata",
    "clang", "jedi/third_party/django-stubs", "jedi/third_party/typeshed/stubs",
    "torch/test",
)  # fmt: skip


TEST_IS_API = {("tensorflow",), ("tensorboard",), ("torch",)}


def size(path):
    """Return the bytes a file or folder takes."""
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    return sum(p.lstat().st_size for p in path.rglob("*") if not p.is_dir())


def remove(path):
    """Delete a file or folder if it is there; return the bytes it took."""
    if not path.exists():
        return 0
    freed = size(path)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    return freed


def is_foreign(name):
    """Return whether a native library within a jar is for another platform."""
    mine = re.search(LINUX, name, re.I)
    return NATIVE.search(name) and PLATFORM.search(name) and not mine


def trim_jar(jar):
    """Write the jar again without foreign native libraries, if that is worth it."""
    with zipfile.ZipFile(jar) as old:
        foreign = [i for i in old.infolist() if is_foreign(i.filename)]
        if sum(i.compress_size for i in foreign) < 100_000:
            return 0
        smaller = jar.with_suffix(".partial")
        with zipfile.ZipFile(smaller, "w", zipfile.ZIP_DEFLATED) as new:
            for item in old.infolist():
                if item not in foreign:
                    new.writestr(item, old.read(item))
    freed = jar.stat().st_size - smaller.stat().st_size
    smaller.chmod(0o644)
    smaller.replace(jar)
    return freed


def trim_jars():
    """Drop other cluster managers' jars and other platforms' native libraries."""
    freed = 0
    for jar in sorted(JARS.glob("*.jar")):
        other = re.match(OTHER_CLUSTERS, jar.name) or (
            re.search(r"-(linux|osx|windows)-\w+\.jar$", jar.name)
            and not re.search(LINUX, jar.name)
        )
        freed += remove(jar) if other else trim_jar(jar)
    return freed


def trim_tests():
    """Drop packages' own tests; in some, what is called test is part of the API."""
    freed = 0
    for root, folders, _ in os.walk(SITE):
        package = Path(root).relative_to(SITE).parts[:1]
        names = {"tests"} if package in TEST_IS_API else {"tests", "test"}
        for name in names & set(folders):
            freed += remove(Path(root, name))
            folders.remove(name)
    return freed


def is_test(program):
    """Return whether one of torch's programs tests torch, or compiles for it."""
    return program.startswith(("test_", "protoc")) or program.endswith("Test")


def trim_sources():
    """Drop headers, static libraries and sources of compiled modules."""
    freed = sum(remove(SITE / name) for name in FOR_COMPILERS)
    freed += sum(remove(p) for p in (SITE / "torch/bin").glob("*") if is_test(p.name))
    files = [p for p in SITE.rglob("*") if p.suffix in SOURCES and p.is_file()]
    return freed + sum(map(remove, files))


def trim_languages():
    """Drop the data of languages other than the book's."""
    others = [
        path
        for path in (SITE / "babel/locale-data").glob("*.dat")
        if not path.name.startswith(("en", "root"))
    ]
    return sum(map(remove, others))


def trim_arrow():
    """Drop Arrow's network services: nothing here speaks Flight or Substrait."""
    return sum(
        remove(path)
        for pattern in ("*arrow*_flight*", "*_substrait*", "_flight*")
        for path in (SITE / "pyarrow").glob(pattern)
    )


def trim_zstandard():
    """Drop the interface for PyPy, a second copy of the library."""
    return sum(map(remove, (SITE / "zstandard").glob("*cffi*")))


def trim_hub():
    """Drop the pages of a JupyterHub itself: the images are its users' servers."""
    return remove(SITE.parents[2] / "share/jupyterhub/static")


def trim_symbols():
    """Drop extension modules' debugging symbols, where there is a `strip`.

    The image dl has none: a layer on top cannot make the modules below it smaller.
    """
    if not shutil.which("strip"):
        return 0
    modules = [*SITE.rglob("*.cpython-*.so"), *SITE.rglob("*.abi3.so")]
    before = sum(map(size, modules))
    for module in modules:
        subprocess.run(["strip", "--strip-debug", module], check=True)
    return before - sum(map(size, modules))


def link_lab():
    """Link JupyterLab's pages, which its wheel holds twice."""
    freed = 0
    twice = SITE / "jupyterlab"
    once = SITE.parents[2] / "share/jupyter/lab"
    for path in (p for d in ("static", "themes") for p in (twice / d).rglob("*")):
        other = once / path.relative_to(twice)
        if not (path.is_file() and other.is_file()) or path.samefile(other):
            continue
        if path.read_bytes() == other.read_bytes():
            freed += remove(path)
            path.hardlink_to(other)
    return freed


if __name__ == "__main__":
    groups = (
        trim_jars,
        trim_tests,
        trim_sources,
        trim_languages,
        trim_arrow,
        trim_zstandard,
        trim_hub,
        trim_symbols,
        link_lab,
    )
    for group in groups:
        print(f"{group.__name__}: {group() / 1e6:.0f} MB", flush=True)
