package activities

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
	"willcall/provider"
)

// ConfirmOrder reads the order again over the provider's signed API, before anything is written on the strength of a
// webhook that nobody signed. What the API says is stored like a webhook and returned as an event, which the workflow
// applies; an order that the provider does not know fails with not_found.
func (a *Activities) ConfirmOrder(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		api, err := src.api()
		if err != nil {
			return Done{}, err
		}
		body, err := api.Show(ctx, s.APIID, s.Order)
		if err != nil {
			return Done{}, err
		}
		w, event, err := a.stored(src, body, "reread")
		if err != nil {
			return Done{}, err
		}
		if w.OrderID != s.Order.ID {
			return Done{}, &provider.CallError{Class: provider.Conflict, Op: "confirm order", Detail: "the provider's order belongs to another order group than the webhook said"}
		}
		w.Disposition = provider.Recorded // its event goes back to the workflow as this step's result
		stored, err := a.Inbox.Put(ctx, w)
		if err != nil {
			return Done{}, err
		}
		event.ID = stored.ID // the document may have been stored by a sweep before
		return Done{Event: event}, nil
	})
}

// AcceptOrder accepts the order at the provider; it looks first, so that a repetition does no harm.
func (a *Activities) AcceptOrder(ctx context.Context, s Step) (Done, error) {
	return a.atProvider(ctx, s, func(ctx context.Context, api *API) (Done, error) {
		if api.Accept == nil {
			return Done{}, unsupported("accept the order")
		}
		return Done{}, api.Accept(ctx, s.APIID)
	})
}

// RejectOrder rejects the order at the provider. One that the provider does not know needs no rejection.
func (a *Activities) RejectOrder(ctx context.Context, s Step) (Done, error) {
	return a.atProvider(ctx, s, func(ctx context.Context, api *API) (Done, error) {
		if api.Reject == nil {
			return Done{}, unsupported("reject the order")
		}
		err := api.Reject(ctx, s.APIID, s.Reason)
		if class, _ := classify(err); err != nil && class == pos.NotFound {
			err = nil
		}
		return Done{}, err
	})
}

// FetchAirbill gets a shipment's airbill and stores it as a document of the order.
func (a *Activities) FetchAirbill(ctx context.Context, s Step) (Done, error) {
	return a.atProvider(ctx, s, func(ctx context.Context, api *API) (Done, error) {
		if api.Airbill == nil {
			return Done{}, unsupported("fetch the airbill")
		}
		file, mediaType, err := api.Airbill(ctx, s.ID.Subject())
		if err != nil {
			return Done{}, err
		}
		id, err := a.DB.PutDocument(ctx, postgres.Document{SHA256: sha256.Sum256(file), MediaType: mediaType, Body: file}, s.Order.ID, "airbill "+s.ID.Subject())
		return Done{Ref: id}, err
	})
}

// atProvider does one write to the provider, once.
func (a *Activities) atProvider(ctx context.Context, s Step, do func(context.Context, *API) (Done, error)) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		api, err := src.api()
		if err != nil {
			return Done{}, err
		}
		op := postgres.Operation{Key: s.key(), OrderID: s.Order.ID, Do: string(s.ID.Do()), Adapter: src.Kind}
		return once(ctx, a, op, func(ctx context.Context, _ int) (Done, error) { return do(ctx, api) })
	})
}

func (s Source) api() (*API, error) {
	if s.API == nil {
		return nil, &provider.CallError{Class: string(pos.Unauthorized), Op: "call the provider", Detail: "no API credentials are configured for this source"}
	}
	return s.API, nil
}

func unsupported(op string) error {
	return &provider.CallError{Class: provider.Unsupported, Op: op, Detail: "the provider has no call for it"}
}

// PollInput says which source to sweep.
type PollInput struct {
	Source string `json:"source"`
}

// Polled is what a sweep found.
type Polled struct {
	Seen   int `json:"seen"`   // orders that changed since the last sweep
	Missed int `json:"missed"` // of those, the ones that no webhook had told us of
}

const (
	overlap = 15 * time.Minute // a sweep looks again at what the last one may have seen half written
	settle  = time.Minute      // a change younger than this is left to its webhook, which may be on its way
)

// PollOrders lists the orders that changed since the last sweep and puts what no webhook has told into the inbox.
func (a *Activities) PollOrders(ctx context.Context, in PollInput) (Polled, error) {
	out, err := a.poll(ctx, in.Source)
	if err != nil {
		a.Logger.Warn("sweep did not succeed", "source", in.Source, "error", toTemporal(err))
	}
	a.Metrics.swept(in.Source, out, err)
	return out, toTemporal(err)
}

func (a *Activities) poll(ctx context.Context, name string) (out Polled, err error) {
	src, err := a.source(name)
	if err != nil {
		return out, err
	}
	api, err := src.api()
	if err != nil {
		return out, err
	}
	begun := time.Now()
	parked, err := a.DB.ParkedConcerns(ctx, name, "checkout", 1000)
	if err != nil {
		return out, err
	}
	since, err := a.DB.Cursor(ctx, "sweep:"+name)
	if err != nil {
		return out, err
	}
	if since.IsZero() {
		since = begun.Add(-24 * time.Hour) // a new source, or a new database: look back a day
	}
	ask := PollAsk{Since: since.Add(-overlap), Names: len(parked) > 0, Open: a.open(name)}
	err = api.Poll(ctx, ask, func(body []byte) error {
		out.Seen++
		w, event, err := a.stored(src, body, "sweep")
		if errors.Is(err, provider.ErrMalformed) {
			// It is kept for a person, as a webhook is. It must not end the sweep: it would come first again in the next one, and
			// nobody would hear of what is listed behind it.
			return a.quarantine(ctx, w, err)
		}
		if err != nil {
			return err
		}
		if event == nil || event.Snapshot != nil && begun.Sub(event.At) < settle {
			return nil
		}
		// What names an order under which something is parked is wanted even where it is no news.
		wanted := slices.ContainsFunc(event.Refs, func(ref string) bool { return slices.Contains(parked, ref) })
		known, err := a.knows(ctx, w.OrderID, *event)
		if err != nil || known && !wanted {
			return err
		}
		stored, err := a.Inbox.Put(ctx, w)
		if err == nil && !stored.Duplicate {
			out.Missed++
			a.Logger.Info("a sweep found what no webhook had told", "order", w.OrderID, "source", name, "webhook", w.ID)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	return out, a.DB.SetCursor(ctx, "sweep:"+name, begun)
}

// quarantine keeps what a sweep found and cannot be read: once, however often it is found.
func (a *Activities) quarantine(ctx context.Context, w postgres.Webhook, why error) error {
	w.Disposition, w.Reason = provider.Quarantined, why.Error() // decoders name the field, and quote nothing
	w.OrderID, w.ProviderOrderID, w.Kind = "", "", ""
	stored, err := a.Inbox.Put(ctx, w)
	if err == nil && !stored.Duplicate {
		a.Logger.Warn("a sweep found what cannot be read", "source", w.Source, "webhook", w.ID, "reason", w.Reason)
	}
	return err
}

// open lists the orders of a source that wait for tickets.
func (a *Activities) open(source string) func(context.Context, func(apiID, providerOrderID string) error) error {
	return func(ctx context.Context, each func(apiID, providerOrderID string) error) error {
		const page = 200
		for after := ""; ; {
			docs, err := a.DB.UndeliveredOrders(ctx, source, after, page)
			if err != nil {
				return err
			}
			for _, doc := range docs {
				var o order.Order
				if err := json.Unmarshal(doc, &o); err != nil {
					return err
				}
				if err := each(o.Facts.APIID, o.ProviderOrderID); err != nil {
					return err
				}
				after = o.ID
			}
			if len(docs) < page {
				return nil
			}
		}
	}
}

// knows reports whether the order has heard a whole document of this version or a later one, or all that the event says.
func (a *Activities) knows(ctx context.Context, id string, e order.Event) (bool, error) {
	o, err := a.load(ctx, id)
	if err != nil || o == nil {
		return false, err
	}
	return e.Snapshot != nil && !o.Facts.Described.At.Before(e.At) || o.Knows(e), nil
}

// stored makes an inbox row of a body that we fetched ourselves; beside an error, one that says no more than what came.
func (a *Activities) stored(src Source, body []byte, via postgres.Via) (postgres.Webhook, *order.Event, error) {
	d := provider.Delivery{ID: postgres.NewID(), Body: body, Received: time.Now().UTC()}
	dec, err := src.Decode(d)
	sum := sha256.Sum256(body)
	if err == nil && dec.Event == nil {
		return postgres.Webhook{}, nil, nil // nothing of ours
	}
	if err == nil {
		dec.Event.Received = d.Received
	}
	return postgres.Webhook{
		ID: d.ID, Source: src.Name, Provider: src.Kind, Type: dec.Type, Disposition: dec.Disposition,
		OrderID: order.WorkflowID(src.Name, dec.OrderID, dec.Kind), ProviderOrderID: dec.OrderID, Kind: dec.Kind,
		DedupeKey: provider.DedupeKey(src.Name, dec.Type, sum), BodySHA256: sum, Body: body, Via: via, ReceivedAt: d.Received, Attempt: 1,
	}, dec.Event, err
}
