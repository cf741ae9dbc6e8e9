package declared

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"

	"accountgateway/internal/provider/wire"
)

// xmlEncoding is what a document says of its charset.
var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding=["']([A-Za-z0-9._-]+)["']`)

// Why a document is not read, beside what is wrong with a JSON body.
const (
	notXML         = "is not XML"
	twiceAttribute = "has an attribute twice"
)

// xmlReader reads the tokens of a document.
type xmlReader struct {
	*xml.Decoder
	left int // elements, comments and the like that may still come
}

// readXML makes a mapping of the root element: see element.
func readXML(text []byte) (any, error) {
	if bytes.Count(text, []byte("=")) > wire.MaxValues { // the decoder gathers all attributes of an element
		return nil, wire.BadResponse(wire.Body, wire.TooMany)
	}
	in := &xmlReader{Decoder: xml.NewDecoder(bytes.NewReader(text)), left: wire.MaxValues}
	in.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	root, why := in.root()
	if why != "" {
		return nil, wire.BadResponse(wire.Body, why)
	}
	return root, nil
}

func (in *xmlReader) root() (root any, why string) {
	for {
		token, why := in.next()
		switch token := token.(type) {
		case xml.StartElement:
			if root != nil {
				return nil, notXML
			}
			value, why := in.element(token, 1)
			if why != "" {
				return nil, why
			}
			if _, isMap := value.(map[string]any); !isMap {
				value = map[string]any{"#text": value}
			}
			root = value
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return nil, notXML
			}
		case nil: // the end, or a fault
			if why == "" && root == nil {
				why = notXML
			}
			return root, why
		}
	}
}

// next gives the next token; nil with a reason if there is none, without one at the end.
func (in *xmlReader) next() (token xml.Token, why string) {
	token, err := in.Token()
	switch token.(type) {
	case xml.StartElement, xml.Comment, xml.ProcInst, xml.Directive:
		in.left--
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, ""
	case err != nil:
		return nil, notXML
	case in.left < 0:
		return nil, wire.TooMany
	}
	return token, ""
}

// element is a text, if there is nothing but text in the element; else a mapping of its attributes, as @name, its
// elements by their local names, and its text, as #text. Elements of one name are a list.
func (in *xmlReader) element(start xml.StartElement, depth int) (value any, why string) {
	if depth > wire.MaxDepth {
		return nil, wire.TooDeep
	}
	members := map[string]any{}
	for _, a := range start.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" {
			continue
		}
		name := "@" + a.Name.Local
		if _, twice := members[name]; twice {
			return nil, twiceAttribute
		}
		members[name] = a.Value
	}
	var text strings.Builder
	lists := map[string][]any{}
	for {
		token, why := in.next()
		switch token := token.(type) {
		case nil:
			if why == "" {
				why = notXML
			}
			return nil, why
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			inner, why := in.element(token, depth+1)
			if why != "" {
				return nil, why
			}
			lists[token.Name.Local] = append(lists[token.Name.Local], inner)
		case xml.EndElement:
			said := strings.TrimSpace(text.String())
			if len(members)+len(lists) == 0 {
				return said, ""
			}
			for name, list := range lists {
				if members[name] = list; len(list) == 1 {
					members[name] = list[0]
				}
			}
			if said != "" {
				members["#text"] = said
			}
			return members, ""
		}
	}
}
