package regru

import (
	"testing"

	"accountgateway/internal/provider/providertest"
)

// TestRefusedCodesAreDocumented: a write is called failed for the sake of a code only where the document says so.
func TestRefusedCodesAreDocumented(t *testing.T) {
	providertest.CheckDocumented(t, "../../../docs/providers/regru.md", codes)
}
