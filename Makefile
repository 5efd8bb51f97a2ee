# Everything here needs git, make, Node 20 or later, and npm; npm brings the rest (Node 26 and a Postgres included).
.DEFAULT_GOAL := help
.PHONY: help demo dev test lint image e2e bench

help: ## what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# npm writes this file last, so an installation that was broken off is done again.
INSTALLED := node_modules/.package-lock.json

$(INSTALLED): package.json package-lock.json
	npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

demo: $(INSTALLED) ## two real syncs, a digest and the status page against the sandbox; checks its own claims
	@npm run --silent demo

dev: $(INSTALLED) ## the same, left running, with the status page open to a browser
	@npm run --silent dev

test: $(INSTALLED) ## every check: lint, types, tests
	npm run --silent lint
	npm run --silent typecheck
	npm test --silent

lint: $(INSTALLED) ## style and format
	npm run --silent lint

image: ## the container image (not there yet)
	@echo 'make image: there is no Dockerfile yet; it comes with the Helm chart.' >&2; exit 1

e2e: ## a whole life on the current Kubernetes context (not there yet)
	@echo 'make e2e: there is no Helm chart yet to install.' >&2; exit 1

bench: $(INSTALLED) ## figures, side by side with others, into docs/benchmarks.md; takes a quarter of an hour
	cd bench && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	node_modules/.bin/tsc -p bench
	node_modules/.bin/node bench/main.ts $(BENCH_FLAGS)
