# The commands of this project, the same for people and for CI.
# They need Python 3.11 or newer with pip, and make; everything else they install into .venv.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench docs screenshots gpu-check clean

demo: .venv/installed  ## Dropout and batch norm on real spam e-mail: does either help?
	$(BIN)/wolfsbane compare

test: .venv/installed .venv/browser  ## All tests, PyTorch's own suites over our classes among them.
	$(BIN)/pytest -n 2

check: .venv/installed  ## Style, types, and which package may import which.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed  ## Our operations against torch's, on this machine; writes benchmarks/results/.
	$(BIN)/wolfsbane bench --record benchmarks/results

docs: .venv/installed  ## The pages of the auditor's rules, from the rules; writes docs/rules/.
	$(BIN)/wolfsbane explain --write docs/rules

screenshots: .venv/browser  ## Pictures of the lesson for docs/, in a browser; writes docs/images/learn*.png.
	$(BIN)/python docs/screenshots.py

# With TRITON_INTERPRET=1 in the environment it runs without a GPU, slowly and without figures.
gpu-check: .venv/installed  ## The GPU's kernels: are they right, and how fast; writes benchmarks/results/.
	@$(BIN)/wolfsbane bench --gpu --list > /dev/null  # says so where there is no GPU
	$(BIN)/pytest tests/kernels/gpu/check_*.py tests/transforms/test_autocast.py
	$(BIN)/wolfsbane bench --gpu $(if $(filter 1 true yes on y,$(TRITON_INTERPRET)),,--record benchmarks/results)

clean:  ## Removes the environment and caches.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A browser for the lesson's tests: one that is here, else Debian's, else Playwright's own.
# Without one those tests are skipped, and say what is missing.
.venv/browser: .venv/installed
	@command -v chromium || command -v google-chrome \
	|| { command -v apt-get && test "$$(id -u)" = 0 && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation > /dev/null; } \
	|| PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT=10000 $(BIN)/python -m playwright install chromium > /dev/null 2>&1 \
	|| echo "No browser could be installed: the lesson's tests in a browser will be skipped."
	touch $@

# --group needs pip 25.1.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wolfsbane needs Python 3.11 or newer, but $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[tune,ray,dask,learn]' --group dev
	touch $@
