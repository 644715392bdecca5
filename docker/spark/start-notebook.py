#!/opt/venv/bin/python
"""Start JupyterLab, as the Jupyter Docker Stacks do under this name.

Arguments go to Jupyter. JUPYTER_TOKEN sets the token, JUPYTER_PORT the port,
DOCKER_STACKS_JUPYTER_CMD another front end and NOTEBOOK_ARGS more arguments.
"""

import os
import shlex
import sys

command = [
    "jupyter",
    os.environ.get("DOCKER_STACKS_JUPYTER_CMD", "lab"),
    "--ServerApp.ip=0.0.0.0",
    "--ServerApp.port_retries=0",  # a port that Docker did not publish helps nobody
    "--ServerApp.root_dir=/home/jovyan",
    "--no-browser",
    *shlex.split(os.environ.get("NOTEBOOK_ARGS", "")),
    *sys.argv[1:],
]
os.execvp(command[0], command)
