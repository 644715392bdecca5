# The book's commands; `make` alone lists them. Everything they need is made on demand.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3.11
ENV = $(PYTHON) docker/env.py
CHAPTER ?=
IMAGE ?= spark
PORT ?= 8888

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

lab: spark dl ## open the book in JupyterLab, without Docker
	@$(ENV) exec spark jupyter lab --ServerApp.ip=127.0.0.1 \
	    --LabApp.default_url=/lab/tree/chapters/index.ipynb

test: spark dl tools ## run every check and every notebook; CHAPTER=02 for one chapter
	@$(ENV) exec spark pytest tests --ignore=tests/images $(if $(CHAPTER),--chapter=$(CHAPTER))

