// Package api holds the contract of the gateway's HTTP side: openapi.yaml, the
// one source of truth for routes, parameters, bodies and problems.
package api

import _ "embed"

// Spec is openapi.yaml as it was at build time.
//
//go:embed openapi.yaml
var Spec []byte
