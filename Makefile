# The same few commands for everyone; each makes the virtual environment it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: demo run test check bench clean

demo: $(VENV)/demo.stamp
	@$(BIN)/python -m infra.local.demo

run: $(VENV)/local.stamp
	@exec $(BIN)/python -m infra.local

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@infra/make-venv $(PYTHON) $(VENV)

$(VENV)/local.stamp: requirements.txt requirements/engine.txt requirements/front-door.txt requirements/local.txt requirements/constraints.txt | $(VENV)/bin/python
	@echo "Installing Attune into $(VENV) (once) ..."
	@$(PIP) -c requirements/constraints.txt -r requirements/local.txt
	@touch $@

$(VENV)/demo.stamp: $(VENV)/local.stamp requirements/demo.txt
	@echo "Installing IBM's SDK into $(VENV) (once) ..."
	@$(PIP) -c requirements/constraints.txt -r requirements/demo.txt
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp requirements/dev.txt
	@echo "Installing the development tools into $(VENV) (once) ..."
	@$(PIP) -c requirements/constraints.txt -r requirements/dev.txt
	@touch $@
