package declared

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Schema is the JSON Schema of a file, for editors. It is made of the types of this package and their tags. What only
// loading can tell, such as whether an expression is right, is not in it.
func Schema() []byte {
	s := schema{defs: map[string]any{}}
	root := s.structure(reflect.TypeFor[File]())
	root["$schema"], root["title"] = "https://json-schema.org/draft/2020-12/schema", "A vendor of the account gateway, as one file"
	root["$defs"] = s.defs
	var text strings.Builder
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(root); err != nil { // maps, lists and texts have a JSON form
		panic(err)
	}
	return []byte(text.String())
}

// schema gathers the definitions of the structs that it meets.
type schema struct{ defs map[string]any }

var scalar = []string{"string", "number", "boolean"}

func (s *schema) of(t reflect.Type) map[string]any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch reflect.Zero(t).Interface().(type) {
	case Text:
		return map[string]any{"type": "string", "minLength": 1}
	case Template, Expr:
		return map[string]any{"type": scalar}
	case JSON:
		return map[string]any{"type": "object"}
	case bool:
		return map[string]any{"type": "boolean"}
	case int64:
		return map[string]any{"type": "integer"}
	case interface{ isMap() }:
		entry, _ := t.Elem().FieldByName("Value")
		return map[string]any{"type": "object", "additionalProperties": s.of(entry.Type)}
	}
	if t.Kind() == reflect.Slice {
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	}
	name := t.Name()
	if _, known := s.defs[name]; !known {
		s.defs[name] = nil // before its fields, which may have it too
		s.defs[name] = s.structure(t)
	}
	ref := map[string]any{"$ref": "#/$defs/" + name}
	if fields := fieldsOf(t); fields.short != "" {
		return map[string]any{"anyOf": []any{s.of(t.Field(fields.named[fields.short].index).Type), ref}}
	}
	return ref
}

func (s *schema) structure(t reflect.Type) map[string]any {
	fields := fieldsOf(t)
	properties, required := map[string]any{}, []string{}
	for _, name := range fields.names {
		tag := t.Field(fields.named[name].index).Tag
		property := s.of(t.Field(fields.named[name].index).Type)
		if about := tag.Get("desc"); about != "" {
			property["description"] = about
		}
		if list := fields.named[name].oneOf; list != nil {
			property["enum"] = list
		}
		properties[name] = property
		if fields.named[name].required {
			required = append(required, name)
		}
	}
	all := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		all["required"] = required
	}
	return all
}
