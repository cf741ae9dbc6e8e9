// Package testneed decides what a test does when a component that it needs is not there: skip, or fail where the
// component was promised. Of components it knows how tests get a PostgreSQL schema of their own.
package testneed

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// RequireVariable lists, comma separated, the components whose absence is a failure.
const RequireVariable = "GATEWAY_TEST_REQUIRE"

// Missing ends the test. It fails when RequireVariable lists the component, and else skips.
// why says what is missing and how to provide it.
func Missing(t testing.TB, component, why string) {
	t.Helper()
	message := "missing component: " + component + ": " + why
	if required(os.Getenv(RequireVariable), component) {
		t.Fatal(message)
	}
	t.Skip(message)
}

func required(list, component string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(name string) bool {
		return strings.TrimSpace(name) == component
	})
}
