package tevo

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A scalar is a string, number or boolean as text: the samples disagree on which of them a field is. null, "" and an
// absent field are the same. Control characters are dropped: Postgres cannot keep a NUL, and nothing here needs others.
type scalar struct {
	text string
	kind byte // 's'tring, 'n'umber, 'b'oolean, or 'x' for an array or object, which are no scalars
}

func (s *scalar) UnmarshalJSON(b []byte) error {
	*s = scalar{}
	switch b[0] {
	case 'n':
	case '"':
		var t string
		if err := json.Unmarshal(b, &t); err != nil {
			return err
		}
		*s = scalar{clean(t), 's'}
	case 't', 'f':
		*s = scalar{string(b), 'b'}
	case '{', '[':
		s.kind = 'x'
	default:
		*s = scalar{string(b), 'n'}
	}
	return nil
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

func (l *list[T]) UnmarshalJSON(b []byte) error {
	*l = list[T]{}
	switch {
	case b[0] == '[':
		if err := json.Unmarshal(b, &l.all); err != nil {
			*l = list[T]{wrong: true}
		}
	case b[0] != 'n' && string(b) != `""`:
		l.wrong = true
	}
	return nil
}

// An object is a JSON object; anything else in its place counts as absent.
type object[T any] struct {
	v     T
	given bool
}

func (o *object[T]) UnmarshalJSON(b []byte) error {
	*o = object[T]{}
	if b[0] != '{' {
		return nil
	}
	o.given = true
	return json.Unmarshal(b, &o.v)
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
