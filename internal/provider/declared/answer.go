package declared

import (
	"encoding/json"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"accountgateway/internal/provider/upstream"
	"accountgateway/internal/provider/wire"
)

// answer is what expressions see: an answer of the vendor, and what the caller asked for. Texts lose the secrets of the
// request where they are looked at.
type answer struct {
	upstream.Answer

	body     any   // of maps, lists, texts, json.Number, booleans and nil
	unread   error // why there is no body
	settings map[string]string
	currency string         // query.currency
	item     ref.Val        // wallet or user
	values   map[string]any // made once: header, setting
}

var _ cel.Activation = (*answer)(nil)

// newAnswer reads the body of an answer as the format says. One that can't be read has no body, but a status.
func newAnswer(format string, got upstream.Answer, settings map[string]string) *answer {
	a := &answer{Answer: got, settings: settings, values: map[string]any{}}
	charset := got.Charset()
	if said := xmlEncoding.FindSubmatch(got.Body); charset == "" && format == "xml" && said != nil {
		charset = string(said[1])
	}
	a.Body, a.unread = wire.UTF8(got.Body, charset)
	if a.unread != nil {
		return a
	}
	switch format {
	case "xml":
		a.body, a.unread = readXML(a.Body)
	case "text":
		a.body, a.unread = readLines(string(a.Body))
	default:
		a.body, a.unread = wire.Tree(a.Body)
	}
	return a
}

// ResolveName gives a variable.
func (a *answer) ResolveName(name string) (any, bool) {
	switch name {
	case "body":
		if a.unread != nil {
			return fail("needs a body that can be read"), true
		}
		return a.NativeToValue(a.body), true
	case "text":
		return a.NativeToValue(string(a.Body)), true
	case "status":
		return types.Int(a.Status), true
	case "header":
		return a.once(name, func() map[string]any {
			header := map[string]any{}
			for name, values := range a.Header {
				header[strings.ToLower(name)] = strings.Join(values, ", ")
			}
			return header
		}), true
	case "setting":
		return a.once(name, func() map[string]any {
			settings := map[string]any{}
			for name, value := range a.settings {
				settings[name] = types.String(value)
			}
			return settings
		}), true
	case "query.currency":
		return types.String(a.currency), true
	case "wallet", "user":
		return a.item, a.item != nil
	}
	return nil, false
}

// Parent is none.
func (*answer) Parent() cel.Activation { return nil }

func (a *answer) once(name string, make func() map[string]any) ref.Val {
	if a.values[name] == nil {
		a.values[name] = a.NativeToValue(make())
	}
	return a.values[name].(ref.Val) //nolint:forcetypeassert // put there above
}

// NativeToValue shows a part of the answer to expressions.
func (a *answer) NativeToValue(value any) ref.Val {
	switch value := value.(type) {
	case ref.Val:
		return value
	case map[string]any:
		return types.NewStringInterfaceMap(a, value)
	case []any:
		return types.NewDynamicList(a, value)
	case string:
		clean, ok := a.Secrets.Value(value)
		if !ok {
			return fail("is a secret that the vendor was sent")
		}
		return types.String(clean)
	case json.Number:
		d, err := wire.Decimal(value.String())
		if err != nil {
			return fail("is not an exact decimal")
		}
		return number{d}
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

// readLines makes a mapping of lines key=value. Lines without = are only in text.
func readLines(text string) (any, error) {
	members := map[string]any{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if !ok {
			continue
		}
		key = strings.TrimSpace(key)
		if _, twice := members[key]; twice {
			return nil, wire.BadResponse(wire.Body, "has a key twice")
		}
		if members[key] = strings.TrimSpace(value); len(members) > wire.MaxValues {
			return nil, wire.BadResponse(wire.Body, wire.TooMany)
		}
	}
	return members, nil
}
