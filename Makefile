# The book's commands; `make` alone lists them. What a command needs, it makes first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help lab test test-cluster repeat render lint lock data picture images \
	images-arm64 run cluster cluster-stop test-images bench clean web serve-web messages \
	epub pdf test-web spark dl tools interpreter

PYTHON ?= python3.11
# Another Python's, and so fatal to this one's start.
unexport PYTHONHOME PYTHONPATH
# Where uv puts the one that it fetches.
export PATH := $(PATH):$(HOME)/.local/bin
ENV = $(PYTHON) docker/env.py
ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)

CHAPTER ?=
CORES ?=
NOTEBOOK ?=
IMAGE ?= spark

help: ## list the commands
	@sed -nE 's/^([a-z0-9-]+):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

lab: spark dl ## open the book in JupyterLab, without Docker
	@JUPYTER_CONFIG_PATH=docker/conf $(ENV) exec spark jupyter lab $(ROOT) \
	    --ServerApp.ip=127.0.0.1 --ServerApp.root_dir="$(CURDIR)"

test: spark dl tools ## run every check and notebook; CHAPTER=02, CORES=1,4, LOAD=2, KEEP=1
	@$(ENV) exec spark pytest tests --ignore=tests/images --ignore=tests/web \
	    $(if $(CHAPTER),--chapter=$(CHAPTER)) $(if $(CORES),--cores=$(CORES)) \
	    $(if $(LOAD),--load=$(LOAD)) $(if $(KEEP),--keep)
	@$(if $(CHAPTER),,$(MAKE) --no-print-directory test-web)

test-cluster: spark tools ## run the lessons of chapters 1, 2 and 4 to 6 on a real cluster
	@$(ENV) exec spark pytest tests/test_notebooks.py --cluster \
	    $(if $(CHAPTER),--chapter=$(CHAPTER))

render: spark dl ## run notebooks and store outputs; NOTEBOOK=path or CHAPTER=02
	@$(ENV) exec spark python tests/render.py \
	    $(if $(CHAPTER),--chapter $(CHAPTER)) $(NOTEBOOK)

repeat: spark dl ## run notebooks N times; LOAD=2, TWICE=1, KEEP=1: see tests/repeat.py
	@$(ENV) exec spark python tests/repeat.py --times $(or $(N),5) --load $(or $(LOAD),0) \
	    $(if $(TWICE),--twice) $(if $(CHILDREN),--children) $(if $(KEEP),--keep) \
	    $(if $(CHAPTER),--chapter $(CHAPTER)) $(NOTEBOOK)

lint: spark tools ## only the quick checks of style: notebooks, Python, shell, Docker
	@$(ENV) exec spark pytest tests/test_style.py

lock: ## renew the locks from the lists of direct dependencies
	@$(ENV) lock spark
	@$(ENV) lock dl
	@$(ENV) lock tools

data: spark ## make datasets/ again from its pinned sources; needs the network
	@$(ENV) exec spark python datasets/build.py

picture: spark ## take the picture of MLflow's page again; needs Chromium
	@$(ENV) exec spark python chapters/03_mlflow/photograph.py

SPHINX = $(ENV) exec tools sphinx-build -q -W --keep-going -c chapters/web

web: .web/html/index.html ## make the book's pages from the stored outputs: .web/html/index.html

# What they come from: text, pictures, programs, the commit that they name. A folder is
# newer, too, when a file in it is gone.
PAGES = $(wildcard .git/logs/HEAD) tests/requirements.lock \
	$(shell find chapters datasets -name __pycache__ -prune -o -not -name '*.mo' -print)

.web/html/index.html: $(PAGES) | tools
	@rm -rf .web/en/html .web/zh/html
	@$(SPHINX) -E -d .web/zh/doctrees -D language=zh_CN . .web/zh/html & zh=$$!; \
	    $(SPHINX) -E -d .web/en/doctrees . .web/en/html; en=$$?; wait $$zh && exit $$en
	@rm -r .web/zh/html/_images && ln -s ../_images .web/zh/html  # the same pictures
	@mv .web/zh/html .web/en/html/zh && rm -rf .web/html && mv .web/en/html .web
	@touch $@

serve-web: web ## show these pages in a browser, on a free port
	@$(ENV) exec tools python -u -m http.server 0 --bind 127.0.0.1 --directory .web/html

epub: tools ## make .web/scaling-machine-learning.epub
	@rm -rf .web/en/epub
	@$(SPHINX) -d .web/en/doctrees -D html_css_files= -D html_js_files= -b epub . .web/en/epub
	@cp .web/en/epub/scaling-machine-learning.epub .web

pdf: tools ## make .web/scaling-machine-learning.pdf; needs Chromium
	@$(SPHINX) -d .web/en/doctrees -b singlehtml . .web/en/single
	@$(ENV) exec tools python chapters/web/pdf.py .web/en/single .web/scaling-machine-learning.pdf

messages: tools ## renew the Chinese catalogues after a change of text
	@$(SPHINX) -d .web/messages/doctrees -b gettext . .web/messages/pot
	@$(ENV) exec tools sphinx-intl update -p .web/messages/pot -d chapters/web/locale \
	    -l zh_CN -w 0 --no-obsolete
	@$(ENV) exec tools sphinx-intl stat -d chapters/web/locale -l zh_CN || true

test-web: web epub ## try the pages in a browser, where there is Chromium
	@$(ENV) exec tools python -m pytest tests/web

images: web ## build the Docker images spark and dl
	@docker/images.sh build

images-arm64: web ## build spark for arm64, by emulation if need be; run lessons, one on dl's lock
	@docker/images.sh arm64

run: ## start an image with ./work mounted; IMAGE=spark or IMAGE=dl
	@docker/images.sh run $(IMAGE)

cluster: ## start Spark, MLflow, PostgreSQL and Jupyter in containers; IMAGE=spark or dl
	@docker/images.sh cluster $(IMAGE)

cluster-stop: ## stop that cluster; MLflow's records stay for the next time
	@docker/images.sh cluster-stop

test-images: spark tools images ## start both images, try them, run notebooks inside; EVERY=1: all
	@$(ENV) exec tools python -m pytest tests/images

bench: tools ## print the images' sizes and how fast they start
	@$(ENV) exec tools python docker/benchmark.py

clean: ## remove the environments and the pages; images, locks and caches stay
	rm -rf .venv .web

spark dl tools: interpreter
	@$(ENV) make $@

interpreter:
	@command -v $(PYTHON) > /dev/null || { command -v uv > /dev/null && \
	    echo "no $(PYTHON) here: uv fetches Python 3.11 into ~/.local/bin" && \
	    uv python install 3.11 && command -v $(PYTHON) > /dev/null; } || { \
	    echo "missing: Python 3.11: install python3.11 with its venv module, or" \
	    "name it: make PYTHON=..." >&2; exit 1; }
