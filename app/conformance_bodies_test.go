package app

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// canary stands in everything that a sender may write and that nobody else may read.
const canary = "canary-of-a-sender"

// A spoilt is an authentic webhook that is not as it should be.
type spoilt struct {
	what string
	path string // of the field that was changed, if it is one
	with string // what stands there now
	body []byte
}

func (s spoilt) String() string {
	if s.path == "" {
		return s.what
	}
	return s.path + " = " + s.with
}

// absent takes a field out.
const absent = "(absent)"

// values are what no field is meant to be.
var values = []string{
	"null", absent, "[]", "{}", "true", `""`, `"` + strings.Repeat(canary+" ", 10_000/len(canary+" ")) + `"`, `[null]`, `[{}]`,
	"1e400", "1" + strings.Repeat("0", 40), "-0", "1e-400",
}

// fewValues do for the samples after the first, which have much in common with it.
var fewValues = []string{"null", absent, "[]", "{}", values[6]}

// fields spoils one field after the other. Of a list the first element must do.
func fields(s sender, body []byte, values []string) iter.Seq[spoilt] {
	return func(yield func(spoilt) bool) {
		doc := s.open(body)
		var walk func(v any, path string) bool
		spoil := func(path string, old any, set func(any), remove func()) bool {
			for _, with := range values {
				if with == absent && remove == nil {
					continue
				}
				if with == absent {
					remove()
				} else {
					set(json.RawMessage(with))
				}
				if !yield(spoilt{path: path, with: with, body: s.seal(doc)}) {
					return false
				}
			}
			set(old)
			return walk(old, path)
		}
		walk = func(v any, path string) bool {
			switch v := v.(type) {
			case map[string]any:
				for _, k := range slices.Sorted(maps.Keys(v)) {
					if !spoil(strings.TrimPrefix(path+"."+k, "."), v[k], func(x any) { v[k] = x }, func() { delete(v, k) }) {
						return false
					}
				}
			case []any:
				for i := range min(len(v), 1) {
					if !spoil(path+"."+strconv.Itoa(i), v[i], func(x any) { v[i] = x }, nil) {
						return false
					}
				}
			}
			return true
		}
		walk(doc, "")
	}
}

// all spoils every field at once.
func all(s sender, body []byte) (out []spoilt) {
	for _, c := range []struct {
		what string
		is   func(any) bool
		with any
	}{
		{"every text is null", func(v any) bool { _, ok := v.(string); return ok }, nil},
		{"every text is empty", func(v any) bool { _, ok := v.(string); return ok }, ""},
		{"every number is null", func(v any) bool { _, ok := v.(json.Number); return ok }, nil},
		{"every number is huge", func(v any) bool { _, ok := v.(json.Number); return ok }, json.RawMessage("1e400")},
		{"every value is null", isValue, nil},
		{"every value is a list", isValue, []any{}},
		{"every value is an object", isValue, map[string]any{}},
		{"every value is true", isValue, true},
		{"every list is null", func(v any) bool { _, ok := v.([]any); return ok }, nil},
		{"every list is an object", func(v any) bool { _, ok := v.([]any); return ok }, map[string]any{}},
	} {
		var replace func(any) any
		replace = func(v any) any {
			if c.is(v) {
				return c.with
			}
			switch v := v.(type) {
			case map[string]any:
				for k := range v {
					v[k] = replace(v[k])
				}
			case []any:
				for i := range v {
					v[i] = replace(v[i])
				}
			}
			return v
		}
		out = append(out, spoilt{what: c.what, body: s.seal(replace(s.open(body)))})
	}
	return out
}

func isValue(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// texts are webhooks that nobody has made with care.
func texts(s sender, good []byte) (out []spoilt) {
	const deep = 100_000
	json := s.inner(good)
	middle := len(json) / 2
	inside := func(what string, text []byte) { out = append(out, spoilt{what: what, body: s.wrap(text)}) }
	whole := func(what string, body []byte) {
		out = append(out, spoilt{what: what + ", as the whole body", body: body})
	}
	for _, add := range []func(string, []byte){inside, whole} {
		add("empty", nil)
		for _, text := range []string{" \r\n\t", "\ufeff", "null", "true", "0", "-0", "1e400", `""`, `"text"`, "[]", "[{}]", "{}", "{", "}", "{]", `{"`, `{"a"`, `{"a":`,
			"nonsense", "<xml/>", "a=b&c=d", "%", "%zz", "&&&", "=;=", "\x00", "{}{}", "// {}", `{"\ud800":"\udfff"}`, `{"":{"":""}}`} {
			add("text "+strconv.Quote(text), []byte(text))
		}
		add("not UTF-8", []byte{0xff, 0xfe, 0xfd, 0x80})
		add("a list of itself", slices.Concat([]byte("["), json, []byte("]")))
		add("brackets that never close", []byte(strings.Repeat("[", deep)))
		add("brackets that close", []byte(strings.Repeat("[", deep)+strings.Repeat("]", deep)))
		add("objects that never close", []byte(strings.Repeat(`{"a":`, deep/5)))
	}
	inside("deep in a field of its own", slices.Concat(json[:len(json)-1], []byte(`,"deep":`+strings.Repeat("[", deep)+strings.Repeat("]", deep)+"}")))
	inside("as deep as is read", slices.Concat(json[:len(json)-1], []byte(`,"deep":`+strings.Repeat("[", 9_000)+strings.Repeat("]", 9_000)+"}")))
	inside("twice", slices.Concat(json, json))
	inside("every name twice", slices.Concat(json[:len(json)-1], []byte(","), json[1:]))
	inside("every name twice, then null", slices.Concat(json[:len(json)-1], []byte(`,"data":null,"meta":null,"Payload":null,"state":null}`)))
	inside("cut off in the middle", json[:middle])
	inside("cut off before the end", json[:len(json)-1])
	inside("with more behind it", append(bytes.Clone(json), `,"`...))
	inside("with a byte order mark", append([]byte("\ufeff"), json...))
	for what, insert := range map[string]string{"bytes that are no UTF-8": "\xff\xc3\x28", "a zero byte": "\x00", "an escaped zero byte": `\u0000`, "half a surrogate": `\ud800`,
		"a line break": "\n", "something to reverse text": "\u202e"} {
		inside("with "+what+" in the middle", slices.Concat(json[:middle], []byte(insert), json[middle:]))
		inside("with "+what+" in every text", bytes.ReplaceAll(json, []byte(`":"`), []byte(`":"`+insert)))
		inside("with "+what+" in every name", bytes.ReplaceAll(json, []byte(`,"`), []byte(`,"`+insert)))
	}
	whole("twice", slices.Concat(good, good))
	whole("twice, as fields of a form", slices.Concat(good, []byte("&"), good))
	whole("cut off in the middle", good[:len(good)/2])
	whole("with bytes that are no UTF-8 behind it", append(bytes.Clone(good), 0xff, 0xfe))
	return out
}

// distinct leaves out what is the same to the byte.
func distinct(all []spoilt) []spoilt {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(s spoilt) bool {
		was := seen[string(s.body)]
		seen[string(s.body)] = true
		return was
	})
}
