package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

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

// Parse does the same for bytes in hand, with the environment that env looks up.
func Parse(raw []byte, env func(string) (string, bool)) (Config, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return Config{}, err
	}
	var c Config
	if len(doc.Content) == 0 {
		return c, errors.New("the file is empty")
	}
	root := doc.Content[0]
	var faults []error
	unknown(root, reflect.TypeFor[Config](), "", &faults)
	expand(root, "", env, &faults)
	var types *yaml.TypeError
	if err := root.Decode(&c); errors.As(err, &types) {
		for _, e := range types.Errors {
			faults = append(faults, errors.New(e))
		}
	} else if err != nil {
		faults = append(faults, err)
	}
	if c.Database == "" {
		c.Database, _ = env("DATABASE_URL")
	}
	c.setDefaults()
	faults = append(faults, c.check()...)
	return c, errors.Join(faults...)
}

// unknown reports each key of n that the type t has no field for. yaml's own strict mode stops telling keys by their path,
// and does not reach into nodes.
func unknown(n *yaml.Node, t reflect.Type, path string, faults *[]error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		fields := map[string]reflect.Type{}
		for f := range fieldsOf(t) {
			fields[f.Tag.Get("yaml")] = f.Type
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			ft, ok := fields[key.Value]
			if !ok {
				*faults = append(*faults, fmt.Errorf("line %d: %s: unknown key; known here: %s", key.Line, join(path, key.Value),
					strings.Join(slices.Sorted(maps.Keys(fields)), ", ")))
				continue
			}
			unknown(n.Content[i+1], ft, join(path, key.Value), faults)
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			unknown(n.Content[i+1], t.Elem(), join(path, n.Content[i].Value), faults)
		}
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for i, c := range n.Content {
			unknown(c, t.Elem(), fmt.Sprintf("%s[%d]", path, i), faults)
		}
	}
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

var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand replaces references in every scalar below n. It works on the parsed tree, so that a secret with a colon, a quote
// or a line break in it stays one scalar.
func expand(n *yaml.Node, path string, env func(string) (string, bool), faults *[]error) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			expand(n.Content[i+1], join(path, n.Content[i].Value), env, faults)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			expand(c, fmt.Sprintf("%s[%d]", path, i), env, faults)
		}
	case yaml.ScalarNode:
		if !strings.Contains(n.Value, "${") {
			return
		}
		n.Value = reference.ReplaceAllStringFunc(n.Value, func(ref string) string {
			v, err := lookup(ref[2:len(ref)-1], env)
			if err != nil {
				*faults = append(*faults, fmt.Errorf("line %d: %s: %w", n.Line, path, err))
			}
			return v
		})
		n.Tag = "" // decide anew what it is: a number may come from the environment
	}
}

func lookup(name string, env func(string) (string, bool)) (string, error) {
	if file, ok := strings.CutPrefix(name, "file:"); ok {
		raw, err := os.ReadFile(file)
		return strings.TrimRight(string(raw), "\r\n"), err
	}
	name, fallback, hasFallback := strings.Cut(name, ":-")
	v, ok := env(name)
	if ok && v != "" {
		return v, nil
	}
	if hasFallback {
		return fallback, nil
	}
	return "", fmt.Errorf("the environment variable %s is not set", name)
}
