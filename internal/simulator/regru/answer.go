package regru

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
)

// answer is the member of the same name in the envelope; nil: the function returns nothing.
type answer map[string]any

// numeric is an id, counter or amount: a JSON string, or a number with the quirk "numbers" (section 3, "Types are loose").
type numeric string

func id(n int64) numeric    { return numeric(strconv.FormatInt(n, 10)) }
func counter(n int) numeric { return numeric(strconv.Itoa(n)) }

// output is how a call wants its answer.
type output struct {
	status      int // 0: 200; errors too come with 200 (section 1)
	lang        string
	format      string // "plain", else JSON
	contentType string
	charset     string // io_encoding; empty: utf8
	echo        params // show_input_params=1
	numbers     bool
	bare        bool
}

// use takes the control parameters over, so far as they can be used.
func (o *output) use(p params) {
	o.lang = p.text("lang")
	o.contentType = p.text("output_content_type")
	if charsets[p.text("io_encoding")] != nil {
		o.charset = p.text("io_encoding")
	}
	if p.text("output_format") == "plain" {
		o.format = "plain"
	}
	if p.text("show_input_params") == "1" {
		o.echo = p
	}
}

// check refuses what this server can't write: yaml and xml (1.2).
func (o *output) check(p params) *apiError {
	switch p.text("output_format") {
	case "", "json", "plain":
		return nil
	}
	return incorrect("output_format")
}

func (o *output) succeed(w http.ResponseWriter, a answer) {
	if o.format == "plain" {
		o.send(w, plainSuccess(a))
		return
	}
	envelope := answer{"result": "success"}
	if a != nil {
		envelope["answer"] = map[string]any(a)
	}
	o.sendJSON(w, envelope)
}

func (o *output) fail(w http.ResponseWriter, e *apiError) {
	text := e.text(o.lang)
	if o.format == "plain" {
		o.send(w, "error; "+e.code+"; "+text+"\n")
		return
	}
	envelope := answer{"result": "error", "error_code": e.code, "error_text": text, "error_params": nil}
	if e.params != nil {
		object := map[string]any{}
		for k, v := range e.params {
			object[k] = v
		}
		envelope["error_params"] = object
	}
	o.sendJSON(w, envelope)
}

func (o *output) sendJSON(w http.ResponseWriter, envelope answer) {
	if !o.bare {
		envelope["charset"], envelope["messagestore"] = "utf-8", nil
		if o.charset != "" {
			envelope["charset"] = o.charset
		}
	}
	if o.echo != nil {
		envelope["input_params"] = map[string]any(o.echo)
	}
	var b bytes.Buffer
	o.writeJSON(&b, map[string]any(envelope), "")
	b.WriteByte('\n')
	o.send(w, b.String())
}

func (o *output) send(w http.ResponseWriter, body string) {
	charset := "utf-8"
	if o.charset != "" {
		charset = o.charset
		// Characters that the charset has not are written as "?" by the replacing encoder.
		if encoded, err := encoding.ReplaceUnsupported(charsets[o.charset].NewEncoder()).String(body); err == nil {
			body = encoded
		}
	}
	media := o.contentType
	switch {
	case media == "plain", media == "" && o.format == "plain":
		media = "text/plain"
	case media == "":
		media = "application/json"
	}
	w.Header().Set("Content-Type", media+"; charset="+charset)
	if o.status != 0 {
		w.WriteHeader(o.status)
	}
	_, _ = w.Write([]byte(body)) // the client may be gone; nothing is left to do then
}

// writeJSON prints as the vendor's Perl does: three spaces of indent, " : ", sorted keys (1.2).
func (o *output) writeJSON(b *bytes.Buffer, v any, indent string) {
	inner := indent + "   "
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		separator := "{\n"
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(separator + inner)
			writeString(b, k)
			b.WriteString(" : ")
			o.writeJSON(b, v[k], inner)
			separator = ",\n"
		}
		b.WriteString("\n" + indent + "}")
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		separator := "[\n"
		for _, item := range v {
			b.WriteString(separator + inner)
			o.writeJSON(b, item, inner)
			separator = ",\n"
		}
		b.WriteString("\n" + indent + "]")
	case numeric:
		if o.numbers {
			b.WriteString(string(v))
			return
		}
		writeString(b, string(v))
	case string:
		writeString(b, v)
	case nil:
		b.WriteString("null")
	default: // whole numbers
		fmt.Fprint(b, v)
	}
}

// writeString leaves "<" and "&" as they are.
func writeString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)         // strings always encode
	b.Truncate(b.Len() - 1) // the newline that Encode adds
}

// plainSuccess is one line without what is nested (1.2).
func plainSuccess(a answer) string {
	var line strings.Builder
	line.WriteString("Success: ")
	for _, k := range slices.Sorted(maps.Keys(a)) {
		switch v := a[k].(type) {
		case []any, map[string]any:
		default:
			fmt.Fprintf(&line, "; %s: %v", k, v)
		}
	}
	return line.String() + "\n"
}
