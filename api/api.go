// Package api holds the contract of the gateway's HTTP side: openapi.yaml, the
// one source of truth for routes, parameters, bodies and problems.
package api

import (
	_ "embed"
	"strings"
)

// Spec is openapi.yaml as it was at build time.
//
//go:embed openapi.yaml
var Spec []byte

// Version is the specification's, and so the gateway's: they are released
// together.
var Version = func() string {
	_, rest, _ := strings.Cut(string(Spec), "\n  version: ")
	version, _, _ := strings.Cut(rest, "\n")
	return version
}()
