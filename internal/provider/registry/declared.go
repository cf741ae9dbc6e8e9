package registry

import (
	"errors"
	"maps"
	"os"
	"slices"
	"sync"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
	"accountgateway/internal/provider/declared"
	"accountgateway/vendors"
)

// Set are vendors by their names.
type Set map[string]Vendor

// Names are in order.
func (s Set) Names() []string { return slices.Sorted(maps.Keys(s)) }

// catalogue are the vendors whose files are shipped.
var catalogue = sync.OnceValues(func() ([]*declared.Vendor, error) {
	return declared.LoadAll(vendors.Files, "vendors", Set(Vendors).Names())
})

// All are the vendors with an adapter, those of the shipped catalogue, and those in a folder of files, which may be "". All
// faults of the files are in the error.
func All(folder string) (Set, error) {
	all := maps.Clone(Set(Vendors))
	shipped, err := catalogue()
	for _, v := range shipped {
		all[v.Name()] = Declared(v)
	}
	if folder == "" {
		return all, err
	}
	own, ownErr := declared.LoadAll(os.DirFS(folder), folder, all.Names())
	for _, v := range own {
		vendor := Declared(v)
		vendor.Own = true
		all[v.Name()] = vendor
	}
	return all, errors.Join(err, ownErr)
}

// declaredShared are the settings of all accounts at a declared vendor together.
type declaredShared struct {
	IPRate config.Rate `envconfig:"IP_RATE" default:"0" desc:"vendor calls allowed in a span of time for all accounts at one host together; 0 = no limit"`
}

// Declared registers a vendor that a file describes.
func Declared(v *declared.Vendor) Vendor {
	return Vendor{
		Settings: v.Settings(), Shared: declaredShared{}, Credentials: required(v.Settings()), Capabilities: v.Capabilities(), File: v,
		Open: func(r *config.Reader, prefix string, connect Connect) provider.Provider {
			a := v.Read(r, prefix)
			to := connection(a.Settings)
			to.Login = "" // what is required may be anything
			checkSecrets(r, prefix, a.Settings, to.Base)
			return declared.New(connect(to), v, a)
		},
	}
}
