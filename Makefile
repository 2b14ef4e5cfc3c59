# `make` prints what there is. `make test` is what CI runs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

TOOLS := .cache/bin
STATICCHECK := $(TOOLS)/staticcheck-v0.8.2
WORKFLOWCHECK := $(TOOLS)/workflowcheck-v0.6.0
GOVULNCHECK := $(TOOLS)/govulncheck-v1.9.0

# Where goroutines meet: these run under the race detector, too.
RACE := ./activities/... ./pos/... ./postgres/... ./sim/... ./webhook/... ./workflows/...
FUZZTIME ?= 5s

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: dev
dev: ## run everything on this machine: Postgres, Temporal, simulators, both daemons
	go run ./dev

.PHONY: build
build: ## build the commands into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./webhookd ./worker ./willcall ./sim/simd

.PHONY: test
test: prepare check race ## get what is missing, then run every check and every test; nothing is skipped
	go run ./importtest/gotest -count=1 -timeout 20m ./...

.PHONY: prepare
prepare: ## get what the tests need: a Postgres server, and the Temporal servers, built once
	go run ./composetest/prepare

.PHONY: check
check: $(STATICCHECK) $(WORKFLOWCHECK) ## formatting, go vet, staticcheck, workflowcheck; what there is to read, not to run
	@unformatted=$$(gofmt -l .); [[ -z $$unformatted ]] || { echo "not formatted; make fmt mends it:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	$(WORKFLOWCHECK) -test=false -config workflowcheck.config.yaml ./...

.PHONY: race
race: ## the tests of the parts where goroutines meet, under the race detector
	go run ./importtest/gotest -race -count=1 -timeout 15m $(RACE)

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (5s)
	@grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | while IFS=: read -r file _ declared; do \
		echo "$${declared#func } in $$(dirname "$$file")"; \
		go test -run '^$$' -fuzz "^$${declared#func }$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")"; \
	done

.PHONY: bench
bench: prepare ## measure, with the limit of this machine beside each number
	go run ./bench

.PHONY: histories
histories: prepare ## record the histories of every road of an order from the real server
	go test -count=1 -timeout 20m ./e2e -args -record "$(CURDIR)/workflows/testdata/histories"

.PHONY: govulncheck
govulncheck: $(GOVULNCHECK) ## look for known weaknesses in what we use; asks a database on the internet
	$(GOVULNCHECK) ./...

.PHONY: fmt
fmt: ## format the code
	gofmt -w .

$(STATICCHECK): PACKAGE := honnef.co/go/tools/cmd/staticcheck
$(WORKFLOWCHECK): PACKAGE := go.temporal.io/sdk/contrib/tools/workflowcheck
$(GOVULNCHECK): PACKAGE := golang.org/x/vuln/cmd/govulncheck
# The version is the end of the name, so that another one is another file.
$(STATICCHECK) $(WORKFLOWCHECK) $(GOVULNCHECK):
	@mkdir -p $(TOOLS)/new
	GOBIN="$(CURDIR)/$(TOOLS)/new" GOFLAGS= go install $(PACKAGE)@$(lastword $(subst -, ,$@))
	@mv "$(TOOLS)/new/$(notdir $(PACKAGE))" $@
