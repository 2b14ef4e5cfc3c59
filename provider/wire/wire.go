// Package wire reads JSON whose types drift: a price is a number here and a string there, an object is missing or null. Every
// provider's documents disagree with their samples in this way. It fails only where a document is no JSON at all; whether a
// value is good enough is for whoever needs it. It knows no provider and no field.
package wire

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Scalar is a string, number or boolean as text: the samples disagree on which of them a field is. null, "" and an
// absent field are the same. Control characters are dropped: Postgres cannot keep a NUL, and nothing here needs others.
type Scalar struct {
	Text string
	Kind byte // 's'tring, 'n'umber, 'b'oolean, or 'x' for an array or object, which are no scalars
}

// UnmarshalJSONFrom reads one value of any kind. It fails only where the document is not JSON.
func (s *Scalar) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	b, err := dec.ReadValue()
	if err == nil {
		s.set(b)
	}
	return err
}

func (s *Scalar) set(b []byte) {
	*s = Scalar{}
	switch b[0] {
	case 'n':
	case '"':
		text, _ := jsontext.AppendUnquote(nil, b) // what is not UTF-8 becomes U+FFFD, which clean drops
		*s = Scalar{Clean(string(text)), 's'}
	case 't', 'f':
		*s = Scalar{string(b), 'b'}
	case '{', '[':
		s.Kind = 'x'
	default:
		*s = Scalar{string(b), 'n'}
	}
}

// Given reports whether anything is there.
func (s Scalar) Given() bool { return s.Text != "" || s.Kind == 'x' }

// Word is an enumerated value in lower case.
func (s Scalar) Word() string { return strings.ToLower(s.Text) }

// ID is the text if it can be an id in a path, a key or a workflow id, else "".
func (s Scalar) ID() string {
	if s.Kind == 's' && IsID(s.Text) || s.Kind == 'n' && IsID(s.Text) && strings.Trim(s.Text, "0123456789") == "" {
		return s.Text
	}
	return ""
}

// IsID takes what can stand in a REST path and in a workflow id. A number with a decimal point
// or an exponent is none: it would make two ids of one.
func IsID(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= MaxID
}

// A List is an array; null, "" and an absent field are an empty one.
type List[T any] struct {
	All   []T
	Wrong bool // it is something else than a list of T
}

// UnmarshalJSONFrom reads the elements in one go: to hand each value on as bytes would scan it once more on every level.
func (l *List[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = List[T]{}
	if dec.PeekKind() != '[' {
		b, err := dec.ReadValue()
		l.Wrong = err == nil && b[0] != 'n' && string(b) != `""`
		return err
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	l.All = []T{}
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
		l.All = append(l.All, v)
	}
	_, err := dec.ReadToken()
	if wrong {
		*l = List[T]{Wrong: true}
	}
	return err
}

// An Object is a JSON object; anything else in its place counts as absent.
type Object[T any] struct {
	V     T
	Given bool
}

// UnmarshalJSONFrom reads an object, and passes over anything else.
func (o *Object[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*o = Object[T]{}
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	o.Given = true
	return json.UnmarshalDecode(dec, &o.V)
}

// Limits of what is taken for true. They are far beyond anything real and keep a broken document from swelling an order that
// lies in Postgres and travels through workflow histories.
const (
	MaxID       = 64     // bytes of an id
	MaxText     = 256    // bytes of a name, section, row or seat
	MaxQuantity = 10_000 // tickets of one line
)

// Count reads a quantity from 1 to [MaxQuantity]; "2" and 2.0 are two.
func (s Scalar) Count() (int, bool) {
	whole, frac, _ := strings.Cut(s.Text, ".")
	if strings.Trim(frac, "0") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(whole)
	return n, err == nil && n >= 1 && n <= MaxQuantity
}

// layouts are the ways to write a time. Ticket Evolution's samples have the first alone; the others are those of
// its software elsewhere (public: answers of 2012) and of its language's defaults. A time without a zone is taken for UTC.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05-0700",
	"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006/01/02 15:04:05 -0700",
}

// Moment reads a time. Years that JSON cannot write, or that can only be a mistake, are not read.
func (s Scalar) Moment() (time.Time, bool) {
	for _, l := range layouts {
		t, err := time.Parse(l, s.Text)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() >= 1970 && t.Year() <= 9999 {
			return t, true
		}
	}
	return time.Time{}, false
}

// Day reads a calendar day as UTC midnight. Of a moment it takes the day that is written there, whatever the zone.
func (s Scalar) Day() (time.Time, bool) {
	head, _, _ := strings.Cut(s.Text, "T")
	head, _, _ = strings.Cut(head, " ")
	if t, err := time.Parse(time.DateOnly, head); err == nil && t.Year() >= 1970 {
		return t, true
	}
	return time.Time{}, false
}

// Clean drops what is not UTF-8 or not printable, and the blanks around the rest.
func Clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, s))
}

// Cut shortens s to MaxText bytes, between two characters.
func Cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
