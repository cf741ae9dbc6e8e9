package config

import (
	"reflect"
	"strings"
)

// Description is one setting as its tags describe it, whatever it is set to.
type Description struct {
	Name     string   `json:"name"`
	Default  string   `json:"default"` // "" if there is none
	Required bool     `json:"required"`
	Secret   bool     `json:"secret"`
	OneOf    []string `json:"one_of,omitempty"`
	Meaning  string   `json:"meaning"`
}

// Describe gives what Into would read into a struct, or a pointer to one, with the prefix.
func Describe(prefix string, settings any) []Description {
	t := reflect.TypeOf(settings)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var all []Description
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("envconfig")
		if name == "" {
			continue
		}
		d := Description{
			Name: prefix + "_" + name, Default: field.Tag.Get("default"), Required: field.Tag.Get("required") == "true",
			Secret: field.Type == reflect.TypeFor[Secret](), Meaning: field.Tag.Get("desc"),
		}
		if list := field.Tag.Get("oneof"); list != "" {
			d.OneOf = strings.Split(list, "|")
		}
		all = append(all, d)
	}
	return all
}
