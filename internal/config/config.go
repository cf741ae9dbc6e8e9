// Package config reads settings: each one from its environment variable, or
// from the file that NAME_FILE names. It fills any struct with envconfig tags,
// so that whoever has settings declares them; it knows nobody's settings and
// nothing else of the gateway.
package config

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxFile is how much of a NAME_FILE is read, in bytes: enough for the list of
// tens of thousands of accounts.
const maxFile = 1 << 20

// Lookup finds an environment variable, as os.LookupEnv does.
type Lookup func(name string) (value string, found bool)

// Reader reads settings and gathers every fault, so that all can be mended at
// once. It is for one goroutine.
type Reader struct {
	lookup Lookup
	faults []error
	rows   []Row
	names  []string
}

// NewReader reads from the given environment.
func NewReader(lookup Lookup) *Reader { return &Reader{lookup: lookup} }

// Set tells whether a setting has a value, in the environment or by a file.
// An empty variable counts as not set.
func (r *Reader) Set(name string) bool {
	value, _ := r.lookup(name)
	file, _ := r.lookup(name + "_FILE")
	return value != "" || file != ""
}

// Prefix is what the settings of an account, or of all accounts of a vendor,
// begin with, without the underscore.
func Prefix(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }

// Names are the variables that settings were looked for in, those for files too.
func (r *Reader) Names() []string { return r.names }

// Fault adds a fault that names a setting.
func (r *Reader) Fault(name, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

// Faulty tells whether a setting has a fault already, so that a check of its
// value does not add another.
func (r *Reader) Faulty(name string) bool {
	return slices.ContainsFunc(r.faults, func(err error) bool { return strings.HasPrefix(err.Error(), name+": ") })
}

// Err gives all faults so far, nil if there are none.
func (r *Reader) Err() error { return errors.Join(r.faults...) }

// Into fills the struct that dst points to. Each field has the tag
// envconfig:"NAME" and may have default:"…", required:"true", oneof:"a|b|c"
// and desc:"…"; its setting is prefix_NAME, or NAME for an empty prefix. With
// names, only the fields of these are filled, and faults of others don't count.
func (r *Reader) Into(prefix string, dst any, only ...string) {
	v := reflect.ValueOf(dst).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := field.Tag.Get("envconfig")
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		if prefix != "" {
			name = prefix + "_" + name
		}
		r.field(name, field, v.Field(i))
	}
}

func (r *Reader) field(name string, field reflect.StructField, dst reflect.Value) {
	r.names = append(r.names, name, name+"_FILE")
	text, from, err := r.text(name, field.Type == reflect.TypeFor[Path]())
	if err != nil {
		r.Fault(name, "%v", err)
		return
	}
	if text == "" {
		text, from = field.Tag.Get("default"), "default"
	}
	r.rows = append(r.rows, row(name, text, from, field))
	if text == "" {
		if field.Tag.Get("required") == "true" {
			r.Fault(name, "is not set")
		}
		return
	}
	if allowed := field.Tag.Get("oneof"); allowed != "" && !slices.Contains(strings.Split(allowed, "|"), text) {
		shown := ""
		if field.Type != reflect.TypeFor[Secret]() {
			shown = instead(text)
		}
		r.Fault(name, "must be one of %s%s", strings.ReplaceAll(allowed, "|", ", "), shown)
		return
	}
	if err := decode(text, dst); err != nil {
		shown := ""
		switch dst.Interface().(type) {
		case time.Duration, Rate, int, bool:
			shown = instead(text)
		}
		r.Fault(name, "%v%s", err, shown)
	}
}

// text is a setting's value and where it is from; "" if it is not set. The
// value of a path is its own file's name and never in another file.
func (r *Reader) text(name string, path bool) (text, from string, err error) {
	value, _ := r.lookup(name)
	file, _ := r.lookup(name + "_FILE")
	switch {
	case file == "":
		return value, "environment", nil
	case path:
		return "", "", fmt.Errorf("%s_FILE is not supported: set %s to the file name", name, name)
	case value != "":
		return "", "", fmt.Errorf("%s_FILE is also set; set only one of them", name)
	}
	if text, err = readFile(file); err != nil {
		return "", "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return text, "file " + file, nil
}

// byteOrderMark is what some Windows editors put before UTF-8.
const byteOrderMark = "\uFEFF"

// readFile is a file's text without byte order mark and line end; never empty.
func readFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return "", err
	case len(data) > maxFile:
		return "", fmt.Errorf("the file is larger than %d bytes", maxFile)
	}
	text := strings.TrimRight(strings.TrimPrefix(string(data), byteOrderMark), "\r\n")
	if text == "" {
		return "", errors.New("the file is empty")
	}
	return text, nil
}

// maxShown is the length of the longest value that an error shows. Passwords and
// keys in the wrong setting are mostly longer.
const maxShown = 12

// instead is `, not "60"` for the invalid value 60, and "" for one that may be a
// secret.
func instead(text string) string {
	if len(text) > maxShown || strings.ContainsRune(text, 0) {
		return ""
	}
	return fmt.Sprintf(", not %q", text)
}

// decode turns text into a value by the type's own decoder, if it has one. Its
// errors do not hold the text, which may be a secret in the wrong place.
func decode(text string, dst reflect.Value) error {
	if strings.ContainsRune(text, 0) {
		return errors.New("must not contain a NUL byte")
	}
	if own, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return own.UnmarshalText([]byte(text))
	}
	switch value := dst.Addr().Interface().(type) {
	case *time.Duration:
		d, err := ParseDuration(text)
		*value = d
		return err
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil || text[0] == '+' {
			return errors.New("must be an integer")
		}
		*value = n
	case *bool:
		flag, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("must be true or false")
		}
		*value = flag
	default: // a text of any type
		dst.SetString(text)
	}
	return nil
}
