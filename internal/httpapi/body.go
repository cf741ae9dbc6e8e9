package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"accountgateway/internal/provider"
)

// maxDepth is how deep a body may nest.
const maxDepth = 20

// checkMediaType refuses bodies that are not plain JSON in UTF-8.
func checkMediaType(h http.Header) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if charset, given := params["charset"]; given && strings.EqualFold(charset, "utf-8") {
		delete(params, "charset")
	}
	if err != nil || kind != "application/json" || len(params) > 0 || len(h["Content-Type"]) > 1 {
		return &problemError{code: ProblemCodeUnsupportedMediaType, detail: "Content-Type must be application/json"}
	}
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return &problemError{code: ProblemCodeUnsupportedMediaType, detail: "Content-Encoding is not supported"}
	}
	return nil
}

// form is a request's body, one JSON object, and what is wrong with it. What it
// says of that never has a value: a secret may stand in any place.
type form struct {
	members map[string]json.RawMessage
	bad     invalidParameters
}

// wholeBody is the field of faults that belong to no member.
const wholeBody = "body"

// readForm reads a body that may have the members known.
func readForm(body io.Reader, known ...string) (*form, error) {
	data, err := io.ReadAll(body) // limitBody bounds it
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return nil, err
	case err != nil:
		return nil, invalidParameters{{Field: wholeBody, Message: "is incomplete"}}
	case !utf8.Valid(data):
		return nil, invalidParameters{{Field: wholeBody, Message: "must be UTF-8"}}
	case !json.Valid(data) || bytes.TrimLeft(data, " \t\r\n")[0] != '{':
		return nil, invalidParameters{{Field: wholeBody, Message: "must be a single JSON object"}}
	case depth(data) > maxDepth:
		return nil, invalidParameters{{Field: wholeBody, Message: "nested deeper than " + strconv.Itoa(maxDepth)}}
	}
	f := &form{}
	f.members = f.object("", data)
	for _, name := range sortedNames(f.members) {
		if !slices.Contains(known, name) {
			f.unknown(name, known)
		}
	}
	return f, nil
}

// depth is how deep valid JSON nests.
func depth(data []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// object takes a valid JSON object apart. A member that is there twice is
// refused; prefix names the object in that.
func (f *form) object(prefix string, data []byte) map[string]json.RawMessage {
	members := map[string]json.RawMessage{}
	in := json.NewDecoder(bytes.NewReader(data))
	_, err := in.Token()
	for err == nil && in.More() {
		var name json.Token
		var value json.RawMessage
		if name, err = in.Token(); err != nil {
			break
		}
		if err = in.Decode(&value); err != nil {
			break
		}
		text, _ := name.(string) // it is one, in valid JSON
		if _, twice := members[text]; twice {
			f.refuse(prefix+plainName(text), "must be given only once")
		}
		members[text] = value
	}
	if err != nil {
		f.refuse(wholeBody, "must be a JSON object")
	}
	return members
}

func (f *form) unknown(name string, known []string) {
	f.refuse(plainName(name), "there is no such member; there are "+strings.Join(known, ", "))
}

// refuse takes note of what is wrong with a field, once for each field.
func (f *form) refuse(field, message string) {
	known := slices.ContainsFunc(f.bad, func(e FieldError) bool { return e.Field == field })
	if !known && len(f.bad) < maxFieldErrors {
		f.bad = append(f.bad, FieldError{Field: field, Message: message})
	}
}

// err is what was wrong; nil if nothing was.
func (f *form) err() error {
	if len(f.bad) == 0 {
		return nil
	}
	return f.bad
}

// vendorSays adds what a vendor is known not to take, and gives what was wrong in
// all. That is no invalid body if the vendor only has no place for something.
func (f *form) vendorSays(faults []provider.Fault) error {
	invalid := f.err() != nil
	for _, fault := range faults {
		invalid = invalid || !fault.Unsupported
		f.refuse(fault.Field, fault.Message)
	}
	switch {
	case len(f.bad) == 0:
		return nil
	case invalid:
		return f.bad
	case provider.OnlyCurrency(faults):
		return unsupportedCurrency(f.bad)
	}
	return unsupportedParameters(f.bad)
}

// plainName is a member's name as it may be said back. One that looks like no
// name of a member may be a secret in the wrong place.
func plainName(name string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	if name == "" || len(name) > 40 || strings.Trim(name, letters) != "" {
		return wholeBody
	}
	return name
}

func (f *form) has(name string) bool {
	_, ok := f.members[name]
	return ok
}

// text reads a member that is a text of up to so many characters; "" if it is
// not there, or was refused.
func (f *form) text(name string, most int) string {
	value, ok := f.members[name]
	if !ok {
		return ""
	}
	text, message := textOf(value, most)
	if message == "" && strings.ContainsFunc(text, unicode.IsControl) {
		text, message = "", "must not contain control characters"
	}
	if message != "" {
		f.refuse(name, message)
	}
	return text
}

// textOf reads a text, or says what is wrong with it.
func textOf(value json.RawMessage, most int) (text, message string) {
	if value[0] != '"' || json.Unmarshal(value, &text) != nil {
		return "", "must be a string; omit it if there is none"
	}
	switch {
	case text == "":
		return "", "must not be empty; omit it instead"
	case utf8.RuneCountInString(text) > most:
		return "", "must have at most " + strconv.Itoa(most) + " characters"
	case strings.ContainsRune(text, utf8.RuneError): // also what half a surrogate pair becomes
		return "", "must not contain invalid Unicode characters"
	}
	return text, ""
}

// flag reads a member that is true or false; false if it is not there.
func (f *form) flag(name string) bool {
	switch value, ok := f.members[name]; {
	case !ok || string(value) == "false":
		return false
	case string(value) == "true":
		return true
	}
	f.refuse(name, "must be true or false")
	return false
}

func sortedNames(members map[string]json.RawMessage) []string {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
