# axolotl: two commands do it all: 'make demo' and 'make test'.

GO      ?= go
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)

# libvirt is loaded when it is used, so that the binary runs, and doctor can
# speak, where it is not installed. One set of flags for all that is compiled: the
# tests and go vet take from Go's cache what build has put there.
export GOFLAGS := -buildvcs=false -trimpath -tags=libvirt_dlopen

.PHONY: all build install demo test test-unit labs soak fuzz minikube-test lint deps libvirtd bench clean generate help

all: build

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## compile bin/axolotl
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/axolotl ./cmd/axolotl

PREFIX ?= /usr/local
install: ## copy bin/axolotl to PREFIX=/usr/local (after make build; as root or with sudo)
	install -D -m 755 bin/axolotl $(DESTDIR)$(PREFIX)/bin/axolotl

deps: ## install the Debian packages that are missing (as root or with sudo)
	@.ci/deps

libvirtd: deps ## see to it that libvirtd runs
	@.ci/libvirtd start

demo: libvirtd build ## the main job on real VMs: up, a lab, a fault, the healing
	@.ci/demo

test: ## everything: unit tests, a real API server, real VMs
	@.ci/deps tests
	@.ci/test

labs: ## prove and sabotage every lab on a cluster of yours (CLUSTER=name; hours under emulation)
	@test -n "$(CLUSTER)" || { echo "say which: make labs CLUSTER=name"; exit 2; }
	AXOLOTL_TEST_CLUSTER=$(CLUSTER) $(GO) test ./labs -run 'TestCatalog|TestSabotage' -parallel 2 -timeout 8h -v

SOAK ?= 30m
soak: ## a firing a minute for SOAK=30m on a local cluster, the daemon killed at random (SEED=1)
	AXOLOTL_SOAK=$(SOAK) AXOLOTL_SOAK_SEED=$(SEED) $(GO) test ./cmd/axolotl -run '^TestSoak$$' -count 1 -timeout 8h -v
	$(GO) test ./chaos/serve -run '^TestThousandSchedules$$' -count 1 -v

FUZZ ?= 1m
fuzz: ## labs, YAML and cron lines that nobody would write, FUZZ=1m each (compiles everything once more)
	$(GO) test ./labs -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZ)
	$(GO) test ./internal/strictyaml -run '^$$' -fuzz '^FuzzParse$$' -fuzztime $(FUZZ)
	$(GO) test ./chaos/schedule -run '^$$' -fuzz '^FuzzCron$$' -fuzztime $(FUZZ)

minikube-test: ## what the minikube driver asks, asked of a real minikube, compiled outside the tree
	@.ci/minikube

lint: ## gofmt, vet, and generated files
	@test -z "$$(gofmt -l cmd vm labs chaos internal)" || { gofmt -l cmd vm labs chaos internal; echo "run gofmt -w on these"; exit 1; }
	$(GO) vet ./...

generate: ## rebuild generated files
	$(GO) generate ./...

bench: libvirtd build ## the figures of the README (BENCH="one three local chaos labs faults" chooses)
	@.ci/bench $(BENCH)

clean: ## remove what make build made (clusters and caches: axolotl down --all, axolotl image prune)
	rm -rf bin
