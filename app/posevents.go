package app

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/pos/httpapi"
	"willcall/pos/skybox"
	"willcall/postgres"
	"willcall/provider"
	"willcall/webhook"
)

// maxEvent is far more than a POS has to say: an event names a record and holds none.
const maxEvent = 1 << 20

// posDoor is how one kind of POS tells its news.
type posDoor struct {
	prove func(config.Events) func(provider.Delivery) error
	read  func(provider.Delivery) (posEvent, error)
	media []string // content types; none: all are taken
}

// posEvent is what is understood of an event.
type posEvent struct {
	typ, key      string
	known         bool   // the type is one that some document names
	invoice       string // the ids that it names, or ""
	purchaseOrder string
}

// posDoors has a row for each kind of POS that tells its news itself.
var posDoors = map[string]posDoor{
	"http":   {proveHTTPEvent, readHTTPEvent, []string{"application/json"}},
	"skybox": {proveSkyBoxEvent, readSkyBoxEvent, nil}, // what content type SkyBox sends is not public
}

// posSource is a POS as the door sees it, or, where it has none, whoever reads what lies in the inbox under its name.
func posSource(name string, p config.POS) webhook.Source {
	door := posDoors[p.Kind]
	src := webhook.Source{Name: name, Kind: p.Kind, POS: true, ContentTypes: door.media, MaxBody: maxEvent,
		Decode: func(d provider.Delivery) (provider.Decoded, error) { return decodePOSEvent(d, door.read) }}
	if p.Events != nil && door.prove != nil {
		networks, prove := prefixes(p.Events.Allow), door.prove(*p.Events)
		src.Verify = func(d provider.Delivery, remote netip.Addr) error {
			if err := provider.ProveNetwork(remote, networks); err != nil {
				return err
			}
			return prove(d)
		}
	}
	return src
}

// decodePOSEvent makes a hint of an event: it moves no order by itself, it makes the order's workflow ask the POS. The hint's version
// is when it came, and not what the POS says: it is compared with when the POS was read, by our clock.
func decodePOSEvent(d provider.Delivery, read func(provider.Delivery) (posEvent, error)) (provider.Decoded, error) {
	var own struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(d.Body, &own) == nil && own.Type == activities.SupplyType {
		return provider.Decoded{Type: activities.SupplyType, Disposition: provider.Recorded}, nil // its order had it from us
	}
	if read == nil {
		return provider.Decoded{}, fmt.Errorf("%w: this kind of POS sends no events", provider.ErrMalformed)
	}
	e, err := read(d)
	if err != nil {
		return provider.Decoded{}, err
	}
	dec := provider.Decoded{Type: "pos/" + e.typ, DedupeKey: e.key, Disposition: provider.Forward}
	switch {
	case !e.known:
		dec.Disposition = provider.Unknown
		return dec, nil
	case e.invoice != "":
		dec.Concern = postgres.InvoiceRef(e.invoice)
	case e.purchaseOrder != "":
		dec.Concern = postgres.PurchaseOrderRef(e.purchaseOrder)
	default:
		dec.Disposition = provider.Recorded
		return dec, nil
	}
	dec.Event = &order.Event{Type: dec.Type, Hint: true}
	return dec, nil
}

func proveHTTPEvent(e config.Events) func(provider.Delivery) error {
	secrets := secretsOf(e.Secrets)
	return func(d provider.Delivery) error {
		err := httpapi.VerifyEvent(d.Header, d.Body, secrets, d.Received)
		switch {
		case errors.Is(err, httpapi.ErrNoSecret):
			return provider.ErrNoSecret
		case err != nil:
			return fmt.Errorf("%w: %w", provider.ErrSignature, err)
		}
		return nil
	}
}

// eventTypes are those of the contract that mean something. Others are shown to operators, and change nothing.
var eventTypes = []string{httpapi.EventDeliveriesChanged, httpapi.EventInvoiceUpdated, httpapi.EventInvoiceVoided,
	httpapi.EventPurchaseOrderUpdated, httpapi.EventPurchaseOrderVoided}

func readHTTPEvent(d provider.Delivery) (posEvent, error) {
	e, err := httpapi.ReadEvent(d.Body)
	if err != nil {
		return posEvent{}, fmt.Errorf("%w: %w", provider.ErrMalformed, err)
	}
	return posEvent{typ: e.Type, key: d.Header.Get("Webhook-Id"), known: slices.Contains(eventTypes, e.Type),
		invoice: e.InvoiceID, purchaseOrder: e.PurchaseOrderID}, nil
}

func proveSkyBoxEvent(e config.Events) func(provider.Delivery) error {
	return provider.Proof{Kind: e.Proof.Kind, Secrets: secretsOf(e.Secrets)}.Prove
}

func readSkyBoxEvent(d provider.Delivery) (posEvent, error) {
	e, err := skybox.ReadEvent(d.Body)
	if err != nil {
		return posEvent{}, fmt.Errorf("%w: %w", provider.ErrMalformed, err)
	}
	// Nothing is known to number these, and two changes of one invoice may be told in the same bytes: only within a minute is the
	// second a repetition.
	sum := sha256.Sum256(d.Body)
	out := posEvent{typ: e.Topic, known: e.Topic != "" || e.InvoiceID != "", invoice: e.InvoiceID,
		key: fmt.Sprintf("%x/%d", sum[:16], d.Received.Unix()/60)}
	if out.typ == "" {
		out.typ = "event"
	}
	return out, nil
}
