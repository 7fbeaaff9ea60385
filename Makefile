# `make` lists the targets. Only Go and git are needed; CI runs `make check`.

PROVIDERS   := crypterium cryptocloud cryptopay ecartpay kuna
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    ?= 10s

.DEFAULT_GOAL := help
.PHONY: help generate drift test race lint contract bench fuzz faults check demo

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

generate: ## generate all clients from their documents
	go generate ./gen/...

drift: ## fail if generating changes anything, untracked files included
	@before="$$(git status --porcelain -- gen)"; \
	go generate ./gen/... && go build ./gen/... && \
	after="$$(git status --porcelain -- gen)"; \
	if [ "$$before" != "$$after" ]; then echo "generated code differs from what is committed:"; git status --porcelain -- gen; git --no-pager diff --stat -- gen; exit 1; fi; \
	echo "no drift"

test: ## run every test that needs nothing but Go
	go test ./...

race: ## run every test under the race detector
	go test -race ./...

lint: ## gofmt, vet and staticcheck
	@out="$$(gofmt -l .)"; if [ -n "$$out" ]; then echo "not gofmt'ed:"; echo "$$out"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

contract: ## hold documents, fixtures and generated types against each other
	go test -count=1 ./specs/... ./gen/...

bench: ## measure, with a hand-written net/http client in the same run
	go test -run '^$$' -bench . -benchmem ./gen/... ./authn/... ./specs/...

fuzz: ## run every fuzz target for FUZZTIME each
	@for pkg in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done

faults: ## the whole fault matrix (a bounded sample is part of `make test`)
	PAYCLIENTS_FAULTS=all go test -count=1 -timeout 30m -run 'Faults' -v ./gen/...

check: ## everything CI checks
	bash .ci/run

demo: ## all five providers on the embedded sandbox
	go run ./cmd/payctl demo
