package declared

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"accountgateway/internal/config"
	"accountgateway/internal/provider"
)

// Head is what a file says of accounts, without its requests and expressions. The heads of the shipped files are in an
// index, so that a start reads and compiles only the files of configured accounts.
type Head struct {
	Name         string                `json:"name"`
	Title        string                `json:"title"`
	Group        string                `json:"group"`
	Capabilities provider.Capabilities `json:"capabilities"`
	BaseURL      string                `json:"base_url,omitempty"` // "" if each account has its own
	Rate         string                `json:"rate"`
	Fields       []HeadField           `json:"settings"`
}

// HeadField is one of an account's settings.
type HeadField struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Default     string   `json:"default,omitempty"` // "" if there is none
	Secret      bool     `json:"secret,omitempty"`
	Required    bool     `json:"required,omitempty"`
	OneOf       []string `json:"one_of,omitempty"`
}

// Index reads heads that were written as JSON.
func Index(text []byte) ([]Head, error) {
	var heads []Head
	err := json.Unmarshal(text, &heads)
	return heads, err
}

// Settings is a struct with envconfig tags, as config.Reader fills it.
func (h Head) Settings() any { return reflect.Zero(h.settingsType()).Interface() }

func (h Head) settingsType() reflect.Type {
	fields := make([]reflect.StructField, 0, len(h.Fields)+2)
	add := func(of reflect.Type, s HeadField) {
		tag := "envconfig:" + strconv.Quote(s.Name) + " desc:" + strconv.Quote(s.Description) + " default:" + strconv.Quote(s.Default)
		if s.Required {
			tag += ` required:"true"`
		}
		if len(s.OneOf) > 0 {
			tag += " oneof:" + strconv.Quote(strings.Join(s.OneOf, "|"))
		}
		fields = append(fields, reflect.StructField{Name: "Setting_" + s.Name, Type: of, Tag: reflect.StructTag(tag)})
	}
	for _, s := range h.Fields {
		if s.Secret {
			add(reflect.TypeFor[config.Secret](), s)
		} else {
			add(reflect.TypeFor[string](), s)
		}
	}
	add(reflect.TypeFor[config.BaseURL](), HeadField{Name: "BASE_URL", Description: "where the API is reached", Default: h.BaseURL, Required: h.BaseURL == ""})
	add(reflect.TypeFor[config.Rate](), HeadField{Name: "RATE", Description: "vendor calls allowed in a span of time", Default: h.Rate})
	return reflect.StructOf(fields)
}
