# The commands of this project; each is a script in scripts/.

PORT ?= 8787
ISSUER ?= http://127.0.0.1:$(PORT)
CLIENT_ID ?= demo-tv

export PORT ISSUER CLIENT_ID VARS TESTS BRANCH API DPOP FILE DRY_RUN YES PRUNE

.DEFAULT_GOAL := help
.PHONY: help dev device apply test native e2e check bench build deploy preview preview-delete reset clean

help: ## Show this list
	@awk -F ': ## ' '/^[a-z0-9-]+: ## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

dev: ## Set up, build and serve on http://127.0.0.1:8787 (PORT=; VARS="POLL_INTERVAL_SECONDS=1"; API=1: an API, too)
	@scripts/dev

device: ## Play the device against the running server (ISSUER=, CLIENT_ID=; API=1: call the API; DPOP=1)
	@scripts/device

apply: ## Make the clients of the running server those of a file (FILE=clients.toml, ISSUER=; DRY_RUN=1, YES=1, PRUNE=1)
	@scripts/apply

test: ## Set up and run every test
	@scripts/test native
	@scripts/test e2e

native: ## Run the native tests only
	@scripts/test native

e2e: ## Run the tests in workerd and in a browser only (TESTS="tests/e2e/flow.test.mjs")
	@scripts/test e2e

check: ## Formatting, lints (native and wasm32) and dependencies
	@scripts/check

bench: ## Measure what a poll and a token cost
	@scripts/bench

build: ## Compile the Worker to build/
	@scripts/setup build
	@scripts/build

deploy: ## Deploy to Cloudflare, as wrangler.toml says
	@scripts/wrangler deploy

preview: ## Deploy what is here as the preview of the branch (BRANCH=), with state of its own
	@scripts/preview deploy

preview-delete: ## Delete the preview of the branch (BRANCH=) and its state
	@scripts/preview delete

reset: ## Forget everything the development server has stored
	@rm -rf .wrangler/state

clean: ## Remove what was built and installed in this directory
	@rm -rf build build-probe examples/api/build examples/api/target examples/api/.wrangler target node_modules .wrangler/tmp
