# Copyright 2026 The Manifold Authors.
# SPDX-License-Identifier: Apache-2.0

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# One flavour of compiled packages for the server, the tests and the members' control plane: each is compiled once.
export CGO_ENABLED := 0
export GOFLAGS += -trimpath -buildvcs=false

# Where the members' binaries are; asked once, and only by targets that need it.
MEMBER_BIN = $(eval MEMBER_BIN := $$(shell hack/bin-dir.sh))$(MEMBER_BIN)

# The release of Kubernetes that the server speaks, which /version says; go.mod pins it.
KUBE_VERSION = $(eval KUBE_VERSION := $$(shell go list -m -f '{{.Version}}' k8s.io/kubernetes))$(KUBE_VERSION)

##@ Everyday

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: bin/kubectl ## Build the server and the CLI into bin/, with kubectl beside them.
	go build -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$(KUBE_VERSION)" -o bin/ ./cmd/...

.PHONY: demo
demo: build members-bin ## Start a federation of DEMO_MEMBERS (3) real clusters and show it at work; DEMO_HOST=1 for one behind a host cluster.
	go build -ldflags "-s -w" -o bin/ ./hack/members ./hack/demo
	MANIFOLD_MEMBER_BIN="$(MEMBER_BIN)" bin/demo up --members "$${DEMO_MEMBERS:-3}" $${DEMO_HOST:+--host}

.PHONY: demo-down
demo-down: ## Stop what `make demo` started and remove .demo/.
	go run ./hack/demo down

##@ Checks

.PHONY: test
test: members-bin ## Run all tests.
	@MANIFOLD_MEMBER_BIN="$(MEMBER_BIN)" go test -timeout 15m ./...

.PHONY: verify
verify: verify-format verify-modules verify-generated verify-vet verify-staticcheck ## Check what a machine can check.

.PHONY: verify-format
verify-format: ## Check formatting and licence headers.
	hack/verify-format.sh

.PHONY: verify-modules
verify-modules: ## Check that go.mod and go.sum are tidy.
	go mod tidy -diff
	go mod tidy -C hack/tools -diff

.PHONY: verify-generated
verify-generated: ## Check that generated code is up to date.
	hack/verify-generated.sh

.PHONY: verify-vet
verify-vet: ## Run go vet.
	go vet ./...

.PHONY: verify-staticcheck
verify-staticcheck: ## Run staticcheck.
	@hack/build-tools.sh "$(MEMBER_BIN)" staticcheck
	"$(MEMBER_BIN)/staticcheck" ./...

.PHONY: bench
bench: build members-bin ## Measure the server over three members and print the figures.
	MANIFOLD_MEMBER_BIN="$(MEMBER_BIN)" go run ./test/bench

.PHONY: bench-scale
bench-scale: build ## Measure the server over many simulated members and print the figures; takes a while.
	go run ./test/bench scale

.PHONY: chaos
chaos: members-bin ## Kill the hub, let members fail, stop etcd, under load, and check every promise; CHAOS="--rounds N --seed N --only X".
	@MANIFOLD_MEMBER_BIN="$(MEMBER_BIN)" go run ./test/chaos $(CHAOS)

.PHONY: informers
informers: members-bin ## Run client-go's informers over five members that change, fail and return, for ten minutes; INFORMERS="--for 1m --seed N".
	@MANIFOLD_MEMBER_BIN="$(MEMBER_BIN)" go run ./test/informers $(INFORMERS)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (60s) each.
	@FUZZTIME="$${FUZZTIME:-60s}" hack/fuzz.sh

##@ Updates

.PHONY: generate
generate: ## Generate code again after a change to the API types.
	hack/generate.sh

.PHONY: update-generated
update-generated: generate ## The same, named for its check.

.PHONY: update-format
update-format: ## Format all Go files.
	gofmt -l -w .

.PHONY: update-modules
update-modules: ## Tidy go.mod and go.sum.
	go mod tidy
	go mod tidy -C hack/tools

##@ Tools

.PHONY: members-bin
members-bin: ## Build what local member clusters run, once per version, into a cache outside the checkout.
	@hack/build-tools.sh "$(MEMBER_BIN)" kube-apiserver kube-controller-manager kube-scheduler kubectl kwok metrics-server

.PHONY: bin/kubectl
bin/kubectl:
	@hack/build-tools.sh "$(MEMBER_BIN)" kubectl
	@mkdir -p bin
	@ln -sfn "$(MEMBER_BIN)/kubectl" $@

.PHONY: clean
clean: ## Remove bin/. The cache of members-bin stays: it is shared by all checkouts.
	rm -rf bin
