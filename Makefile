# The same few commands for everyone; each makes the virtual environment it needs.
PYTHON ?= python3
VENV := .venv
SAGEMAKER := .venv-sagemaker
BIN := $(VENV)/bin
LAYER := build/layer/engine-layer.zip
STAGE ?= prod
ARGUMENTS ?=
INTO ?= restored
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
# Exactly what is listed, each file compared with its hash (docs/internals/dependencies.md).
LISTED := --require-hashes --no-deps -r requirements/locked

.PHONY: demo run training test test-quick check fix bench audit sagemaker deploy destroy restore smoke chalice-local clean

demo: $(VENV)/demo.stamp
	@$(BIN)/python -m infra.local.demo

run: $(VENV)/local.stamp
	@exec $(BIN)/python -m infra.local

# The API alone under `chalice local`, beside the service of `make run`: docs/running.md
chalice-local: $(VENV)/local.stamp
	@exec $(BIN)/python -m infra.local.chalice_local $(ARGUMENTS)

# What trains the network on this machine; `make run` recognises without it, and trains what needs none of it.
training: $(VENV)/training.stamp

test: $(VENV)/demo.stamp check
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --unused-grants

# What starts no service and takes no training: to be run while one works.
QUICK := tests/test_architecture.py tests/test_makefile.py tests/test_settings.py tests/docs/test_links.py \
    tests/docs/test_contributing.py tests/callbacks tests/jobs tests/language tests/sharing tests/storage tests/training
test-quick: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow" $(QUICK)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/vulture
	$(BIN)/python -m pytest -q tests/test_architecture.py

fix: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/demo.stamp $(VENV)/dev.stamp
	$(BIN)/python -m bench

# `make audit ADVISORIES=FILE` compares the pins with a file of advisories; docs/internals/dependencies.md says where it comes from.
audit: $(VENV)/dev.stamp
	$(BIN)/python -m infra.audit $(ADVISORIES)

# The service in an AWS account: made or brought to the newest state, tried, taken away. docs/deploy.md
# `make restore STAGE=prod INTO=other` brings its data back as they were: docs/restore.md
deploy: $(VENV)/local.stamp $(LAYER)
	@$(BIN)/python -m infra.deployment deploy --stage $(STAGE) $(ARGUMENTS)

smoke: $(VENV)/local.stamp
	@$(BIN)/python -m infra.deployment smoke --stage $(STAGE)

destroy: $(VENV)/local.stamp
	@$(BIN)/python -m infra.deployment destroy --stage $(STAGE) $(ARGUMENTS)

restore: $(VENV)/local.stamp
	@$(BIN)/python -m infra.deployment restore --stage $(STAGE) --into $(INTO) $(ARGUMENTS)

$(LAYER): requirements/engine.txt infra/layer.py infra/layer_libraries.py | $(VENV)/local.stamp
	@$(BIN)/python -m infra.layer $(@D)

# The operator's tools, in a virtual environment of their own.
sagemaker: $(SAGEMAKER)/sagemaker.stamp

clean:
	rm -rf $(VENV) $(SAGEMAKER)

$(VENV)/bin/python:
	@infra/make-venv $(PYTHON) $(VENV)

$(VENV)/local.stamp: requirements/locked/engine.txt requirements/locked/front-door.txt requirements/locked/local.txt | $(VENV)/bin/python
	@echo "Installing Attune into $(VENV) (once) ..."
	@$(PIP) $(LISTED)/local.txt
	@touch $@

# PyTorch comes last and without hashes: which of its files is the right one, differs with the machine.
$(VENV)/training.stamp: $(VENV)/local.stamp requirements/training.txt requirements/locked/training.txt
	@echo "Installing what trains the network into $(VENV) (once): PyTorch and what it brings." \
	    "That takes about 1.1 GB of disk without CUDA, and about 5 GB with it, as on Linux by default" \
	    "(docs/running.md says how to leave CUDA out) ..."
	@$(PIP) $(LISTED)/training.txt
	@$(PIP) -c requirements/constraints.txt -r requirements/training.txt
	@touch $@

$(VENV)/demo.stamp: $(VENV)/training.stamp requirements/locked/demo.txt
	@echo "Installing IBM's SDK into $(VENV) (once) ..."
	@$(PIP) $(LISTED)/demo.txt
	@touch $@

# Checks and quick tests need neither PyTorch nor anything else of the demo; `make test` installs both.
$(VENV)/dev.stamp: $(VENV)/local.stamp requirements/locked/dev.txt requirements/emulation.txt
	@echo "Installing the development tools into $(VENV) (once) ..."
	@$(PIP) $(LISTED)/dev.txt
	@$(PIP) --no-deps --upgrade --target $(VENV)/emulation -r requirements/emulation.txt
	@touch $@

$(SAGEMAKER)/bin/python:
	@infra/make-venv $(PYTHON) $(SAGEMAKER)

$(SAGEMAKER)/sagemaker.stamp: requirements/locked/sagemaker.txt | $(SAGEMAKER)/bin/python
	@echo "Installing SageMaker's SDK into $(SAGEMAKER) (once): about 1 GB of disk ..."
	@$(SAGEMAKER)/bin/python -m pip install --disable-pip-version-check --quiet $(LISTED)/sagemaker.txt
	@touch $@
