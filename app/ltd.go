package app

import (
	"context"
	"sync"
	"time"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/provider"
	"willcall/provider/ltd"
	"willcall/webhook"
)

func ltdSettings(s config.Source) ltd.Settings {
	return ltd.Settings{Currency: s.Currency, AffiliateID: s.AffiliateID, Inventory: s.Inventory}
}

func ltdDecoder(s config.Source) func(provider.Delivery) (provider.Decoded, error) {
	settings := ltdSettings(s)
	return func(d provider.Delivery) (provider.Decoded, error) { return ltd.Decode(d, settings) }
}

func ltdDoor(s config.Source, _ doorParts, src *webhook.Source) error {
	src.ContentTypes = []string{"application/json"}
	src.Verify = ltd.Verifier{Kind: s.Proof.Kind, Header: s.Proof.Header, Encoding: s.Proof.Encoding, Prefix: s.Proof.Prefix,
		Secrets: secrets(s), AffiliateID: s.AffiliateID, AllowedNets: prefixes(s.Allow), Off: src.VerifyOff}.Verify
	src.Decode = ltdDecoder(s)
	return nil
}

func ltdWork(s config.Source, src *activities.Source) error {
	src.Decode, src.Buyer = ltdDecoder(s), ltd.Buyer
	settings := ltdSettings(s)
	src.Tickets = func(d provider.Delivery) ([]provider.Ticket, error) { return ltd.Tickets(d, settings) }
	if s.API == nil {
		return nil
	}
	c := &ltd.Client{BaseURL: s.API.URL, APIKey: string(s.API.Token), BasketPath: s.API.BasketPath, AffiliateID: s.AffiliateID, HTTP: limited(*s.API)}
	src.API = &activities.API{
		Show: func(ctx context.Context, apiID string, id order.Identity) ([]byte, error) {
			return c.Show(ctx, apiID, id.ProviderOrderID)
		},
		Poll: (&ltdPoll{client: c, due: map[string]time.Time{}}).poll,
	}
	return nil
}

// ltdPoll fetches e-tickets that no webhook brought. The API lists no changes, so bookings that wait for tickets are asked for one
// by one; one whose tickets are scheduled is left alone until then.
type ltdPoll struct {
	client *ltd.Client

	mu  sync.Mutex
	due map[string]time.Time // by basket; forgotten with the process, which costs a call
}

func (p *ltdPoll) poll(ctx context.Context, ask activities.PollAsk, found func([]byte) error) error {
	return ask.Open(ctx, func(basket, booking string) error {
		if basket == "" || !p.isDue(basket) { // without a basket no document has described the booking yet
			return nil
		}
		raw, err := p.client.Basket(ctx, basket)
		if provider.ClassOf(err) == provider.NotFound {
			return nil // gone there: its own deadline asks a person
		}
		if err != nil {
			return err
		}
		if on := ltd.ScheduledOn(raw); on.After(time.Now()) {
			p.wait(basket, on)
			return nil
		}
		body, err := p.client.Show(ctx, basket, booking)
		if err != nil {
			return err
		}
		return found(body)
	})
}

func (p *ltdPoll) isDue(basket string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	on, scheduled := p.due[basket]
	if scheduled && on.After(time.Now()) {
		return false
	}
	delete(p.due, basket)
	return true
}

func (p *ltdPoll) wait(basket string, on time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due[basket] = on
}
