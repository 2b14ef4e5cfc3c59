package tevo

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A scalar is a string, number or boolean as text: the samples disagree on which of them a field is. null, "" and an
// absent field are the same. Control characters are dropped: Postgres cannot keep a NUL, and nothing here needs others.
type scalar struct {
	text string
	kind byte // 's'tring, 'n'umber, 'b'oolean, or 'x' for an array or object, which are no scalars
}

// UnmarshalJSONFrom reads one value of any kind. It fails only where the document is not JSON.
func (s *scalar) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	b, err := dec.ReadValue()
	if err == nil {
		s.set(b)
	}
	return err
}

func (s *scalar) set(b []byte) {
	*s = scalar{}
	switch b[0] {
	case 'n':
	case '"':
		text, _ := jsontext.AppendUnquote(nil, b) // what is not UTF-8 becomes U+FFFD, which clean drops
		*s = scalar{clean(string(text)), 's'}
	case 't', 'f':
		*s = scalar{string(b), 'b'}
	case '{', '[':
		s.kind = 'x'
	default:
		*s = scalar{string(b), 'n'}
	}
}

func (s scalar) given() bool { return s.text != "" || s.kind == 'x' }

// word is an enumerated value in lower case.
func (s scalar) word() string { return strings.ToLower(s.text) }

// id is the text if it can be an id in a path, a key or a workflow id, else "".
func (s scalar) id() string {
	if s.kind == 's' && isID(s.text) || s.kind == 'n' && isID(s.text) && strings.Trim(s.text, "0123456789") == "" {
		return s.text
	}
	return ""
}

// isID takes what can stand in a REST path and in a workflow id. Ticket Evolution's ids are integers; a decimal point or
// an exponent would make two ids of one.
func isID(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// A list is an array; null, "" and an absent field are an empty one.
type list[T any] struct {
	all   []T
	wrong bool // it is something else than a list of T
}

// UnmarshalJSONFrom reads the elements in one go: to hand each value on as bytes would scan it once more on every level.
func (l *list[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = list[T]{}
	if dec.PeekKind() != '[' {
		b, err := dec.ReadValue()
		l.wrong = err == nil && b[0] != 'n' && string(b) != `""`
		return err
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	l.all = []T{}
	var wrong bool
	for dec.PeekKind() != ']' {
		var v T
		var err error
		switch any(&v).(type) {
		case json.UnmarshalerFrom, json.Unmarshaler: // of ours: these take whatever comes
			err = json.UnmarshalDecode(dec, &v)
		default: // a struct cannot be read from something else than an object; null is one that says nothing
			switch dec.PeekKind() {
			case '{':
				err = json.UnmarshalDecode(dec, &v)
			case 'n':
				err = dec.SkipValue()
			default:
				wrong, err = true, dec.SkipValue()
			}
		}
		if err != nil {
			return err
		}
		l.all = append(l.all, v)
	}
	_, err := dec.ReadToken()
	if wrong {
		*l = list[T]{wrong: true}
	}
	return err
}

// An object is a JSON object; anything else in its place counts as absent.
type object[T any] struct {
	v     T
	given bool
}

// UnmarshalJSONFrom reads an object, and passes over anything else.
func (o *object[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*o = object[T]{}
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	o.given = true
	return json.UnmarshalDecode(dec, &o.v)
}

// layouts are the ways to write a time. The samples have the first alone; the others are those of the same software
// elsewhere (public: answers of 2012) and of its language's defaults. A time without a zone is taken for UTC.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05-0700",
	"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006/01/02 15:04:05 -0700",
}

// moment reads a time. Years that JSON cannot write, or that can only be a mistake, are not read.
func (s scalar) moment() (time.Time, bool) {
	for _, l := range layouts {
		t, err := time.Parse(l, s.text)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() >= 1970 && t.Year() <= 9999 {
			return t, true
		}
	}
	return time.Time{}, false
}

// day reads a calendar day as UTC midnight. Of a moment it takes the day that is written there, whatever the zone.
func (s scalar) day() (time.Time, bool) {
	head, _, _ := strings.Cut(s.text, "T")
	head, _, _ = strings.Cut(head, " ")
	if t, err := time.Parse(time.DateOnly, head); err == nil && t.Year() >= 1970 {
		return t, true
	}
	return time.Time{}, false
}

// clean drops what is not UTF-8 or not printable, and the blanks around the rest.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
}

// cut shortens s to maxText bytes, between two characters.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
