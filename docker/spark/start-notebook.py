#!/opt/venv/bin/python
"""Start JupyterLab, as the Jupyter Docker Stacks do under this name.

Arguments go to Jupyter. JUPYTER_TOKEN sets the token, JUPYTER_PORT the port,
DOCKER_STACKS_JUPYTER_CMD another front end (lab or server) and NOTEBOOK_ARGS more
arguments. GEN_CERT=yes makes a certificate and serves https; RESTARTABLE=yes starts
Jupyter again whenever it ends. Where JUPYTERHUB_API_TOKEN says that a JupyterHub has
started the container, its single-user server runs: JupyterLab behind the hub's door.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

YES = ("1", "yes")


def certificate():
    """Make a key with a certificate signed by itself; return the file's name."""
    folder = Path(jupyter_data_dir())
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "notebook.pem"
    file.touch(mode=0o600)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365",
         "-subj", "/CN=localhost", "-keyout", file, "-out", file],
        check=True, capture_output=True,
    )  # fmt: skip
    return file


front_end = os.environ.get("DOCKER_STACKS_JUPYTER_CMD", "lab")
if front_end not in ("lab", "server"):
    sys.exit(
        f"start-notebook.py: DOCKER_STACKS_JUPYTER_CMD={front_end}: these images have "
        "only lab and server"
    )
# Beside a home in /tmp, of a read-only container, the book is where it always was.
home = Path.home()
book = home if (home / "chapters").exists() else "/home/jovyan"
hub = "JUPYTERHUB_API_TOKEN" in os.environ
if Path(sys.argv[0]).name == "start-singleuser.py" and not hub:
    sys.exit(
        "start-singleuser.py: JUPYTERHUB_API_TOKEN is not set: a JupyterHub starts "
        "this; without a hub, use start-notebook.py"
    )
command = [
    *(["jupyterhub-singleuser"] if hub else ["jupyter", front_end]),
    "--ServerApp.ip=0.0.0.0",
    "--ServerApp.port_retries=0",  # a port that Docker did not publish helps nobody
    f"--ServerApp.root_dir={book}",
    "--no-browser",
    *shlex.split(os.environ.get("NOTEBOOK_ARGS", "")),
    *sys.argv[1:],
]
if os.environ.get("GEN_CERT") in YES:
    command.append(f"--ServerApp.certfile={certificate()}")
print("Executing:", shlex.join(command), flush=True)
while os.environ.get("RESTARTABLE") in YES:
    subprocess.run(command, check=False)
os.execvp(command[0], command)
