package registry_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/registry"
	"accountgateway/internal/provider/upstream"
)

// TestVendors wants each vendor to have what the gateway needs of it, and Open to find it.
func TestVendors(t *testing.T) {
	for name, vendor := range registry.Vendors {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"A_BASE_URL": "https://vendor.example/api", "A_RATE": "7/1h", "A_IP_RATE": "9/1h"}
			for _, setting := range vendor.Credentials {
				env["A_"+setting] = "value of " + setting
			}
			r := config.NewReader(func(name string) (string, bool) { value, ok := env[name]; return value, ok })
			var to registry.Connection
			p := vendor.Open(r, "A", func(c registry.Connection) *upstream.Client {
				to = c
				return upstream.New(upstream.Options{})
			})
			shared := vendor.SharedRate(r, "A")
			if err := r.Err(); err != nil {
				t.Fatal(err)
			}
			if to.Base.String() != "https://vendor.example/api" || to.Rate.Calls != 7 {
				t.Errorf("the settings have no field of type config.BaseURL called BASE_URL, or none of type config.Rate called RATE: %+v", to)
			}
			if reflect.TypeOf(vendor.Shared).NumField() > 0 && shared.Calls != 9 {
				t.Errorf("the shared settings have no field of type config.Rate called IP_RATE")
			}
			if len(to.Secrets) == 0 {
				t.Error("the settings have no field of type config.Secret")
			}
			for _, secret := range to.Secrets {
				if !slices.ContainsFunc(vendor.Credentials, func(setting string) bool { return secret == "value of "+setting }) {
					t.Errorf("the secret %q is not required", secret)
				}
			}
			if diff := cmp.Diff(p.Capabilities(), vendor.Capabilities); diff != "" {
				t.Error(diff)
			}
			for _, op := range provider.Operations() {
				if vendor.Capabilities[op] == "" {
					t.Errorf("%s is not declared", op)
				}
			}
		})
	}
}

// TestCatalogue: each shipped file can be used, and is as the index says.
func TestCatalogue(t *testing.T) {
	known, err := registry.All("")
	if err != nil {
		t.Fatal(err)
	}
	for name, vendor := range known {
		if vendor.File == nil {
			continue
		}
		file := registry.Declared(vendor.File())
		if name != vendor.File().Name() || vendor.Title != file.Title || vendor.Group != file.Group {
			t.Errorf("%s: got %s, %s", name, file.Title, file.Group)
		}
		if diff := cmp.Diff(file.Capabilities, vendor.Capabilities); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got, want := reflect.TypeOf(vendor.Settings), reflect.TypeOf(file.Settings); got != want {
			t.Errorf("%s: got the settings %v, want %v", name, got, want)
		}
	}
}

func TestCredentials(t *testing.T) {
	for name, want := range map[string][]string{"regru": {"USERNAME", "PASSWORD"}, "selzy": {"API_KEY"}, "unisender": {"API_KEY"}} {
		if diff := cmp.Diff(want, registry.Vendors[name].Credentials); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestLogin: what is required and no secret says whom the credentials are of.
func TestLogin(t *testing.T) {
	env := map[string]string{"A_USERNAME": "shop", "A_PASSWORD": "hu"}
	r := config.NewReader(func(name string) (string, bool) { value, ok := env[name]; return value, ok })
	registry.Vendors["regru"].Open(r, "A", func(c registry.Connection) *upstream.Client {
		if c.Login != "shop" || !slices.Equal(c.Secrets, []string{"hu"}) {
			t.Errorf("got %+v", c)
		}
		return upstream.New(upstream.Options{})
	})
	if !r.Faulty("A_PASSWORD") || r.Faulty("A_USERNAME") {
		t.Errorf("got %v, want a fault of a secret that is too short", r.Err())
	}
}
