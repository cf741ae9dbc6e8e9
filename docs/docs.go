// Package docs is the documents that the gateway itself shows.
package docs

import _ "embed"

// Runbook is runbook.md: what to do when an alert fires.
//
//go:embed runbook.md
var Runbook []byte
