package selzy

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxInflated limits a compressed request after it was inflated.
const maxInflated = 1 << 20

// arguments are the parameters of one call, the way PHP sees them: "extra[firstname]" is kept under that name, "a[]"
// under "a[0]", "a[1]" and so on.
type arguments struct {
	values  map[string]string
	notUTF8 bool
}

// text returns a parameter's value, "" if it is not there. It fails when the parameter is an array.
func (a arguments) text(name string) (string, *apiError) {
	if v, ok := a.values[name]; ok {
		return v, nil
	}
	for key := range a.values {
		if strings.HasPrefix(key, name+"[") && !strings.HasSuffix(name, "]") {
			return "", badArg(name + " must be a string")
		}
	}
	return "", nil
}

// required is text that must not be empty.
func (a arguments) required(name string) (string, *apiError) {
	v, failure := a.text(name)
	if failure == nil && v == "" {
		failure = badArg(name + " is required")
	}
	return v, failure
}

// flag reads 0, 1 or nothing.
func (a arguments) flag(name string) (bool, *apiError) {
	v, failure := a.text(name)
	if failure == nil && v != "" && v != "0" && v != "1" {
		failure = badArg(name + " must be 0 or 1")
	}
	return v == "1", failure
}

// integer reads a whole number from min to max, or fallback if it is not there.
func (a arguments) integer(name string, fallback, min, max int64) (int64, *apiError) {
	v, failure := a.text(name)
	if failure != nil || v == "" {
		return fallback, failure
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < min || n > max {
		return 0, badArg(fmt.Sprintf("%s must be a whole number from %d to %d", name, min, max))
	}
	return n, nil
}

// readArguments merges query and form; the form wins (selzy.md 1, assumed). A body of any other type is not read,
// as with PHP. The error is about the body: too large, or not what its type says.
func readArguments(r *http.Request) (arguments, error) {
	query := newForm()
	query.addEncoded(r.URL.RawQuery)
	body := newForm()
	if r.Method == http.MethodPost {
		if err := body.read(r, query.values["request_compression"]); err != nil {
			return arguments{}, err
		}
	}
	merged := arguments{values: query.values, notUTF8: query.notUTF8 || body.notUTF8}
	for key := range query.values {
		if body.bases[base(key)] {
			delete(query.values, key)
		}
	}
	for key, v := range body.values {
		merged.values[key] = v
	}
	return merged, nil
}

// statusOf is the HTTP status for a body that could not be read.
func statusOf(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, errInflated) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// form collects name=value pairs by PHP's rules.
type form struct {
	values  map[string]string
	bases   map[string]bool // the top-level names
	next    map[string]int  // what "[]" means, by array
	notUTF8 bool
}

func newForm() *form {
	return &form{values: map[string]string{}, bases: map[string]bool{}, next: map[string]int{}}
}

func (f *form) read(r *http.Request, compression string) error {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil //nolint:nilerr // no type, no form
	}
	switch mediaType {
	case "application/x-www-form-urlencoded":
		text, err := inflate(r.Body, compression)
		if err != nil {
			return err
		}
		f.addEncoded(string(text))
	case "multipart/form-data":
		return f.addMultipart(multipart.NewReader(r.Body, params["boundary"]))
	}
	return nil
}

var errInflated = errors.New("the inflated body is too large")

// inflate reads the body, compressed as request_compression says (seen: Selzy WP for bzip2; gzip documented).
func inflate(body io.Reader, compression string) ([]byte, error) {
	packed, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	var plain io.Reader
	switch compression {
	case "bzip2":
		plain = bzip2.NewReader(bytes.NewReader(packed))
	case "gzip":
		if plain, err = gzip.NewReader(bytes.NewReader(packed)); err != nil {
			return nil, err
		}
	default:
		return packed, nil
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxInflated+1))
	if err == nil && len(text) > maxInflated {
		err = errInflated
	}
	return text, err
}

func (f *form) addEncoded(text string) {
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		f.add(unescape(name), unescape(value))
	}
}

// unescape keeps text with a broken escape as it is, as PHP does.
func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

func (f *form) addMultipart(in *multipart.Reader) error {
	for {
		part, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		if part.FileName() == "" { // a file is no parameter
			f.add(part.FormName(), string(value))
		}
	}
}

// add keeps one pair. The last of a name wins, and a scalar and an array of one name push each other out.
func (f *form) add(name, value string) {
	if !utf8.ValidString(name) || !utf8.ValidString(value) {
		f.notUTF8 = true
	}
	top, path := splitName(name)
	if top == "" || len(f.values) >= maxVariables {
		return
	}
	key := top
	for _, segment := range path {
		if segment == "" {
			segment = strconv.Itoa(f.next[key])
		}
		if n, err := strconv.Atoi(segment); err == nil && n >= f.next[key] && n < 1<<31 {
			f.next[key] = n + 1
		}
		delete(f.values, key)
		key += "[" + segment + "]"
	}
	if len(path) == 0 && f.bases[top] {
		for old := range f.values {
			if base(old) == top {
				delete(f.values, old)
			}
		}
	}
	f.bases[top] = true
	f.values[key] = value
}

func base(key string) string {
	top, _, _ := strings.Cut(key, "[")
	return top
}

// PHP's max_input_vars and max_input_nesting_level.
const (
	maxVariables = 1000
	maxDepth     = 64
)

// splitName reads "data[0][1]" as data, 0, 1. Blanks and dots in the top name become "_", a bracket that is never
// closed too, and what follows the last closing bracket is dropped.
func splitName(name string) (top string, path []string) {
	name = strings.TrimLeft(name, " ")
	top, rest, found := strings.Cut(name, "[")
	top = strings.NewReplacer(".", "_", " ", "_").Replace(top)
	if found && top != "" && !strings.Contains(rest, "]") {
		return top + "_" + strings.NewReplacer(".", "_", " ", "_", "[", "_").Replace(rest), nil
	}
	for found && len(path) < maxDepth {
		var segment string
		if segment, rest, found = strings.Cut(rest, "]"); !found {
			break
		}
		path = append(path, segment)
		rest, found = strings.CutPrefix(rest, "[")
	}
	return top, path
}
