#!/bin/bash
# The names under which the Jupyter Docker Stacks once had it: start-singleuser.sh, too.
exec start-notebook.py "$@"
