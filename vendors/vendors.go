// Package vendors is the shipped catalogue: one file for each vendor (docs/vendor-file.md).
package vendors

import "embed"

// Files are the catalogue's files.
//
//go:embed *.yaml
var Files embed.FS
