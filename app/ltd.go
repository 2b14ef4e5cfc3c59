package app

import (
	"context"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/provider"
	"willcall/provider/ltd"
	"willcall/webhook"
)

func ltdDecoder(s config.Source) func(provider.Delivery) (provider.Decoded, error) {
	settings := ltd.Settings{Currency: s.Currency, AffiliateID: s.AffiliateID, Inventory: s.Inventory}
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
	if s.API == nil {
		return nil
	}
	c := &ltd.Client{BaseURL: s.API.URL, APIKey: string(s.API.Token), BasketPath: s.API.BasketPath, AffiliateID: s.AffiliateID, HTTP: limited(*s.API)}
	src.API = &activities.API{
		Show: func(ctx context.Context, apiID string, id order.Identity) ([]byte, error) {
			return c.Show(ctx, apiID, id.ProviderOrderID)
		},
		// It lists no changes: the bookings that wait for tickets are asked for one by one.
		Poll: func(ctx context.Context, ask activities.PollAsk, found func([]byte) error) error {
			return ask.Open(ctx, func(basket, booking string) error {
				if basket == "" {
					return nil // no document has named it yet
				}
				body, err := c.Show(ctx, basket, booking)
				if provider.ClassOf(err) == provider.NotFound {
					return nil // gone there: its own deadline asks a person
				}
				if err != nil {
					return err
				}
				return found(body)
			})
		},
	}
	return nil
}
