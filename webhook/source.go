package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"willcall/order"
	"willcall/postgres"
	"willcall/provider"
	"willcall/workflows"
)

// DefaultMaxBody is the size limit of a source that sets none. Tixstock sends tickets as base64 in the body, so it is
// generous.
const DefaultMaxBody = 8 << 20

// Source is one configured sender: its path is /webhooks/<Name>.
type Source struct {
	Name         string   // unique
	Kind         string   // the provider: "tevo", or the kind of the POS
	POS          bool     // it is a POS: the orders that it has news of are other sources', and it names them by its own records
	ContentTypes []string // media types that are taken, without parameters; none: all are
	MaxBody      int64    // bytes; 0: [DefaultMaxBody]

	// VerifyOff says that Verify lets everything pass, so that the metrics can show it.
	VerifyOff bool

	// Verify proves on the raw bytes that the provider sent them. remote is the sender's address. It is called
	// concurrently. Errors: provider.ErrNoSecret (answered 503), all others (401). A POS without it has no path: it is
	// there for what lies in the inbox under its name.
	Verify func(d provider.Delivery, remote netip.Addr) error

	// Decode says what an authentic delivery means. It must give the same answer whenever it is asked: it sees the
	// delivery again, as it lies in the inbox, when a sweep forwards it or an operator replays it. Of the header only
	// what [storedHeaders] keeps is there then, and there is no token. Its errors quarantine the delivery.
	Decode func(provider.Delivery) (provider.Decoded, error)

	// Peek, where it is set, tells from a few bytes that a delivery is for an order, so that the sender need not wait until
	// it is decoded: the lane that forwards it does that. It must agree with Decode, and be silent where it is not sure.
	Peek func(provider.Delivery) (dec provider.Decoded, ok bool)

	// Answer makes the JSON body of a 200 answer for a provider that wants more than a status; nil for all others, and it may
	// return nil for deliveries that want none. It is called after the commit, and again for a repeat, and bounds its own time.
	// s is nil where the delivery goes to no workflow. Its error is answered 503: the delivery is safe, and the answer is
	// given when the provider repeats it.
	Answer func(ctx context.Context, d provider.Delivery, dec provider.Decoded, s *Signal) (any, error)

	// Refusal makes the JSON body of a 401 for a provider that wants its own; nil for all others.
	Refusal func(status int, message string) any
}

// Limits of what a decoder may return: what is longer cannot be a workflow id, or is no provider's word.
const (
	maxOrderID = 200 // a workflow id is a VARCHAR(255) in Temporal's visibility store
	maxType    = 120
	maxReason  = 500
)

var errDecoder = errors.New("the decoder is at fault")

// Classify decodes d and returns the inbox row that it makes, without key, hash, headers and body, and the signal that
// follows from it: nil unless the row is to be forwarded. It never fails: what cannot be decoded, or makes the decoder
// panic, is quarantined with the reason in the row.
func (s *Source) Classify(d provider.Delivery) (postgres.Webhook, *Signal, provider.Decoded) {
	dec, err := s.decode(d)
	if err == nil {
		err = check(dec)
	}
	row := s.row(d, dec)
	if err != nil {
		row.Disposition, row.Reason = provider.Quarantined, clip(err.Error(), maxReason)
		row.ProviderOrderID, row.Kind = "", ""
		dec.Disposition = provider.Quarantined
		return row, nil, dec
	}
	forward := dec.Disposition == provider.Forward
	if forward {
		ev := *dec.Event
		ev.ID, ev.Received = d.ID, d.Received
		if ev.At.IsZero() {
			ev.At = d.Received
		}
		if ev.Type == "" {
			ev.Type = row.Type
		}
		dec.Event = &ev
	}
	switch {
	case forward && dec.About != provider.About{}:
		news := workflows.NoticeInput{Source: s.Name, Provider: s.Kind, Kind: dec.About.Kind, Subject: dec.About.ID}
		row.Kind, row.OrderID = "", workflows.NoticeID(news)
		return row, &Signal{Attempt: 1, Event: *dec.Event, News: &news, Sender: s.Name,
			Order: order.Identity{ID: row.OrderID, Source: s.Name, Provider: s.Kind}}, dec
	case dec.OrderID == "":
		row.Kind = ""
		if forward {
			row.Disposition, row.Concern = provider.Parked, dec.Concern
		}
		return row, nil, dec
	}
	if row.Kind == "" {
		row.Kind = order.Sale
	}
	id := order.Identity{ID: workflows.OrderID(s.Name, dec.OrderID, row.Kind), Source: s.Name, Provider: s.Kind, ProviderOrderID: dec.OrderID, Kind: row.Kind}
	if !forward {
		row.OrderID = id.ID
		return row, nil, dec
	}
	row, signal := s.redirect(row, dec, id)
	return row, signal, dec
}

// redirect makes row and signal those of the order id, which the delivery's name or its own id has led to.
func (s *Source) redirect(row postgres.Webhook, dec provider.Decoded, id order.Identity) (postgres.Webhook, *Signal) {
	row.Disposition, row.Concern = provider.Forward, dec.Concern
	row.OrderID, row.ProviderOrderID, row.Kind = id.ID, id.ProviderOrderID, id.Kind
	return row, &Signal{Attempt: 1, Event: *dec.Event, Order: id, Sender: s.Name}
}

// maxUnread is the size up to which a delivery may wait in memory to be decoded; see [Forwarder.Forward].
const maxUnread = 32 << 10

// glance is Classify for deliveries that can be decoded later: the signal then holds the row that it is made of.
func (s *Source) glance(d provider.Delivery) (postgres.Webhook, *Signal, provider.Decoded) {
	if s.Peek == nil || s.Answer != nil || len(d.Body) > maxUnread {
		return s.Classify(d)
	}
	dec, ok := s.Peek(d)
	if !ok || check(provider.Decoded{Disposition: provider.Forward, OrderID: dec.OrderID, Event: &order.Event{}}) != nil {
		return s.Classify(d)
	}
	row := s.row(d, dec)
	row.OrderID = workflows.OrderID(s.Name, dec.OrderID, row.Kind)
	return row, &Signal{Attempt: 1, Sender: s.Name, unread: &postgres.Webhook{}, Event: order.Event{ID: d.ID, Type: row.Type, Received: d.Received},
		Order: order.Identity{ID: row.OrderID, Source: s.Name, Provider: s.Kind, ProviderOrderID: dec.OrderID, Kind: row.Kind}}, dec
}

// row is the inbox row of a delivery, without what follows from its order.
func (s *Source) row(d provider.Delivery, dec provider.Decoded) postgres.Webhook {
	return postgres.Webhook{
		ID:              d.ID,
		Source:          s.Name,
		Provider:        s.Kind,
		Type:            clip(dec.Type, maxType),
		Disposition:     dec.Disposition,
		ReceivedAt:      d.Received,
		Attempt:         1,
		ProviderOrderID: dec.OrderID,
		Kind:            dec.Kind,
	}
}

// decode turns a panic into an error: one delivery that a decoder did not foresee must not be refused for ever.
func (s *Source) decode(d provider.Delivery) (dec provider.Decoded, err error) {
	defer func() {
		if p := recover(); p != nil {
			// The panic's value may quote the body.
			dec, err = provider.Decoded{}, fmt.Errorf("%w: it panicked (%T)", errDecoder, p)
		}
	}()
	return s.Decode(d)
}

// check refuses what would break the inbox or Temporal later, where one bad row could hold up others.
func check(dec provider.Decoded) error {
	switch dec.Disposition {
	case provider.Forward:
		if dec.Event == nil || dec.OrderID == "" && dec.Concern == "" && dec.About.ID == "" {
			return fmt.Errorf("%w: an order's delivery without order id or event", errDecoder)
		}
	case provider.Recorded, provider.Unknown:
	case provider.Quarantined:
		return provider.ErrMalformed
	default:
		return fmt.Errorf("%w: disposition %q", errDecoder, clip(string(dec.Disposition), 20))
	}
	for _, id := range []string{dec.OrderID, dec.Concern, dec.About.ID} {
		if len(id) > maxOrderID {
			return fmt.Errorf("%w: the order id has %d bytes, at most %d are possible", provider.ErrMalformed, len(id), maxOrderID)
		}
		if !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
			return fmt.Errorf("%w: the order id holds control characters", provider.ErrMalformed)
		}
	}
	return nil
}

// clip makes s fit for a text column: valid UTF-8, no NUL, at most n bytes.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// key is the delivery's dedupe key. A provider's id that is no plain text of reasonable length is hashed. tells says that the
// key stands for all that the delivery says: then another body under it differs in nothing that counts.
func (s *Source) key(dec provider.Decoded, body [sha256.Size]byte) (key string, tells bool) {
	k := dec.DedupeKey
	if k == "" {
		return provider.DedupeKey(s.Name, dec.Type, body), false
	}
	if clip(k, maxOrderID) != k {
		k = provider.DedupeKey(s.Name, dec.Type, sha256.Sum256([]byte(k)))
	}
	if dec.Content == [sha256.Size]byte{} {
		return k, false
	}
	return k + "#" + hex.EncodeToString(dec.Content[:16]), true
}
