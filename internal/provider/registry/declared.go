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

// All are the vendors with an adapter, those of the shipped catalogue, and those in a folder of files, which may be "". All
// faults of the folder's files are in the error; the vendors of the others are there nevertheless.
func All(folder string) (Set, error) {
	all := maps.Clone(Set(Vendors))
	for _, head := range catalogue() {
		all[head.Name] = describedBy(head, sync.OnceValue(func() *declared.Vendor { return shipped(head.Name) }))
	}
	if folder == "" {
		return all, nil
	}
	own, err := declared.LoadAll(os.DirFS(folder), folder, all.Names())
	for _, v := range own {
		vendor := Declared(v)
		vendor.Own = true
		all[v.Name()] = vendor
	}
	return all, err
}

// catalogue are the heads of the shipped files, from their index: most of the files are of no use to a start.
var catalogue = sync.OnceValue(func() []declared.Head {
	heads, err := declared.Index(vendors.Index)
	if err != nil {
		panic(err) // the index is part of the program, and tests compare it with the files
	}
	return heads
})

// shipped is a vendor of the catalogue. Tests run its samples.
func shipped(name string) *declared.Vendor {
	file := name + ".yaml"
	text, readErr := vendors.Files.ReadFile(file)
	v, err := declared.Compile("vendors/"+file, text)
	if err := errors.Join(readErr, err); err != nil {
		panic(err) // the file is part of the program, and tests load it
	}
	return v
}

// declaredShared are the settings of all accounts at a declared vendor together.
type declaredShared struct {
	IPRate config.Rate `envconfig:"IP_RATE" default:"0" desc:"vendor calls allowed in a span of time for all accounts at one host together; 0 = no limit"`
}

// Declared registers a vendor that a file describes.
func Declared(v *declared.Vendor) Vendor {
	return describedBy(v.Head(), func() *declared.Vendor { return v })
}

// describedBy registers a vendor by the head of its file. The rest of the file is asked for when an account is opened.
func describedBy(head declared.Head, file func() *declared.Vendor) Vendor {
	settings := head.Settings()
	return Vendor{
		Title: head.Title, Group: head.Group,
		Settings: settings, Shared: declaredShared{}, Credentials: required(settings), Capabilities: head.Capabilities, File: file,
		Open: func(r *config.Reader, prefix string, connect Connect) provider.Provider {
			v := file()
			a := v.Read(r, prefix)
			to := connection(a.Settings)
			to.Login = "" // what is required may be anything
			checkSecrets(r, prefix, a.Settings, to.Base)
			return declared.New(connect(to), v, a)
		},
	}
}
