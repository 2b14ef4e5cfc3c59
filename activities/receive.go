package activities

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"willcall/pos"
	"willcall/postgres"
)

// ReceiveTickets fetches the e-tickets that a seller has given to us, for each of s.Lines, keeps them as documents of the order, and
// puts them on the purchase order s.Invoice, which is marked delivered. A file that has not just a page for each ticket fails with
// invalid: a person looks.
func (a *Activities) ReceiveTickets(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		const what = "receive tickets"
		api, err := src.api()
		if err != nil {
			return Done{}, err
		}
		if api.ETickets == nil {
			return Done{}, unsupported("fetch e-tickets")
		}
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, _ int) (Done, error) {
			in := pos.FulfillmentInput{State: pos.Complete}
			for _, l := range s.Lines {
				file, err := api.ETickets(ctx, s.APIID, l.ID)
				if err != nil {
					return Done{}, err
				}
				pages, err := readPDF(file, time.Now().Add(pdfPatience))
				if err != nil {
					return Done{}, &pos.Error{Class: pos.Invalid, Op: what, Message: fmt.Sprintf("the e-tickets of line %s: %s", l.ID, err)}
				}
				if len(pages) != l.Quantity {
					return Done{}, &pos.Error{Class: pos.Invalid, Op: what,
						Message: fmt.Sprintf("the e-tickets of line %s: %s for %s", l.ID, count(len(pages), "page"), count(l.Quantity, "ticket"))}
				}
				const media = "application/pdf"
				name := "etickets " + l.ID
				if _, err := a.DB.PutDocument(ctx, postgres.Document{SHA256: sha256.Sum256(file), MediaType: media, Body: file}, s.Order.ID, name); err != nil {
					return Done{}, err
				}
				in.Files = append(in.Files, pos.TicketFile{Name: name + ".pdf", MediaType: media, Content: file})
			}
			po, took, err := pos.FulfilPurchase(ctx, src.POS, pos.Op{Key: s.key(), Ref: s.ref()}, s.Invoice, in)
			if err != nil {
				return Done{}, err
			}
			done := Done{Ref: po.ID, Lines: ids(s.Lines)}
			if !took && in.Files != nil {
				done.Detail = "this POS takes no ticket files: the purchase order is marked as delivered, and the tickets are kept here"
			}
			return done, nil
		})
	})
}
