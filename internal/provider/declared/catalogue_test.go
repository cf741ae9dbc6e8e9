package declared_test

import (
	"testing"

	"accountgateway/internal/provider/declared"
	"accountgateway/vendors"
)

func TestCatalogue(t *testing.T) {
	all, err := declared.LoadAll(vendors.Files, "vendors", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Log(v.Name(), v.Capabilities())
	}
}
