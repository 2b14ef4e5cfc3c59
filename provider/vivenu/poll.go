package vivenu

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"

	"willcall/provider"
	"willcall/provider/wire"
)

// Show fetches an order as it stands and writes it as a webhook of the type [PolledTransaction] or [PolledIntent], so that
// re-reads enter by the same inbox and are decoded and audited as webhooks are. apiID is that of [order.Snapshot]. A
// transaction comes with its tickets and, where that can be found out, the id of its checkout, by which news of the checkout
// finds the order.
//
// Equal orders give equal bytes, whatever the order of their keys, so that the inbox takes an unchanged order once.
func (c *Client) Show(ctx context.Context, apiID string) (body []byte, err error) {
	if id, ok := strings.CutPrefix(apiID, intentPath); ok {
		raw, err := c.PurchaseIntent(ctx, id)
		if err != nil {
			return nil, err
		}
		return c.synthesize(PolledIntent, map[string]json.RawMessage{"purchaseIntent": raw})
	}
	raw, err := c.Transaction(ctx, apiID)
	if err != nil {
		return nil, err
	}
	return c.whole(ctx, apiID, raw)
}

// Poll calls found with every transaction that was updated at or after the given time, written as [Client.Show] does; what
// found returns ends the poll. No webhook tells of a failed, disputed or charged back payment (public), so that polls are more
// than a safety net. A transaction that is no object with an id is written as it is, for [Decode] to refuse.
//
// A transaction whose tickets the API refuses to show is passed over, and the error is returned after all others were read. Any
// other error ends the poll at once.
func (c *Client) Poll(ctx context.Context, since time.Time, found func(body []byte) error) error {
	var refused error
	skip := 0
	for {
		p, err := c.Transactions(ctx, since, skip)
		if err != nil {
			return err
		}
		for _, raw := range p.Transactions {
			body, err := c.polled(ctx, raw)
			switch provider.ClassOf(err) {
			case "":
				if err == nil {
					err = found(body)
				}
				if err != nil {
					return err
				}
			case provider.NotFound, provider.Invalid, provider.Unsupported:
				if refused == nil {
					refused = err
				}
			default:
				return err
			}
		}
		if !p.More {
			return refused
		}
		skip += len(p.Transactions)
	}
}

func (c *Client) polled(ctx context.Context, raw json.RawMessage) ([]byte, error) {
	var o identified
	if parse(raw, &o) != nil || o.ID.ID() == "" {
		return c.synthesize(PolledTransaction, map[string]json.RawMessage{"transaction": raw})
	}
	return c.whole(ctx, o.ID.ID(), raw)
}

// whole adds to a transaction what its own document lacks. It does not go without the tickets: their lines would give way to
// those of the cart, which have other ids.
func (c *Client) whole(ctx context.Context, id string, raw json.RawMessage) ([]byte, error) {
	data := map[string]json.RawMessage{"transaction": raw}
	var err error
	if data["tickets"], err = c.Tickets(ctx, id); err != nil {
		return nil, err
	}
	var t struct {
		Secret wire.Scalar `json:"secret"`
	}
	if parse(raw, &t) == nil && t.Secret.Text != "" {
		checkout, err := c.Checkout(ctx, id, t.Secret.Text)
		switch provider.ClassOf(err) {
		case "":
			// Its id alone: a checkout has the buyer and a secret of its own.
			var o identified
			if parse(checkout, &o) == nil {
				data["checkout"], _ = json.Marshal(map[string]string{"_id": o.ID.ID()})
			}
		case provider.Transient, provider.RateLimited:
			return nil, err // without it this body would differ from the next
		}
	}
	return c.synthesize(PolledTransaction, data)
}

func (c *Client) synthesize(typ string, data map[string]json.RawMessage) ([]byte, error) {
	inner, err := json.Marshal(data)
	if err != nil {
		return nil, provider.Odd("write "+typ, false, 0, "an answer is no JSON")
	}
	// The type comes first, where whoever looks at a body sees it.
	return []byte(`{"type":` + quote(typ) + `,"mode":` + quote(c.Mode) + `,"data":` + string(canonical(inner)) + `}`), nil
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string can always be written
	return string(b)
}

// canonical writes JSON with sorted keys and without blanks, every number as it was.
func canonical(raw []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}
