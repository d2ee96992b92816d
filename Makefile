# The commands of this project. The scripts they run are in scripts/.

PORT ?= 8787
ISSUER ?= http://localhost:$(PORT)
CLIENT_ID ?= demo-tv

# What else is given on the command line or in the environment reaches the scripts without being named here.
export PORT ISSUER CLIENT_ID

.DEFAULT_GOAL := help
.PHONY: help dev device apply phase-out doctor verify-ledger setup-production test native oracles e2e screenshots check advisories clients fuzz mutants bench bench-quick scale soak build deploy preview preview-delete reset clean

help: ## List the commands
	@awk -F ': ## ' '/^[a-z0-9-]+: ## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

dev: ## Set up, build and serve on http://localhost:8787 (PORT=; VARS="POLL_INTERVAL_SECONDS=1"; API=1: example API; UPSTREAM=1: OpenID Provider)
	@scripts/dev

device: ## Play a device against a server (PORT=, ISSUER=, CLIENT_ID=, CLIENT_SECRET=, SCOPE=, SERIAL=, API=1, DPOP=1; HELP=1)
	@scripts/device

apply: ## Make the server's clients, scopes, providers, policy and exceptions match a file (FILE=clients.toml, ISSUER=; DRY_RUN=1, YES=1, PRUNE=1)
	@scripts/apply

phase-out: ## Let a client get nobody new from one day on, and end on another (CLIENT=, NEW_UNTIL=2027-03-01, END=2027-07-01; DRY_RUN=1, YES=1)
	@scripts/phase-out

doctor: ## Examine a server and say what to do about what it finds (ISSUER=, ADMIN_TOKEN in the environment; JSON=1)
	@scripts/doctor

test: ## Set up and run every test
	@scripts/test native
	@scripts/test oracles
	@scripts/test fuzz
	@scripts/test e2e

native: ## Run only the native tests
	@scripts/test native

oracles: ## Let published implementations judge the same input as this server
	@scripts/test oracles

e2e: ## Run only the tests in workerd and in a browser (TESTS="tests/e2e/flow.test.mjs")
	@scripts/test e2e

screenshots: ## Make the pictures of the documents: README, console and all pages (docs/images)
	@IMAGES=1 TESTS="tests/e2e/images.test.mjs tests/e2e/pages.test.mjs tests/e2e/account.test.mjs tests/e2e/console.test.mjs" scripts/test e2e

check: ## Check formatting, lints (native and wasm32) and dependencies
	@scripts/check

advisories: ## Look up all locked dependencies in the lists of known vulnerabilities
	@scripts/advisories

clients: ## Sign in with published client programs (Python, Go, oidc-agent, ...)
	@scripts/clients

fuzz: ## Search for inputs that break a parser or a rule (TIME=600 seconds for each, TARGET=forms)
	@scripts/fuzz long

mutants: ## Change ring 1 one expression at a time and see whether a native test fails (FILE="src/scope.rs"; hours without)
	@scripts/mutants

bench: ## Measure the server beside its floors and other servers, and write docs/performance.md (40 minutes, on a quiet machine)
	@scripts/bench

bench-quick: ## Measure the server beside its floors once, in three minutes, and only print
	@scripts/bench quick

scale: ## Simulate a day of ten million logins and of a hundred million, and write what falls first to docs/performance.md
	@scripts/scale

soak: ## Keep the server under load, and watch its memory and its outboxes (TIME=3600 seconds)
	@scripts/soak

build: ## Compile the Worker to build/, with a list of its parts (CycloneDX) in build/sbom.cdx.json
	@scripts/setup build
	@scripts/build

verify-ledger: ## Verify that nobody changed, removed or inserted events (ISSUER=, ADMIN_TOKEN in the environment; DAYS=30, KEEP=roots.json)
	@scripts/verify-ledger

setup-production: ## Set up a production server, and print a link for its first administrator (SIGN_IN=passkeys)
	@ISSUER="$(if $(filter file,$(origin ISSUER)),,$(ISSUER))" scripts/setup-production

deploy: ## Deploy to Cloudflare as configured in wrangler.toml
	@scripts/wrangler deploy

preview: ## Deploy the working tree as the branch's preview (BRANCH=), with its own state
	@scripts/preview deploy

preview-delete: ## Delete the branch's preview (BRANCH=) and its state
	@scripts/preview delete

reset: ## Delete everything the development server has stored
	@rm -rf .wrangler/state

clean: ## Delete everything built or installed in this directory
	@rm -rf build build-dev build-probe examples/api/build examples/api/build-dev examples/api/target examples/api/.wrangler target node_modules .wrangler/tmp
