package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Load reads and checks the file. The error joins every fault that was found.
func Load(path string) (Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w (name the file with -config or WILLCALL_CONFIG)", err)
	}
	c, err := Parse(raw, os.LookupEnv)
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s:\n%w", path, err)
	}
	return c, nil
}

// Parse does the same for bytes in hand, with the environment that env looks up. A fault names its key and never quotes a
// value, since any value may be a secret. Faults come in the order of the file, then those of check.
func Parse(raw []byte, env func(string) (string, bool)) (Config, error) {
	var c Config
	root, err := document(raw)
	if err != nil {
		return c, err
	}
	r := reader{env: env, expanded: map[*yaml.Node]bool{}, keys: map[string]bool{}}
	r.walk(root, reflect.TypeFor[Config](), "")
	if err := root.Decode(&c); err != nil {
		return c, errors.Join(append(r.faults, err)...) // nothing that the walk lets pass is known to come here
	}
	if c.Database == "" {
		c.Database, _ = env("DATABASE_URL")
	}
	c.setDefaults()
	for _, f := range c.check() {
		if !r.explains(f.key) {
			r.faults = append(r.faults, f)
		}
	}
	return c, errors.Join(r.faults...)
}

// document is the one document of the file.
func document(raw []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && doc.Content[0].ShortTag() == "!!null":
		return nil, errors.New("the file is empty")
	case err != nil:
		return nil, err
	case doc.Content[0].Kind != yaml.MappingNode:
		return nil, errors.New("the file is not a list of keys and values")
	}
	if d.Decode(&second) != io.EOF {
		return nil, fmt.Errorf("line %d: the file holds a second document; nobody would read it", second.Line)
	}
	return doc.Content[0], nil
}

// fault is something wrong with a key.
type fault struct {
	key, text string
	line      int // 0 where the key is missing
}

func (f fault) Error() string {
	if f.line == 0 {
		return f.key + ": " + f.text
	}
	return fmt.Sprintf("line %d: %s: %s", f.line, f.key, f.text)
}

// reader goes through a parsed file, expands its references and finds what does not fit the type of the configuration.
// yaml's own strict mode names no path, quotes values, and does not reach into nodes.
type reader struct {
	env      func(string) (string, bool)
	expanded map[*yaml.Node]bool
	keys     map[string]bool // that have a fault
	faults   []error
}

func (r *reader) fault(n *yaml.Node, key, text string) {
	r.keys[key] = true
	r.faults = append(r.faults, fault{key: key, text: text, line: n.Line})
}

// explains reports whether a fault of the key follows from one that is reported already: of itself, of what it is part of,
// or of what a list lacks now.
func (r *reader) explains(key string) bool {
	for k := range r.keys {
		if k == key || strings.HasPrefix(key, k+".") || strings.HasPrefix(key, k+"[") || strings.HasPrefix(k, key+"[") {
			return true
		}
	}
	return false
}

// walk leaves in the tree what fits: what does not is reported and taken out, so that the rest can be decoded and checked.
func (r *reader) walk(n *yaml.Node, t reflect.Type, path string) {
	if text := r.fit(n, t, path); text != "" {
		r.fault(n, path, text)
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
}

// fit says what is wrong with n itself; what is wrong below it is reported on the way.
func (r *reader) fit(n *yaml.Node, t reflect.Type, path string) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode {
		if !r.expanded[n] { // an alias brings us here again
			r.expanded[n] = true
			if err := expand(n, r.env); err != nil {
				return err.Error()
			}
		}
		if n.ShortTag() == "!!null" {
			return "" // the key stands there without a value: its default
		}
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		if n.Kind != yaml.MappingNode {
			return "want keys below it"
		}
		r.mapping(n, t, path)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return "want a list like [a, b]"
		}
		for i, c := range n.Content {
			r.walk(c, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		if n.Decode(reflect.New(t).Interface()) != nil {
			return "want " + wanted(t)
		}
	}
	return ""
}

func (r *reader) mapping(n *yaml.Node, t reflect.Type, path string) {
	fields := map[string]reflect.Type{}
	if t.Kind() == reflect.Struct {
		for f := range fieldsOf(t) {
			fields[f.Tag.Get("yaml")] = f.Type
		}
	}
	lines := map[string]int{}
	var fitting []*yaml.Node
	for pair := range slices.Chunk(n.Content, 2) {
		key, value := pair[0], pair[1]
		name := join(path, key.Value)
		ft, known := fields[key.Value]
		if t.Kind() == reflect.Map {
			ft, known = t.Elem(), true
		}
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" || key.ShortTag() == "!!null":
			r.fault(key, cmp.Or(path, "the file"), "a key is not a plain word")
			continue
		case lines[key.Value] != 0:
			r.fault(key, name, fmt.Sprintf("stands on line %d already", lines[key.Value]))
			continue
		case !known:
			r.fault(key, name, "unknown key; known here: "+strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
			continue
		}
		lines[key.Value] = key.Line
		r.walk(value, ft, name)
		fitting = append(fitting, key, value)
	}
	n.Content = fitting
}

// wanted says what a value of the type looks like.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration like 30s"
	case reflect.TypeFor[Bytes]():
		return "a size like 8MB"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	}
	return "a single value"
}

func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if !yield(t.Field(i)) {
				return
			}
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

var (
	reference = regexp.MustCompile(`\$\{([^}]*)\}`)
	variable  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// errReference quotes nothing: what looks like a reference may be a piece of a secret that somebody wrote into the file.
var errReference = errors.New("a reference is written ${NAME}, ${NAME:-default} or ${file:/path}, one inside another is not read")

// expand replaces references in a scalar. It works on the parsed tree, so that a secret with a colon, a quote or a line
// break in it stays one scalar, and what comes in is not read for references again.
func expand(n *yaml.Node, env func(string) (string, bool)) error {
	if !strings.Contains(n.Value, "${") {
		return nil
	}
	if strings.Contains(reference.ReplaceAllLiteralString(n.Value, ""), "${") {
		return errReference
	}
	var faults []error
	n.Value = reference.ReplaceAllStringFunc(n.Value, func(ref string) string {
		v, err := lookup(ref[2:len(ref)-1], env)
		if err != nil {
			faults = append(faults, err)
		}
		return v
	})
	n.Tag, n.Style = "", 0 // decide anew what it is: a number may come from the environment
	if n.ShortTag() == "!!null" && n.Value != "" {
		n.Tag = "!!str" // a secret may be spelled null or ~
	}
	return errors.Join(faults...)
}

func lookup(name string, env func(string) (string, bool)) (string, error) {
	if file, ok := strings.CutPrefix(name, "file:"); ok {
		raw, err := os.ReadFile(file)
		return strings.TrimRight(string(raw), "\r\n"), err
	}
	name, fallback, hasFallback := strings.Cut(name, ":-")
	if !variable.MatchString(name) || strings.Contains(fallback, "${") {
		return "", errReference
	}
	if v, _ := env(name); v != "" {
		return v, nil
	}
	if hasFallback {
		return fallback, nil
	}
	return "", fmt.Errorf("the environment variable %s is not set", name)
}
