package activities

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/url"
	"path"
	"strings"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
	"willcall/provider"
)

// AttachTickets puts the tickets that somebody brought on the invoice and marks it delivered. They are read from the webhooks
// that brought them. A POS that takes no ticket files is told that the invoice is delivered, and no more.
func (a *Activities) AttachTickets(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, _ int) (Done, error) {
			caps, err := src.POS.Capabilities(ctx)
			if err != nil {
				return Done{}, err
			}
			in := pos.FulfillmentInput{State: pos.Complete}
			if caps.TicketUpload {
				if in.Files, err = a.ticketFiles(ctx, s, src); err != nil {
					return Done{}, err
				}
			}
			inv, took, err := pos.Fulfil(ctx, src.POS, pos.Op{Key: s.key(), Ref: s.ref()}, s.Invoice, in)
			if err != nil {
				return Done{}, err
			}
			done := Done{Ref: inv.ID}
			if !took {
				done.Detail = "this POS takes no ticket files: the invoice is marked as delivered, and the tickets are kept here"
			}
			return done, nil
		})
	})
}

// ticketFiles are the files of the step's tickets. Barcodes go into one text, a line each.
func (a *Activities) ticketFiles(ctx context.Context, s Step, src Source) ([]pos.TicketFile, error) {
	invalid := func(message string) error {
		return &pos.Error{Class: pos.Invalid, Op: "read the tickets", Message: message}
	}
	if src.Tickets == nil {
		return nil, invalid("the provider's webhooks bring none")
	}
	brought := map[order.Upload]provider.Ticket{}
	read := map[string]bool{}
	for _, u := range s.Uploads {
		if read[u.Event] {
			continue
		}
		read[u.Event] = true
		w, err := a.DB.Webhook(ctx, u.Event)
		if errors.Is(err, postgres.ErrNotFound) {
			return nil, invalid("webhook " + u.Event + " is not stored any more")
		}
		if err != nil {
			return nil, err
		}
		all, err := src.Tickets(provider.Delivery{ID: w.ID, Body: w.Body, Received: w.ReceivedAt.UTC()})
		if err != nil {
			return nil, err
		}
		for _, t := range all {
			brought[order.Upload{Line: t.Line, Ticket: t.Key, Event: u.Event}] = t
		}
	}
	files := []pos.TicketFile{}
	var codes []string
	for _, u := range s.Uploads {
		t, ok := brought[u]
		if !ok {
			return nil, invalid("a ticket is not in webhook " + u.Event + ", which brought it")
		}
		for _, f := range t.Files {
			files = append(files, pos.TicketFile{Name: f.Name, MediaType: f.MediaType, Content: f.Body})
		}
		for _, l := range t.Links {
			files = append(files, pos.TicketFile{Name: l.Name, MediaType: mediaType(l.URL), URL: l.URL})
		}
		if t.Code != "" {
			codes = append(codes, t.Code+"\n")
		}
	}
	if codes != nil {
		files = append(files, pos.TicketFile{Name: "barcodes.txt", MediaType: "text/plain", Content: []byte(strings.Join(codes, ""))})
	}
	return files, nil
}

// mediaType is what an address seems to lead to; nobody says.
func mediaType(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "text/html"
	}
	return cmp.Or(mime.TypeByExtension(path.Ext(u.Path)), "text/html")
}
