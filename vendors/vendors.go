// Package vendors is the shipped catalogue: one file for each vendor (docs/vendor-file.md).
package vendors

//go:generate go run ../internal/vendordocs/generate

import "embed"

// Files are the catalogue's files.
//
//go:embed *.yaml
var Files embed.FS

// Index is what a start needs to know of all files, as JSON; go generate makes it.
//
//go:embed index.json
var Index []byte
