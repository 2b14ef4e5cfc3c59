// Package tixstock speaks Tixstock's webhooks as the reseller that sold to the customer: it proves them, decodes them, and
// builds the answers, which are more than a receipt: Tixstock sets the order's status to what we answer. It owns every field
// name of that provider. It decides nothing about orders, keeps no state, and never lets a ticket, a link or buyer data into an
// order.Event or an error.
//
// The order is one of ours: its invoice stands in the POS under the order_id that the webhooks bear, before a broker at
// Tixstock uploads the first ticket.
//
// There is no client. The pages that we have give paths of calls (order/add, order/update, tickets/hold) but no verbs, and
// none by which an order could be read. What has to be told to Tixstock is told in answers.
//
// Sources: "Order Ticket Fulfilment Webhooks" of Tixstock's reseller API, called the document here. What is said to be public
// comes from other pages of the same site ("Order Update Webhook", "Hold Ticket Webhook" and so on) and of its partner API;
// what is seen in the open comes from other resellers' programs; what is called an assumption stands nowhere.
package tixstock

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/provider"
	"willcall/provider/wire"
)

// message is the outer shape of every webhook. (the document, Example Requests)
type message struct {
	Data wire.Object[data] `json:"data"`
	Meta wire.Object[meta] `json:"meta"`
}

type meta struct {
	Type wire.Scalar `json:"type"`
}

// data is whatever the field data may hold. The customers of order.update are not here, so that they cannot leak, nor are
// quantities of holds: without an id on a webhook they cannot be added up. The listing_id of each item there repeats what is
// known.
type data struct {
	// ID is the listing in a fulfilment, the order in order.update, the event in event.update and event.cancel, and in the
	// partner API's holds the listing again.
	ID         wire.Scalar `json:"id"`
	OrderID    wire.Scalar `json:"order_id"`
	ExternalID wire.Scalar `json:"external_id"` // the listing in holds; what it would be in order.update no page says
	ListingID  wire.Scalar `json:"listing_id"`
	BrokerID   wire.Scalar `json:"broker_id"`

	GeneralAdmission wire.Scalar `json:"general_admission"`
	Row              wire.Scalar `json:"row"`
	Seat             wire.Scalar `json:"seat"`
	File             blob        `json:"file"`
	AdditionalFile   blob        `json:"additional_file"` // instructions for the customer; in no document, seen in the open
	Proofs           links       `json:"proof_file_url"`

	Status      wire.Scalar `json:"status"`
	OrderStatus wire.Scalar `json:"order_status"`

	Name     wire.Scalar `json:"name"`
	Datetime wire.Scalar `json:"datetime"`
}

// parse reads a body. Its errors carry nothing of the document; what was read before an error is in m.
func parse(body []byte) (m message, err error) {
	head := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(head) == 0:
		return m, provider.Malformed("body", "it is missing")
	case head[0] != '{':
		return m, provider.Malformed("body", "want a JSON object")
	}
	if json.Unmarshal(body, &m, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) != nil {
		return m, provider.Malformed("body", "it is not JSON")
	}
	return m, nil
}

// typ is meta.type as operators and metrics see it.
func (m *message) typ() string { return wire.Cut(m.Meta.V.Type.Text) }

// A blob is a value that is too large to copy: only where it lies in the body is kept.
type blob struct {
	kind     byte // the value's first character, 0 where there is none
	from, to int  // the value, with its quotes
}

// UnmarshalJSONFrom passes over one value of any kind.
func (b *blob) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err == nil {
		end := int(dec.InputOffset())
		*b = blob{v[0], end - len(v), end}
	}
	return err
}

// text is what lies between the quotes, with JSON's escapes, and whether anything is given at all. Something other than text
// is given, too, and has none.
func (b blob) text(body []byte) (text []byte, given bool) {
	switch b.kind {
	case 0, 'n':
		return nil, false
	case '"':
		text = bytes.Trim(body[b.from+1:b.to-1], " ")
		return text, len(text) > 0
	}
	return nil, true
}

// links are URLs. Seen as a list by the document, they are taken from a single text as well, and from an object, which is what
// PHP makes of a list with a gap.
type links []string

// UnmarshalJSONFrom takes texts from wherever they are one level down.
func (l *links) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = nil
	add := func() error {
		var s wire.Scalar
		if err := s.UnmarshalJSONFrom(dec); err != nil {
			return err
		}
		if s.Kind == 's' {
			*l = append(*l, s.Text)
		}
		return nil
	}
	kind := dec.PeekKind()
	if kind != '[' && kind != '{' {
		return add()
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for k := dec.PeekKind(); k != ']' && k != '}'; k = dec.PeekKind() {
		if kind == '{' {
			if _, err := dec.ReadToken(); err != nil {
				return err
			}
		}
		if err := add(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// maxURL is the longest URL that browsers and servers can be trusted with.
const maxURL = 4096

// valid are the links that can be opened, sorted and each once: Tixstock may send them again in another order.
func (l links) valid() []string {
	var all []string
	for _, s := range l {
		if u, err := url.Parse(s); err == nil && len(s) <= maxURL && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			all = append(all, s)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// truth reads a Boolean as it comes: the document has 1 and 0, order.update "false".
func truth(s wire.Scalar) bool {
	w := s.Word()
	return w == "true" || w == "1"
}

// Why a ticket cannot be used. These texts reach the order's timeline, and so quote nothing.
const (
	noFile     = "the file is missing"
	noTicket   = "neither a file nor a proof came"
	notBase64  = "the file is not base64"
	tooLarge   = "the file is too large"
	notPDF     = "the file is not a PDF"
	unfinished = "the PDF is not complete"
)

// sextets is the value of a character of base64, in the usual alphabet or that of URLs; bad for any other byte.
var sextets = func() (t [256]uint8) {
	for i := range t {
		t[i] = bad
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = uint8(i)
	}
	t['-'], t['_'] = t['+'], t['/']
	return t
}()

const bad = 0x80

// unpack decodes base64 out of a JSON string in one pass and into one buffer, which is never larger than limit allows: a
// ticket may be of many megabytes, and PHP escapes every slash in it. Padding may be absent, and blanks may be anywhere. The
// second result is why it cannot be done, or "".
func unpack(text []byte, limit int) ([]byte, string) {
	text = withoutPrefix(text)
	out := make([]byte, 0, min(len(text)/4*3+3, limit+3))
	var acc uint32 // characters that do not make three bytes yet
	n, pads := 0, 0
	for i := 0; i < len(text); {
		for n == 0 && pads == 0 && i+4 <= len(text) {
			a, b, c, d := sextets[text[i]], sextets[text[i+1]], sextets[text[i+2]], sextets[text[i+3]]
			if (a|b|c|d)&bad != 0 {
				break
			}
			out = append(out, a<<2|b>>4, b<<4|c>>2, c<<6|d)
			if len(out) > limit {
				return nil, tooLarge
			}
			i += 4
		}
		if i == len(text) {
			break
		}
		c, size := unescape(text[i:])
		i += size
		switch v := sextets[c]; {
		case c == ' ':
		case c == '=' && n >= 2 && pads < 2:
			pads++
		case v == bad || pads > 0:
			return nil, notBase64
		default:
			acc, n = acc<<6|uint32(v), n+1
			if n == 4 {
				out, acc, n = append(out, byte(acc>>16), byte(acc>>8), byte(acc)), 0, 0
			}
		}
		if len(out) > limit {
			return nil, tooLarge
		}
	}
	switch n {
	case 1:
		return nil, notBase64
	case 2:
		out = append(out, byte(acc>>4))
	case 3:
		out = append(out, byte(acc>>10), byte(acc>>2))
	}
	if len(out) > limit {
		return nil, tooLarge
	}
	return out, ""
}

// withoutPrefix drops the head of a data URI.
func withoutPrefix(text []byte) []byte {
	const longest = 256
	if len(text) < 5 || !bytes.EqualFold(text[:5], []byte("data:")) {
		return text
	}
	if i := bytes.IndexByte(text[:min(len(text), longest)], ','); i >= 0 {
		return text[i+1:]
	}
	return text
}

// unescape is the first character of a JSON string's inside and the number of its bytes. White space of all kinds is ' ', and
// whatever base64 has no use for is 0.
func unescape(text []byte) (c byte, size int) {
	if text[0] != '\\' {
		return text[0], 1
	}
	if len(text) < 2 {
		return 0, 1
	}
	switch text[1] {
	case '/':
		return '/', 2
	case 'n', 'r', 't':
		return ' ', 2
	case 'u': // some encoders write "+" as \u002b
		if len(text) < 6 {
			return 0, len(text)
		}
		v, err := strconv.ParseUint(string(text[2:6]), 16, 16)
		switch {
		case err != nil || v > '~':
			return 0, 6
		case v == '\n', v == '\r', v == '\t':
			return ' ', 6
		}
		return byte(v), 6
	}
	return 0, 2
}

// Where readers of PDFs look for its head and its end.
const (
	headWindow = 1024
	tailWindow = 4096
)

// faultOfPDF is why b cannot be a PDF that somebody can open, or "". It looks at both ends only: the head in the first bytes,
// after which rubbish is allowed, and an end in the last ones, without which an upload broke off. A linearized PDF has a
// trailer near its head as well; that is no end.
func faultOfPDF(b []byte) string {
	if !bytes.Contains(b[:min(len(b), headWindow)], []byte("%PDF-")) {
		return notPDF
	}
	tail := bytes.TrimRight(b, "\x00 \t\r\n")
	tail = tail[max(0, len(tail)-tailWindow):]
	for _, end := range []string{"%%EOF", "startxref", "trailer"} {
		if bytes.Contains(tail, []byte(end)) {
			return ""
		}
	}
	return unfinished
}

// pictureOrPDF is the media type of what may come as an additional file, or "".
func pictureOrPDF(b []byte) string {
	if faultOfPDF(b) == "" {
		return "application/pdf"
	}
	switch t := http.DetectContentType(b); t {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return t
	}
	return ""
}

// squeezed is text in the one spelling under which it is compared: Tixstock's brokers type rows and seats by hand.
func squeezed(s wire.Scalar) string {
	return strings.ToUpper(strings.Join(strings.Fields(s.Text), " "))
}
