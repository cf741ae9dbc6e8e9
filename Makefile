# Everything but running and testing, which need only Go:
#   go run ./cmd/gateway demo
#   go test ./...

GO_TOOL = go tool -modfile=tools/go.mod

FOR ?= 10m
SEED ?= 0

.PHONY: help build generate licences vuln release lint bench torture soak picture

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## a static binary in bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/gateway ./cmd/gateway

generate: ## regenerate the code made from api/openapi.yaml
	go generate ./...

licences: ## write docs/licences.md; fails if a dependency has one that is not allowed
	tools/release/licences

vuln: ## known vulnerabilities in what the program calls; asks vuln.go.dev
	$(GO_TOOL) govulncheck ./...

release: ## archives, Debian packages, bills of materials and checksums in dist/
	@if sed -n '/^## Unreleased/,/^## [0-9]/p' CHANGELOG.md | grep -q '^- '; then \
		echo 'CHANGELOG.md has entries under "Unreleased": they need a version first' >&2; exit 1; fi
	rm -rf dist
	tools/release/build dist

lint: ## formatting and linters
	gofmt -l .
	go vet ./...
	$(GO_TOOL) golangci-lint run ./...

bench: ## compare with a bare handler, chi, nginx, Caddy and json_exporter; sizes and times (docs/performance.md)
	go test -run '^$$' -bench . -timeout 30m ./internal/bench/

torture: ## kills, outages, full disks and clock jumps for ten minutes, with PostgreSQL if $GATEWAY_TEST_POSTGRES_URL names one
	go test -count 1 -v -timeout 0 -run '^TestTorture$$' ./internal/torture -torture.for $(FOR) -torture.seed $(SEED)

soak: ## 200 accounts and two replicas for ten minutes, with restarts: nothing may be wrong, sent twice or grow; needs PostgreSQL's programs
	go test -count 1 -v -timeout 0 -run '^TestSoak$$' ./internal/torture -soak.for $(FOR) -torture.seed $(SEED)

picture: ## draw docs/page.png from the demo; needs Chromium, and looks best with the font Inter
	GATEWAY_TEST_REQUIRE=chromium go test -count 1 -run '^TestPicture$$' ./cmd/gateway
	cp screenshots/page.png docs/page.png
