# `make` lists the targets. Only Go and git are needed; CI runs `make check`.

PROVIDERS   := crypterium cryptocloud cryptopay ecartpay kuna
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZ        ?= ./...
FUZZTIME    ?= 10s

.DEFAULT_GOAL := help
.PHONY: help generate drift test lint contract bench fuzz faults costs check demo

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

generate: ## generate all clients from their documents
	go generate ./gen/...

drift: ## fail if generating changes anything, untracked files included
	@state() { git status --porcelain -- gen; git diff -- gen; git ls-files -o --exclude-standard -- gen | xargs -r cat; }; \
	before="$$(state | git hash-object --stdin)"; \
	go generate ./gen/... && go build ./gen/... && \
	after="$$(state | git hash-object --stdin)"; \
	if [ "$$before" != "$$after" ]; then echo "generated code differs from what was there:"; git status --porcelain -- gen; git --no-pager diff --stat -- gen; exit 1; fi; \
	echo "no drift"

test: ## run every test (RACE=-race for the race detector)
	go test $(RACE) ./...
	@command -v redis-server >/dev/null || echo "SKIPPED: the fleet tests on Redis, since redis-server is not installed"
	@command -v chromium >/dev/null || echo "SKIPPED: the sandbox's page in a browser, since chromium is not installed"

lint: ## gofmt, vet and staticcheck
	@out="$$(gofmt -l .)"; if [ -n "$$out" ]; then echo "not gofmt'ed:"; echo "$$out"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

contract: ## hold documents, fixtures and generated types against each other
	go test -count=1 ./specs/... ./gen/...

bench: ## measure, with a hand-written net/http client in the same run
	go test -run '^$$' -bench . -benchmem ./gen/... ./authn/... ./specs/...

fuzz: ## run the fuzz targets of FUZZ for FUZZTIME each, two at a time
	@go vet $(FUZZ)
	@for pkg in $$(go list $(FUZZ)); do \
	  go test -list '^Fuzz' $$pkg | sed -n "s|^Fuzz.*|$$pkg &|p"; \
	done | xargs -P 2 -L 1 sh -c 'out="$$(go test -run "^$$" -parallel 1 -fuzz "^$$1\$$" -fuzztime $(FUZZTIME) "$$0" 2>&1)" && echo "ok $$0 $$1" || { echo "$$out"; exit 255; }'

costs: ## what generating and compiling the clients costs, and starting the sandbox
	bash .ci/costs

faults: ## the whole fault matrix (a bounded sample is part of `make test`)
	PAYCLIENTS_FAULTS=all go test -count=1 -timeout 30m -run 'Faults' -v ./gen/...

check: ## everything CI checks
	bash .ci/run

demo: ## all five providers on the embedded sandbox
	go run ./cmd/payctl demo
