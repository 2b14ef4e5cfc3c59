package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/provider"
	"willcall/provider/tevo"
	"willcall/webhook"
)

func tevoDecoder(s config.Source) func(provider.Delivery) (provider.Decoded, error) {
	settings := tevo.Settings{Currency: s.Currency}
	return func(d provider.Delivery) (provider.Decoded, error) { return tevo.Decode(d, settings) }
}

func tevoDoor(s config.Source, _ doorParts, src *webhook.Source) error {
	src.ContentTypes = []string{"application/x-www-form-urlencoded"}
	src.Verify = tevo.Verifier{Tokens: secrets(s), AllowedNets: prefixes(s.Allow), Off: src.VerifyOff}.Verify
	src.Decode, src.Peek = tevoDecoder(s), tevo.Peek
	return nil
}

func tevoWork(s config.Source, src *activities.Source) error {
	src.Decode, src.Buyer, src.Seller = tevoDecoder(s), tevo.Buyer, tevo.Seller
	src.Sale = func(id order.Identity, apiID string) string { return id.ProviderOrderID + "-" + apiID } // group and order, as TEvo's own tools write it
	if s.API == nil {
		return nil
	}
	api, err := tevoAPI(*s.API)
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	src.API = api
	return nil
}

// tevoAPI fits the client of Ticket Evolution's API to what activities call.
func tevoAPI(a config.API) (*activities.API, error) {
	reviewer, err := strconv.ParseInt(a.ReviewerID, 10, 64)
	if err != nil {
		return nil, errors.New("reviewer_id: want the number of a user at Ticket Evolution")
	}
	c := &tevo.Client{BaseURL: a.URL, Token: string(a.Token), Secret: string(a.Secret), ReviewerID: reviewer, HTTP: limited(a)}
	return &activities.API{
		Show: func(ctx context.Context, apiID string, id order.Identity) ([]byte, error) {
			o, err := c.ShowOrder(ctx, apiID)
			if err != nil {
				return nil, err
			}
			return o.Form(id.Kind), nil
		},
		Accept: c.EnsureAccepted,
		Reject: func(ctx context.Context, id, reason string) error {
			return c.EnsureRejected(ctx, id, tevo.ReasonFor(reason))
		},
		Airbill:         c.GetAirbill,
		DeliverETickets: c.DeliverETickets,
		RevokeETickets:  c.RevokeETickets,
		Transfer: func(ctx context.Context, id string, lines []activities.LineTransfer) error {
			var all []tevo.LineTransfer
			for _, l := range lines {
				all = append(all, tevo.LineTransfer(l))
			}
			return c.Transfer(ctx, id, all)
		},
		HandOver: c.HandOver,
		ETickets: c.ETickets,
		Poll: func(ctx context.Context, ask activities.PollAsk, found func([]byte) error) error {
			for _, kind := range []order.Kind{order.Sale, order.Purchase} {
				for page, more := 1, true; more; page++ {
					p, err := c.ListOrders(ctx, kind, ask.Since, page)
					if err != nil {
						return err
					}
					for _, o := range p.Orders {
						if err := found(o.Form(kind)); err != nil {
							return err
						}
					}
					more = p.More
				}
			}
			return nil
		},
	}, nil
}
