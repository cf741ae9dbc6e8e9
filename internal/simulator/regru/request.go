package regru

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// params are a call's parameters: string, []any or map[string]any. JSON numbers are kept as their text, true and false
// are "1" and "0", null is as good as absent.
type params map[string]any

// text returns a scalar; of a repeated field the first. Absent and nested values are "".
func (p params) text(name string) string {
	switch v := p[name].(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			s, _ := v[0].(string)
			return s
		}
	}
	return ""
}

// list returns the scalars of a list, or a single value as a list of one (1.1).
func (p params) list(name string) []any {
	switch v := p[name].(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// charsets are the values of io_encoding besides utf8. The vendor does not know "utf-8" (1.1).
var charsets = map[string]*charmap.Charmap{
	"cp1251": charmap.Windows1251,
	"koi8-r": charmap.KOI8R,
	"koi8-u": charmap.KOI8U,
	"cp866":  charmap.CodePage866,
}

// parseRequest reads the form and, with input_format json, merges input_data over it (1.1).
// The params are usable for the answer's format even if there is an error.
func parseRequest(r *http.Request) (params, *apiError) {
	form, apiErr := readForm(r)
	if apiErr != nil {
		return params{}, apiErr
	}
	var decoder *encoding.Decoder
	if name := form.Get("io_encoding"); name != "" && name != "utf8" {
		charset, ok := charsets[name]
		if !ok {
			return formParams(form, nil), incorrect("io_encoding")
		}
		decoder = charset.NewDecoder()
	}
	p := formParams(form, decoder)
	return p, p.mergeInput()
}

// readForm takes url-encoded and multipart bodies; a query string too, which only Profile2017 lets through.
func readForm(r *http.Request) (url.Values, *apiError) {
	form := url.Values{}
	add := func(values url.Values) {
		for k, v := range values {
			form[k] = append(form[k], v...)
		}
	}
	add(r.URL.Query())
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || err != nil {
		return form, nil
	}
	switch media {
	case "application/x-www-form-urlencoded":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, badBody(err)
		}
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, badBody(err)
		}
		add(values)
	case "multipart/form-data":
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			return nil, badBody(err)
		}
		defer r.MultipartForm.RemoveAll() //nolint:errcheck // nothing is kept on disk below 1 MiB
		add(r.MultipartForm.Value)
	}
	return form, nil
}

// badBody: what the vendor says to a body that can't be read is unknown (assumed).
func badBody(err error) *apiError {
	if tooBig := new(http.MaxBytesError); errors.As(err, &tooBig) {
		return fail("INTERNAL_ERROR", "error_detail", "request is too big")
	}
	return incorrect("request body")
}

func formParams(form url.Values, decoder *encoding.Decoder) params {
	p := params{}
	for name, values := range form {
		list := make([]any, 0, len(values))
		for _, v := range values {
			if decoder != nil {
				if decoded, err := decoder.String(v); err == nil {
					v = decoded
				}
			}
			list = append(list, v)
		}
		if len(list) == 1 {
			p[name] = list[0]
		} else {
			p[name] = list
		}
	}
	return p
}

// mergeInput replaces input_data by its members. Unknown formats mean plain (1.1); xml is known to the vendor, but not here.
func (p params) mergeInput() *apiError {
	switch p.text("input_format") {
	case "json":
	case "xml":
		return incorrect("input_format")
	default:
		return nil
	}
	if p["input_data"] == nil {
		return nil
	}
	data, err := parseInputData(p.text("input_data"))
	if err != nil {
		return incorrect("input_data")
	}
	delete(p, "input_data")
	for k, v := range data {
		p[k] = v
	}
	return nil
}

// parseInputData reads one JSON object.
func parseInputData(text string) (params, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("not utf-8")
	}
	in := json.NewDecoder(bytes.NewReader([]byte(text)))
	in.UseNumber()
	var object map[string]any
	if err := in.Decode(&object); err != nil {
		return nil, err
	}
	if object == nil {
		return nil, errors.New("not an object")
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return plainValue(object).(map[string]any), nil
}

// plainValue turns JSON scalars into text and drops nulls.
func plainValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "1"
		}
		return "0"
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			if item != nil {
				list = append(list, plainValue(item))
			}
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for k, item := range v {
			if item != nil {
				object[k] = plainValue(item)
			}
		}
		return object
	default:
		return v
	}
}
