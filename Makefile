# Two commands do all the set-up: `make demo` and `make test`. The rest are parts of them.
PY := .venv/bin/python
SETUP := python3 tools/setup.py
.DEFAULT_GOAL := help
.PHONY: help demo up check test soak bench package format types clean

help:    ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo:    ## set up what is missing, then play a real session and show it (build/demo/)
	@$(SETUP) python console screen
	@$(PY) -m demo

up:      ## the same stack for you to use, until Ctrl-C
	@$(SETUP) python console
	-@$(SETUP) window
	@.venv/bin/beistand up

check:   ## the fast part: format, lint, types, contracts, unit tests, console types
	@$(SETUP) python console
	@$(PY) -m tools.check

test:    ## everything: check, integration on a real NATS server, end to end with browser and windows
	@$(SETUP) python console screen
	@$(PY) -m tools.check
	@$(PY) -m pytest tests -q -n 3 --dist loadfile -m "(integration or chaos or conformance or e2e) and not soak"

soak:    ## parts are killed and cut off while sessions run, for BEISTAND_SOAK_SECONDS (600) and some minutes
	@$(SETUP) python console screen
	@$(PY) -m pytest tests -m soak -q -s

bench:   ## measure how fast a stop stops, about 4 minutes (docs/performance.md); results in bench/out/
	@$(SETUP) python console screen
	@$(PY) -m bench revoke

package: ## build the customer's program and its Debian package (build/package/)
	@$(SETUP) python window
	@$(PY) -m pip install -q -c tools/constraints.txt -e '.[package]'
	@$(PY) -m tools.package

format:  ## rewrite the Python sources in the project's format
	@$(SETUP) python
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .

types:   ## generate the console's TypeScript types from the contract
	@$(SETUP) python
	@$(PY) -m beistand.protocol.typescript

clean:   ## remove everything that was built or set up here
	rm -rf .venv build console/dist console/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
