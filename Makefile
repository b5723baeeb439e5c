# Needs only python3 with venv. Every target makes the virtual environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check fix demo

run: $(VENV)/.run      ## start the studio and open it in the browser
	$(BIN)/python app.py

demo: $(VENV)/.run     ## the same comparison without a window
	sh -c "$$($(PYTHON) -m tests.readme command compare)"

test: $(VENV)/.dev     ## the fast tests, browser included
	$(BIN)/python -m pytest -n 2

check: $(VENV)/.dev    ## what has to be clean before a commit
	$(BIN)/python -m pre_commit run --all-files

fix: $(VENV)/.dev      ## format, and repair what can be repaired by machine
	$(BIN)/python -m ruff check --fix
	$(BIN)/python -m ruff format

$(VENV)/.run: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -r requirements-dev.txt
	touch $@
