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

IMAGE ?= livechat-marketo-sync:$(shell sed -n 's/^appVersion: //p' charts/livechat-marketo-sync/Chart.yaml)
# The commit's own time stands in the image, not that of its making: the same commit and base images give the same image.
# So no attestation either: it would tell when it was made.
# Where the sources are is told if that is an address for everybody, without anybody's name or password in it.
image: ## the container image, as IMAGE=name:tag; BUILD_ARGS='--build-arg RUNTIME_IMAGE=…' for other base images
	@docker info >/dev/null 2>&1 || { echo 'make image needs a Docker daemon, and none answers here (docker info).' >&2; exit 1; }
	DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker build --tag $(IMAGE) \
	  --build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) --build-arg REVISION=$$(git describe --always --dirty --abbrev=40 --exclude='*') \
	  --build-arg CREATED=$$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ) \
	  --build-arg SOURCE=$$(git remote get-url origin 2>/dev/null | sed -n '/^https:\/\/[^@]*$$/p') \
	  --build-arg VERSION=$(lastword $(subst :, ,$(IMAGE))) $(BUILD_ARGS) .
	@sh image/size.sh $(IMAGE)

e2e: $(INSTALLED) ## a whole life on the current Kubernetes context, with the image IMAGE=name:tag
	@IMAGE=$(IMAGE) node_modules/.bin/node test/e2e/main.ts

bench: $(INSTALLED) ## figures, side by side with others, into docs/benchmarks.md; takes a quarter of an hour
	cd bench && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	node_modules/.bin/tsc -p bench
	node_modules/.bin/node bench/main.ts $(BENCH_FLAGS)
