#!/bin/bash
# The name under which the Jupyter Docker Stacks once had it.
exec start-notebook.py "$@"
