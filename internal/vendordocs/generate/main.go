// Command generate writes what is generated from the shipped vendor files. go generate ./vendors runs it.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"accountgateway/internal/vendordocs"
)

const root = ".." // from vendors/

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate() error {
	files, err := vendordocs.Generate(func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(root, path)) })
	if err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(root, vendordocs.Pages)); err != nil { // pages of vendors that are gone
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, vendordocs.Pages), 0o755); err != nil { // #nosec G301 -- a folder of the repository
		return err
	}
	for path, text := range files {
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil { // #nosec G306 -- a file of the repository
			return err
		}
	}
	return nil
}
