package declared

import (
	"errors"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"accountgateway/internal/config"
)

// Text is a text of the file.
type Text struct {
	Text string
	At   Position
}

// Template is a text in which ${NAME} stands for a setting. Numbers and booleans are taken as they are written.
type Template struct {
	Text string
	At   Position
}

// JSON is a value that is sent as JSON; its texts are templates.
type JSON struct {
	node *yaml.Node
	at   Position
}

// Map is a mapping in the order of the file.
type Map[T any] []Entry[T]

// Entry is one member of a mapping.
type Entry[T any] struct {
	Key   Text
	Value T
}

func (Map[T]) isMap() {}

// decoder reads YAML into the types of a file, strictly, and gathers all faults.
type decoder struct {
	file   string
	faults Faults
}

// maxFile is how long a file may be, in bytes.
const maxFile = 256 << 10

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// yamlHints say what is mostly meant by the messages of the YAML library.
var yamlHints = map[string]string{
	"did not find expected ',' or": `inside {…} and […] a text with one of , [ ] { } # or ": " needs quotes`,
	"did not find expected key":    "in what begins here a line is indented otherwise than those before, or a quote is not closed",
	"mapping values are not":       `a text with ": " needs quotes`,
	"found character that cannot":  "a text that begins with @, % or ` needs quotes, and tabs can't indent",
}

// document reads the one document of a file; nil if it can't.
func (d *decoder) document(text []byte) *yaml.Node {
	start := Position{File: d.file, Line: 1, Column: 1}
	if len(text) > maxFile {
		d.faults.add(start, "the file is larger than %d bytes", maxFile)
		return nil
	}
	in := yaml.NewDecoder(strings.NewReader(string(text)))
	var doc, second yaml.Node
	err := in.Decode(&doc)
	if err == nil {
		if more := in.Decode(&second); more == nil {
			d.faults.add(d.at(&second), "a second document; a file must have only one vendor")
		} else if !errors.Is(more, io.EOF) {
			err = more
		}
	}
	if errors.Is(err, io.EOF) {
		d.faults.add(start, "the file is empty")
		return nil
	}
	if err != nil {
		part := yamlLine.FindStringSubmatch(err.Error())
		at, message := start, "not valid YAML"
		if part != nil {
			at.Line, _ = strconv.Atoi(part[1])
			if strings.HasPrefix(part[2], "did not find expected") { // these count from 0
				at.Line++
			}
			at.Line, message = max(at.Line, 1), message+": "+part[2]
			for problem, hint := range yamlHints {
				if strings.HasPrefix(part[2], problem) {
					message += ": " + hint
				}
			}
		}
		d.faults.add(at, "%s", message)
		return nil
	}
	return doc.Content[0]
}

func (d *decoder) at(n *yaml.Node) Position {
	return Position{File: d.file, Line: n.Line, Column: n.Column}
}

// kinds are the types of YAML in words.
var kinds = map[string]string{
	"!!str": "a text", "!!int": "a number", "!!float": "a number", "!!bool": "true or false", "!!null": "nothing", "!!map": "a mapping", "!!seq": "a list", "!!timestamp": "a date",
}

func describe(n *yaml.Node) string {
	if words := kinds[n.ShortTag()]; words != "" {
		return words
	}
	return "a value of the type " + n.ShortTag()
}

// value reads a node into v. path is its name in the file.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.faults.add(d.at(n), "%s: anchors and aliases are not part of the format: write it out", path)
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
		return
	}
	wrong := func(want string) { d.faults.add(d.at(n), "%s is %s; must be %s", path, describe(n), want) }
	scalar := n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null"
	switch into := v.Addr().Interface().(type) {
	case *Text:
		into.At = d.at(n)
		switch {
		case !scalar:
			wrong("a text")
		case n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp":
			wrong(`a text, in quotes: "` + n.Value + `"`)
		case strings.TrimSpace(n.Value) == "":
			d.faults.add(d.at(n), "%s is empty", path)
		default:
			into.Text = n.Value
		}
	case *Template:
		into.At = d.at(n)
		if into.Text = n.Value; !scalar {
			wrong("a text")
		}
	case *Expr:
		into.At, into.Name = inside(n, d.at(n)), path
		if into.Source = n.Value; !scalar {
			wrong("an expression")
		}
	case *JSON:
		into.node, into.at = n, d.at(n)
		d.json(n, path)
	case *bool:
		if n.ShortTag() != "!!bool" {
			wrong("true or false")
			return
		}
		*into = n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
	case *int64:
		number, err := strconv.ParseInt(n.Value, 10, 64)
		if n.ShortTag() != "!!int" || err != nil {
			wrong("a whole number")
			return
		}
		*into = number
	case interface{ isMap() }:
		d.mapping(n, v, path)
	default:
		if v.Kind() == reflect.Slice {
			d.list(n, v, path)
			return
		}
		d.structure(n, v, path)
	}
}

// inside is where the text of a scalar begins.
func inside(n *yaml.Node, at Position) Position {
	switch n.Style {
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		at.Column++
	case yaml.LiteralStyle, yaml.FoldedStyle:
		at.Line, at.Column = at.Line+1, 1
	default:
	}
	return at
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.faults.add(d.at(n), "%s is %s: must be a list", path, describe(n))
		return
	}
	for i, item := range n.Content {
		one := reflect.New(v.Type().Elem()).Elem()
		d.value(item, one, path+"["+strconv.Itoa(i)+"]")
		v.Set(reflect.Append(v, one))
	}
}

// members shows the members of a mapping, each key once.
func (d *decoder) members(n *yaml.Node, path string, show func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.faults.add(d.at(n), "%s is %s; must be a mapping", path, describe(n))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			d.faults.add(d.at(key), "%s has a key that is not a string", path)
			continue
		case seen[key.Value]:
			d.faults.add(d.at(key), "%s is there twice", join(path, key.Value))
			continue
		}
		seen[key.Value] = true
		show(key, n.Content[i+1])
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	d.members(n, path, func(key, value *yaml.Node) {
		entry := reflect.New(v.Type().Elem()).Elem()
		entry.Field(0).Set(reflect.ValueOf(Text{Text: key.Value, At: d.at(key)}))
		d.value(value, entry.Field(1), join(path, key.Value))
		v.Set(reflect.Append(v, entry))
	})
}

// structure reads a mapping with known keys. One that has a field with the option short may be written as that field
// alone. A field At gets the place of the whole.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	if at := v.FieldByName("At"); at.IsValid() {
		at.Set(reflect.ValueOf(d.at(n)))
	}
	if fields.short != "" && n.Kind == yaml.ScalarNode {
		d.value(n, v.Field(fields.named[fields.short].index), path)
		return
	}
	found := map[string]bool{}
	d.members(n, path, func(key, value *yaml.Node) {
		f, known := fields.named[key.Value]
		if !known {
			d.faults.add(d.at(key), "%s is an unknown key%s", join(path, key.Value), meant(key.Value, fields.names))
			found[config.Near(key.Value, fields.names)] = true // that it is missing is no second mistake
			return
		}
		found[key.Value] = true
		d.value(value, v.Field(f.index), join(path, key.Value))
		if text, ok := v.Field(f.index).Interface().(Text); ok && f.oneOf != nil && text.Text != "" && !slices.Contains(f.oneOf, text.Text) {
			d.faults.add(text.At, "%s is %q; must be one of %s", join(path, key.Value), text.Text, strings.Join(f.oneOf, ", "))
		}
	})
	if n.Kind != yaml.MappingNode {
		return
	}
	for _, name := range fields.names {
		if fields.named[name].required && !found[name] {
			d.faults.add(d.at(n), "%s is missing", join(path, name))
		}
	}
}

// json checks a value that is sent as JSON.
func (d *decoder) json(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.MappingNode:
		d.members(n, path, func(key, value *yaml.Node) { d.json(value, join(path, key.Value)) })
	case yaml.SequenceNode:
		for i, item := range n.Content {
			d.json(item, path+"["+strconv.Itoa(i)+"]")
		}
	case yaml.ScalarNode:
		if number := n.ShortTag() == "!!int" || n.ShortTag() == "!!float"; number && !jsonNumber.MatchString(n.Value) {
			d.faults.add(d.at(n), "%s is not a JSON number: put it in quotes if it is a string", path)
		}
	default:
		d.faults.add(d.at(n), "%s: anchors and aliases are not part of the format: write it out", path)
	}
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// field is how a field of a struct is written in a file: by its tags yaml:"name,required,short" and oneof:"a|b".
type field struct {
	index    int
	required bool
	oneOf    []string
}

// fields are those of a struct that may be in a file.
type fields struct {
	named map[string]field
	names []string // in the order of the struct
	short string   // the one that may stand for the whole; "" if there is none
}

// shapes has the fields of each type: a file has many values of few types.
var shapes sync.Map

func fieldsOf(t reflect.Type) *fields {
	if known, ok := shapes.Load(t); ok {
		return known.(*fields) //nolint:forcetypeassert // put there below
	}
	all := &fields{named: map[string]field{}}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == "" {
			continue
		}
		f := field{index: i, required: strings.Contains(options, "required")}
		if list := t.Field(i).Tag.Get("oneof"); list != "" {
			f.oneOf = strings.Split(list, "|")
		}
		if strings.Contains(options, "short") {
			all.short = name
		}
		all.named[name], all.names = f, append(all.names, name)
	}
	shapes.Store(t, all)
	return all
}

// meant names the known name that was probably meant, or all of them.
func meant(name string, known []string) string {
	if near := config.Near(name, known); near != "" {
		return ": did you mean " + near + "?"
	}
	return "; must be one of " + strings.Join(known, ", ")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
