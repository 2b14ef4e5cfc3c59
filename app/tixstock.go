package app

import (
	"context"
	"time"

	"willcall/activities"
	"willcall/config"
	"willcall/order"
	"willcall/provider"
	"willcall/provider/tixstock"
	"willcall/webhook"
)

func tixstockSettings(s config.Source) tixstock.Settings {
	settings := tixstock.Settings{Words: map[string]order.Status{}}
	for word, status := range s.StatusWords {
		settings.Words[word] = order.Status(status)
	}
	return settings
}

func tixstockDecoder(s config.Source) func(provider.Delivery) (provider.Decoded, error) {
	settings := tixstockSettings(s)
	return func(d provider.Delivery) (provider.Decoded, error) { return tixstock.Decode(d, settings) }
}

func tixstockDoor(s config.Source, parts doorParts, src *webhook.Source) error {
	src.ContentTypes = []string{"application/json"}
	src.Verify = tixstock.Verifier{Tokens: secrets(s), AllowedNets: prefixes(s.Allow), Off: src.VerifyOff}.Verify
	src.Decode = tixstockDecoder(s)
	src.Answer = tixstockAnswer{s, parts}.answer
	src.Refusal = tixstock.Refusal
	return nil
}

func tixstockWork(s config.Source, src *activities.Source) error {
	src.Decode = tixstockDecoder(s)
	settings := tixstockSettings(s)
	src.Tickets = func(d provider.Delivery) ([]provider.Ticket, error) { return tixstock.Tickets(d, settings) }
	src.Policy.Adopt = true // the sale is our shop's own
	return nil
}

// tixstockAnswer says where an order stands, under the names that the source has for that.
type tixstockAnswer struct {
	source config.Source
	doorParts
}

func (a tixstockAnswer) answer(ctx context.Context, d provider.Delivery, dec provider.Decoded, s *webhook.Signal) (any, error) {
	if !dec.Ask {
		return nil, nil
	}
	standing := tixstock.Standing{Status: a.source.Status(string(order.Received)), Success: true}
	if s != nil && s.News == nil {
		standing = a.standing(ctx, *s)
	}
	return tixstock.Answer(d, dec, standing)
}

// standing asks the order's workflow. Where no worker answers in time the read model does: the ticket is stored, and the order
// will get it. That model is of before the ticket, so it cannot pass an order for complete that is not.
func (a tixstockAnswer) standing(ctx context.Context, s webhook.Signal) tixstock.Standing {
	now, err := a.ask(ctx, s, a.source.AnswerWithin)
	if err != nil {
		a.log.Warn("an order was not asked in time; its state in the answer is that of the read model", "order", s.Order.ID, "webhook", s.Event.ID, "error", err)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if now.State, err = a.state(short, s.Order.ID); err != nil || now.State == "" {
			now.State = order.Received
		}
	}
	out := tixstock.Standing{Status: a.source.Status(string(now.State)), Success: !now.Unknown}
	if out.Status == "" {
		out.Status = a.source.Status(string(order.Received))
	}
	if now.Unknown {
		out.Message = "No order of this id is known here. The ticket is kept."
	}
	return out
}
