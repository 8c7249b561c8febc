# Every target's one-line description stands behind its name; `make` alone prints them.
.DEFAULT_GOAL := help
URBANCLEAR := .venv/bin/urbanclear
export UV_PROJECT_ENVIRONMENT := .venv

.PHONY: help install run env test chaos lint format clean

help:  ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1\t/' | expand -t 12

install: .venv/.installed  ## set up the environment, and nothing else

run: install  ## start everything on this machine, with data flowing (arguments: ARGS="--port 8080")
	@exec $(URBANCLEAR) up $(ARGS)

env:  ## write .env, with passwords made at random, for docker-compose.yml
	@scripts/env

test: install lint  ## the whole suite, after the linters and the type checker
	.venv/bin/pytest $(ARGS)

chaos: install  ## hundreds of faults against ingest and its servers, then the proof (ARGS="--seed 2 --faults 50")
	@exec $(URBANCLEAR) bench chaos $(ARGS)

lint: install  ## linters and the type checker
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: install  ## put the code into the one form
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean:  ## forget the environment and the embedded stack's state
	rm -rf .venv .urbanclear .artifacts

.venv/.installed: pyproject.toml uv.lock scripts/install
	@scripts/install
	@touch $@
