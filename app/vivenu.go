package app

import (
	"context"
	"strings"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/provider"
	"willcall/provider/vivenu"
	"willcall/webhook"
)

func vivenuDecoder(s config.Source) func(provider.Delivery) (provider.Decoded, error) {
	settings := vivenu.Settings{Inventory: s.Inventory}
	return func(d provider.Delivery) (provider.Decoded, error) { return vivenu.Decode(d, settings) }
}

func vivenuDoor(s config.Source, _ doorParts, src *webhook.Source) error {
	src.ContentTypes = []string{"application/json"}
	src.Verify = vivenu.Verifier{Keys: secrets(s), AllowedNets: prefixes(s.Allow), Off: src.VerifyOff, Mode: s.Mode}.Verify
	src.Decode = vivenuDecoder(s)
	return nil
}

func vivenuWork(s config.Source, src *activities.Source) error {
	src.Decode, src.Buyer, src.Customer = vivenuDecoder(s), vivenu.Buyer, vivenu.Customer
	if s.API == nil {
		return nil
	}
	c := vivenuClient(s)
	src.API = &activities.API{
		Show: func(ctx context.Context, apiID string, id order.Identity) ([]byte, error) {
			if apiID == "" { // no document has described it yet
				apiID = vivenu.APIID(id.ProviderOrderID)
			}
			return c.Show(ctx, apiID)
		},
		// Only purchase intents are accepted and rejected; a transaction is a sale already.
		Accept: func(ctx context.Context, apiID string) error {
			return c.EnsureIntentApproved(ctx, intentOf(apiID))
		},
		Reject: func(ctx context.Context, apiID, reason string) error {
			if !strings.HasPrefix(apiID, intents) {
				return &provider.CallError{Class: provider.Unsupported, Op: "reject the order", Detail: "vivenu rejects purchase intents only"}
			}
			return c.EnsureIntentRejected(ctx, intentOf(apiID), reason)
		},
		Poll: func(ctx context.Context, ask activities.PollAsk, found func([]byte) error) error {
			return c.Poll(ctx, ask.Since, found)
		},
	}
	return nil
}

func vivenuClient(s config.Source) *vivenu.Client {
	return &vivenu.Client{BaseURL: s.API.URL, Key: string(s.API.Token), Mode: s.Mode, HTTP: limited(*s.API)}
}

// intentOf is the id of a purchase intent in the paths of its own API.
func intentOf(apiID string) string { return strings.TrimPrefix(apiID, intents) }

const intents = "purchaseintents/"
