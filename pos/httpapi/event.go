package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The events that a POS posts to us: openapi.yaml, webhook event and schema WebhookEvent; signed by Standard Webhooks 1.0.0,
// sections "Webhook headers" and "Signature scheme".

// Why an event is not believed.
var (
	// ErrNoSecret: none of the secrets can be used, so that nothing can be believed. An operator mends the configuration.
	ErrNoSecret = errors.New("httpapi: no usable secret to verify events with")
	// ErrSignature: the event is not signed, or by nobody who has one of the secrets.
	ErrSignature = errors.New("httpapi: the event's signature is missing or wrong")
	// ErrStale: it is signed well, for a time that is too far from now: sent again by somebody who saw it, or a clock is wrong.
	ErrStale = errors.New("httpapi: the event's timestamp is too far from now")
	// ErrEvent: the body is not an event of the contract.
	ErrEvent = errors.New("httpapi: the body is no event of the contract")
)

// eventTolerance is how far an event's timestamp may be from now, in both directions.
const eventTolerance = 5 * time.Minute

// VerifyEvent returns nil if the event was signed with one of the secrets, within five minutes of now. A secret is "whsec_" and the
// Base64 of 24 to 64 bytes; one of another form counts for nothing. h has the headers webhook-id, webhook-timestamp (Unix
// seconds) and webhook-signature, which may list several signatures; those of other versions than v1 are passed over. body is
// as it was received. It returns [ErrNoSecret], [ErrSignature] or [ErrStale].
//
// Standard Webhooks have a library for Go (module github.com/standard-webhooks/standard-webhooks/libraries; v0.0.1 was read), of which
// nothing but the HMAC could be used: it takes an empty secret, and one for each verifier; it looks at the machine's clock alone, and
// before the signature, so that what it calls too old may be by anybody; it reads the first of several webhook-signature headers.
func VerifyEvent(h http.Header, body []byte, secrets []string, now time.Time) error {
	var keys [][]byte
	for _, s := range secrets {
		if key, ok := eventKey(s); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return ErrNoSecret
	}
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	// A dot in the id would let a signature stand for another division of the same text.
	if err != nil || seconds < 0 || len(stamp) > 11 || id == "" || strings.Contains(id, ".") {
		return ErrSignature
	}
	if !signed(h.Values("webhook-signature"), keys, id+"."+stamp+".", body) {
		return ErrSignature
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > eventTolerance || off < -eventTolerance {
		return ErrStale
	}
	return nil
}

func eventKey(secret string) ([]byte, bool) {
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		return nil, false
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	return key, err == nil && len(key) >= 24 && len(key) <= 64
}

// maxSignatures is how many signatures are looked at: more is no sender of ours, and each costs a comparison.
const maxSignatures = 16

// signed reports whether one of the signatures is by one of the keys.
func signed(headers []string, keys [][]byte, head string, body []byte) bool {
	var theirs [][]byte
	for _, s := range strings.Fields(strings.Join(headers, " ")) {
		if encoded, ok := strings.CutPrefix(s, "v1,"); ok && len(theirs) < maxSignatures {
			if sum, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				theirs = append(theirs, sum)
			}
		}
	}
	found := false
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(head))
		mac.Write(body)
		ours := mac.Sum(nil)
		for _, sum := range theirs { // all of them: which key and which signature fit is not told by the time it takes
			found = hmac.Equal(ours, sum) || found
		}
	}
	return found
}

// The types of events that mean something to us.
const (
	EventDeliveriesChanged    = "invoice.deliveries_changed"
	EventInvoiceUpdated       = "invoice.updated"
	EventInvoiceVoided        = "invoice.voided"
	EventPurchaseOrderUpdated = "purchase_order.updated"
	EventPurchaseOrderVoided  = "purchase_order.voided"
)

// An Event says that something happened to a record in the POS. It is a hint to read the record again, and nothing else in it is
// relied on. Which event it is, so that one is known that comes twice, stands in the header webhook-id.
type Event struct {
	Type string // of the contract, or any other
	At   time.Time
	// InvoiceID is not empty where Type begins with "invoice.", PurchaseOrderID where it begins with "purchase_order.".
	InvoiceID, PurchaseOrderID string
	Ref                        string // the record's external reference, where the POS says it
}

// ReadEvent decodes the body of an event. It returns [ErrEvent], which quotes nothing of it.
func ReadEvent(body []byte) (Event, error) {
	var raw struct {
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
		Data      *struct {
			InvoiceID       string `json:"invoice_id"`
			PurchaseOrderID string `json:"purchase_order_id"`
			Ref             string `json:"external_reference"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &raw) != nil || raw.Data == nil || raw.Type == "" {
		return Event{}, ErrEvent
	}
	at, err := parseTime(raw.Timestamp)
	if err != nil {
		return Event{}, ErrEvent
	}
	e := Event{Type: raw.Type, At: at, InvoiceID: raw.Data.InvoiceID, PurchaseOrderID: raw.Data.PurchaseOrderID, Ref: raw.Data.Ref}
	if !plain(e.Type, 128) || !plain(e.InvoiceID, 128) || !plain(e.PurchaseOrderID, 128) || !plain(e.Ref, 255) ||
		strings.HasPrefix(e.Type, "invoice.") && e.InvoiceID == "" ||
		strings.HasPrefix(e.Type, "purchase_order.") && e.PurchaseOrderID == "" {
		return Event{}, ErrEvent
	}
	return e, nil
}

// plain reports whether s has at most so many characters, none of them a control character: it is stored, logged and shown.
func plain(s string, most int) bool {
	return len([]rune(s)) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
