package doctest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// program is the gateway's, built once for all tests.
func program(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "program")
	c := exec.Command("go", "build", "-o", path, "./cmd/gateway")
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// scratch is a folder for the time of all tests.
var scratch string
