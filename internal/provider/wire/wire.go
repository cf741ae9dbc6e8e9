// Package wire reads vendors' JSON: tolerant of type, strict about meaning. A figure may come as a number or as a
// string, but one that is there and can't be read exactly is an error, never 0. It knows no vendor and no HTTP.
//
// Every error is a *provider.Error of kind provider_bad_response whose Drift names the member. It never holds the
// vendor's text, which may be personal data.
//
// It is the one place that vendors' texts pass through on their way in: what Text, OptionalText, Scalar, JSON and Words
// give has no secret of the request in it. What Code gives may, and is only for comparing.
package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"accountgateway/internal/provider"
	"accountgateway/internal/redact"
)

// Body is the name of the whole answer among the members that were not understood.
const Body = "body"

// BadResponse says that a member was not understood, and why.
func BadResponse(member, why string) *provider.Error {
	return &provider.Error{
		Kind:    provider.KindBadResponse,
		Message: fmt.Sprintf("invalid vendor response: %s %s", member, why),
		Drift:   member,
	}
}

// Object is one JSON object. Its readers keep the first error for Err, so that a conversion reads like a table and
// asks once, at its end. An Object is for one goroutine.
type Object struct {
	prefix  string // "services[]." in front of member names in errors
	members map[string]json.RawMessage
	err     *error // shared with the objects inside
	secrets *redact.Redactor
}

// Parse reads a body that is one JSON object in UTF-8 and nothing else; see UTF8 for others. A member that is there twice
// makes the whole unreadable: which of two balances would be the true one? secrets are those of the request that the
// body answers; nil if it had none.
func Parse(body []byte, secrets *redact.Redactor) (*Object, error) {
	body, err := UTF8(body, "")
	if err != nil {
		return nil, err
	}
	if !json.Valid(body) {
		return nil, BadResponse(Body, "is not JSON")
	}
	members, why := split(body)
	if why != "" {
		return nil, BadResponse(Body, why)
	}
	return &Object{members: members, err: new(error), secrets: secrets}, nil
}

// split reads the members of an object from valid JSON, by their exact names. why is "" unless it can't.
func split(raw []byte) (members map[string]json.RawMessage, why string) {
	members = map[string]json.RawMessage{}
	why = walk(raw, func(name string, value json.RawMessage) { members[name] = value })
	if why != "" {
		return nil, why
	}
	return members, ""
}

// walk shows the members of an object of valid JSON in their order, each name once. why is "" unless it can't.
func walk(raw []byte, show func(name string, value json.RawMessage)) (why string) {
	if kindOf(raw) != '{' {
		return "is not an object"
	}
	in := json.NewDecoder(bytes.NewReader(raw))
	seen := map[string]bool{}
	_, err := in.Token() // the opening brace
	for err == nil && in.More() {
		var token json.Token
		if token, err = in.Token(); err != nil {
			break
		}
		var value json.RawMessage
		if err = in.Decode(&value); err != nil {
			break
		}
		name, _ := token.(string) // it is one, in valid JSON
		if seen[name] {
			return "has a duplicate member"
		}
		if seen[name] = true; len(seen) > MaxValues {
			return TooMany
		}
		show(name, value)
	}
	if err != nil {
		return "is not JSON"
	}
	return ""
}

// kindOf is the first byte of a value: { [ " t f n - or a digit; 0 if there is none.
func kindOf(raw json.RawMessage) byte {
	if raw = bytes.TrimLeft(raw, " \t\r\n"); len(raw) > 0 {
		return raw[0]
	}
	return 0
}

// Afresh is the same object without the errors so far, for a conversion of its own.
func (o *Object) Afresh() *Object {
	return &Object{prefix: o.prefix, members: o.members, err: new(error), secrets: o.secrets}
}

// Err is the first error that any reader of this object, or of one inside it, met.
func (o *Object) Err() error { return *o.err }

// Fail records that a member was not understood.
func (o *Object) Fail(member, why string) {
	if *o.err == nil {
		*o.err = BadResponse(o.prefix+member, why)
	}
}

// Has tells whether a member is there, be it null.
func (o *Object) Has(member string) bool {
	_, there := o.members[member]
	return there
}

// Null tells whether a member is there and null.
func (o *Object) Null(member string) bool { return kindOf(o.members[member]) == 'n' }

// Empty tells whether a member is absent or null, which read alike.
func (o *Object) Empty(member string) bool { return !o.Has(member) || o.Null(member) }

// Object reads a member that must be an object. What it returns is never nil.
func (o *Object) Object(member string) *Object {
	inside := &Object{prefix: o.prefix, err: o.err, secrets: o.secrets}
	var why string
	if inside.members, why = split(o.members[member]); why != "" {
		o.Fail(member, why)
	}
	return inside
}

// Objects reads a member that must be a list of objects. Absent and null are an empty list. PHP makes an object of a
// list with gaps, whose members are then numbers: it is read as the list that it was.
func (o *Object) Objects(member string) []*Object {
	if o.Empty(member) {
		return nil
	}
	items, why := elements(o.members[member])
	if why != "" {
		o.Fail(member, why)
		return nil
	}
	list := make([]*Object, 0, len(items))
	for _, raw := range items {
		members, why := split(raw)
		if why != "" {
			o.Fail(member+"[]", why)
			return nil
		}
		list = append(list, &Object{prefix: o.prefix + member + "[].", members: members, err: o.err, secrets: o.secrets})
	}
	return list
}

// maxItems is more than 4 MiB have of anything that an account has; of empty objects they have a million, which take a
// gigabyte and seconds to take apart.
const maxItems = 50_000

// elements takes a list apart.
func elements(raw json.RawMessage) (items []json.RawMessage, why string) {
	if kindOf(raw) != '{' {
		switch {
		case json.Unmarshal(raw, &items) != nil:
			return nil, "is not a list"
		case len(items) > maxItems:
			return nil, "has more than 50000 items"
		}
		return items, ""
	}
	numbered := true
	why = walk(raw, func(name string, value json.RawMessage) {
		numbered = numbered && name != "" && strings.Trim(name, "0123456789") == ""
		items = append(items, value)
	})
	if why == "" && !numbered {
		why = "is not a list"
	}
	return items, why
}

// compact gives a member's own text without white space, "" if it is absent.
func (o *Object) compact(member string) string {
	var compact bytes.Buffer
	if !o.Has(member) || json.Compact(&compact, o.members[member]) != nil {
		return ""
	}
	return compact.String()
}
