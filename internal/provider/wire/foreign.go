package wire

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// value takes secrets out of a text that is kept. One that is nothing but a secret is not understood.
func (o *Object) value(member, text string) string {
	clean, ok := o.secrets.Value(text)
	if !ok {
		o.Fail(member, "is a secret that the vendor was sent")
	}
	return clean
}

// Words gives a text, number or boolean that is for people to read, such as an error's text: without secrets and
// personal data of the request, and no longer than a message needs to be.
func (o *Object) Words(member string) string { return o.secrets.Quote(o.Code(member)) }

// maxRemarks is how many remarks are kept.
const maxRemarks = 20

// Remarks gives what the vendor remarks to people beside an answer, each like Words: a text, or a list of texts or of
// objects whose member holds the text. What it can't read is left out, and nothing fails for it.
func (o *Object) Remarks(list, member string) []string {
	items, why := elements(o.members[list])
	if why != "" {
		items = []json.RawMessage{o.members[list]}
	}
	var remarks []string
	for _, raw := range items {
		inside := &Object{members: map[string]json.RawMessage{member: raw}, err: new(error), secrets: o.secrets}
		if members, why := split(raw); why == "" {
			inside.members = members
		}
		if text := inside.Words(member); text != "" && len(remarks) < maxRemarks {
			remarks = append(remarks, text)
		}
	}
	return remarks
}

// jsonString is a string in valid JSON.
var jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// JSON gives a member's own text without white space, "" if it is absent.
func (o *Object) JSON(member string) string {
	return jsonString.ReplaceAllStringFunc(o.compact(member), func(quoted string) string {
		var text string
		if json.Unmarshal([]byte(quoted), &text) != nil {
			return quoted
		}
		clean := o.value(member, text)
		if clean == text {
			return quoted
		}
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(clean) // a string always encodes
		return strings.TrimSuffix(out.String(), "\n")
	})
}
