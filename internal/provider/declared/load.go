package declared

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Load reads a file and checks all of it: its form, its expressions, and that its samples come to what they want. name
// is what faults call the file. The error is Faults.
func Load(name string, text []byte) (*Vendor, error) {
	v, err := Compile(name, text)
	if err != nil {
		return nil, err
	}
	if err := v.RunSamples(); err != nil {
		return nil, err
	}
	return v, nil
}

// LoadAll loads all files *.yaml and *.yml of a folder, and tells all faults of all of them beside the vendors of those that have
// none. taken are names that no file may have; folder is what faults put before a file's name.
func LoadAll(files fs.FS, folder string, taken []string) ([]*Vendor, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("%s can't be read: %w", folder, err)
	}
	var names []string
	for _, e := range entries {
		if isVendorFile(e.Name()) && !isFolder(files, e) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no file *.yaml or *.yml", folder)
	}
	loaded, faults := make([]*Vendor, len(names)), make([]error, len(names)) // by file
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for first := range workers { // the whole start waits for it
		wg.Go(func() {
			for i := first; i < len(names); i += workers {
				loaded[i], faults[i] = loadFile(files, names[i], path.Join(folder, names[i]))
			}
		})
	}
	wg.Wait()
	var all []*Vendor
	seen := map[string]string{}
	for i, v := range loaded {
		if v == nil {
			continue
		}
		shown := path.Join(folder, names[i])
		var own Faults
		switch other := seen[v.Name()]; {
		case slices.Contains(taken, v.Name()):
			own.add(v.file.Name.At, "the name %s is that of a vendor that the gateway brings along: choose another", v.Name())
		case other != "":
			own.add(v.file.Name.At, "the name %s is that of the vendor in %s too: choose another", v.Name(), other)
		default:
			seen[v.Name()] = shown
			all = append(all, v)
			continue
		}
		faults[i] = own
	}
	return all, errors.Join(faults...)
}

func isVendorFile(name string) bool {
	return slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(path.Ext(name)))
}

// isFolder tells whether an entry is a folder, or a link to one.
func isFolder(files fs.FS, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := fs.Stat(files, e.Name())
	return err == nil && info.IsDir()
}

// Unused are the files and folders of a folder that LoadAll does not read, and why, but for those that are there for another
// reason: hidden ones, documents, and the schema that editors use.
func Unused(files fs.FS) iter.Seq2[string, string] {
	return func(yield func(name, why string) bool) {
		entries, _ := fs.ReadDir(files, ".") // LoadAll tells why it can't be read
		for _, e := range entries {
			name, why := e.Name(), ""
			switch {
			case strings.HasPrefix(name, "."), strings.HasSuffix(name, ".schema.json"), strings.HasSuffix(name, ".md"):
			case isFolder(files, e):
				why = "a folder, not a vendor file"
			case !isVendorFile(name):
				why = "not a vendor file: its name must end in .yaml or .yml"
			}
			if why != "" && !yield(name, why) {
				return
			}
		}
	}
}

func loadFile(files fs.FS, name, shown string) (*Vendor, error) {
	text, err := readFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("%s can't be read: %w", shown, err)
	}
	return Load(shown, text)
}

// readFile reads no more of a file than shows that it is too large: it may be a link to anything.
func readFile(files fs.FS, name string) ([]byte, error) {
	// A pipe would block the start.
	if info, err := fs.Stat(files, name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// Compile reads a file without running its samples. The error is Faults.
func Compile(name string, text []byte) (*Vendor, error) {
	d := &decoder{file: name}
	f := &File{Name: Text{At: Position{File: name, Line: 1, Column: 1}}}
	root := d.document(text)
	if root == nil {
		return nil, d.faults.err()
	}
	d.value(root, reflect.ValueOf(f).Elem(), "")
	v := &Vendor{file: f}
	c := checker{vendor: v, file: f, faults: d.faults}
	c.check()
	for i := range c.faults {
		if c.faults[i].At.Line == 0 { // of something that is missing, which is a fault with a place of its own
			c.faults[i].At = Position{File: name, Line: 1, Column: 1}
		}
	}
	if err := c.faults.err(); err != nil {
		return nil, err
	}
	return v, nil
}

// expressions shows all expressions in a part of the file with what its field says of them.
func expressions(v reflect.Value, show func(e *Expr, as, item string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			expressions(v.Elem(), show)
		}
	case reflect.Slice:
		for i := range v.Len() {
			expressions(v.Index(i), show)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			part := v.Field(i)
			if part.Kind() == reflect.Pointer && !part.IsNil() {
				part = part.Elem()
			}
			if part.Type() == reflect.TypeFor[Expr]() {
				if e, _ := part.Addr().Interface().(*Expr); e.Source != "" {
					show(e, tag.Get("as"), tag.Get("item"))
				}
				continue
			}
			if !slices.Contains([]string{"Settings", "Samples", "Sources", "JSON"}, v.Type().Field(i).Name) {
				expressions(part, show)
			}
		}
	default: // no place for an expression
	}
}
