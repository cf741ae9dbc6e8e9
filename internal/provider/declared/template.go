package declared

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// names are the settings that a template has a place for.
func (t *Template) names() []string {
	var names []string
	if t == nil {
		return nil
	}
	for _, part := range placeholder.FindAllStringSubmatch(t.Text, -1) {
		names = append(names, part[1])
	}
	return names
}

// fill puts settings into a template, each as escape writes it.
func (t *Template) fill(settings map[string]string, escape func(string) string) string {
	return placeholder.ReplaceAllStringFunc(t.Text, func(found string) string {
		return escape(settings[found[2:len(found)-1]])
	})
}

func asIs(s string) string { return s }

// FilledPath is the template of a path with settings in it: whatever is in a setting, it stays within its segment.
func (t *Template) FilledPath(settings map[string]string) string {
	return t.fill(settings, url.PathEscape)
}

// Filled is the template of what is encoded as a whole later, with settings in it.
func (t *Template) Filled(settings map[string]string) string { return t.fill(settings, asIs) }

// templates shows all texts in a value that is sent as JSON.
func (j *JSON) templates(show func(Template)) {
	if j != nil {
		eachText(j.node, j.at, show)
	}
}

func eachText(n *yaml.Node, at Position, show func(Template)) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		show(Template{Text: n.Value, At: Position{File: at.File, Line: n.Line, Column: n.Column}})
	}
	for i, inner := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			continue // a key
		}
		eachText(inner, at, show)
	}
}

// Filled is the value with settings in it. Numbers are sent as they are written.
func (j *JSON) Filled(settings map[string]string) any { return filled(j.node, settings) }

func filled(n *yaml.Node, settings map[string]string) any {
	switch n.Kind {
	case yaml.MappingNode:
		members := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			members[n.Content[i].Value] = filled(n.Content[i+1], settings)
		}
		return members
	case yaml.SequenceNode:
		items := make([]any, len(n.Content))
		for i, inner := range n.Content {
			items[i] = filled(inner, settings)
		}
		return items
	default:
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return json.Number(n.Value)
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!null":
		return nil
	}
	t := Template{Text: n.Value}
	return t.Filled(settings)
}
