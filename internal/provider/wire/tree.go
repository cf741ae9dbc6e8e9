package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/govalues/decimal"

	"accountgateway/internal/provider"
)

// Decimal reads an exact decimal, be it written with an exponent.
func Decimal(text string) (decimal.Decimal, error) { return provider.ParseAmount(plain(text)) }

// Tree reads a body that is one JSON value in UTF-8 and nothing else, for readers that find their way by themselves:
// map[string]any, []any, string, json.Number, bool and nil. A member that is there twice, however deep, makes the whole
// unreadable. Secrets are still in it.
func Tree(body []byte) (any, error) {
	body, err := UTF8(body, "")
	if err != nil {
		return nil, err
	}
	if !json.Valid(body) {
		return nil, BadResponse(Body, "is not JSON")
	}
	t := tree{Decoder: json.NewDecoder(bytes.NewReader(body)), left: MaxValues}
	t.UseNumber()
	value, why := t.value(0)
	switch {
	case why != "":
		return nil, BadResponse(Body, why)
	case t.replaced > bytes.Count(body, []byte("\uFFFD"))+bytes.Count(bytes.ToLower(body), []byte(`\ufffd`)):
		return nil, BadResponse(Body, "has half a surrogate pair")
	}
	return value, nil
}

type tree struct {
	*json.Decoder
	replaced int // replacement characters in texts
	left     int // values that may still come
}

// MaxDepth is deeper than any account's answer, MaxValues more than one has of members and items: a body of tiny values
// takes a hundred times its size in memory.
const (
	MaxDepth  = 100
	MaxValues = 100_000
)

// Why a body is not read.
const (
	TooDeep = "is nested deeper than 100 levels"
	TooMany = "has more than 100000 values"
)

func (t *tree) value(depth int) (value any, why string) {
	token, err := t.Token()
	if err != nil {
		return nil, "is not JSON"
	}
	if t.left--; t.left < 0 {
		return nil, TooMany
	}
	switch token := token.(type) {
	case string:
		t.replaced += strings.Count(token, string(utf8.RuneError))
		return token, ""
	case json.Delim:
		if depth++; depth > MaxDepth {
			return nil, TooDeep
		}
		if token == '{' {
			return t.object(depth)
		}
		return t.list(depth)
	}
	return token, ""
}

func (t *tree) object(depth int) (any, string) {
	members := map[string]any{}
	for t.More() {
		name, _ := t.Token()    // there is one, in valid JSON
		key, _ := name.(string) // and it is a text
		t.replaced += strings.Count(key, string(utf8.RuneError))
		var why string
		if _, twice := members[key]; twice {
			return nil, "has a duplicate member"
		}
		if members[key], why = t.value(depth); why != "" {
			return nil, why
		}
	}
	return members, t.end()
}

func (t *tree) list(depth int) (any, string) {
	items := []any{}
	for t.More() {
		item, why := t.value(depth)
		if why != "" {
			return nil, why
		}
		items = append(items, item)
	}
	return items, t.end()
}

func (t *tree) end() string {
	if _, err := t.Token(); err != nil && err != io.EOF { //nolint:errorlint // Token gives it bare
		return "is not JSON"
	}
	return ""
}
