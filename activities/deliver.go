package activities

import (
	"context"
	"fmt"
	"slices"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
	"willcall/provider"
)

// DeliverETickets gives the files of one line, the only one of s.Supplied, to the provider. s.Invoice and s.Lines are those of the
// look that found them: the files are read from the POS again, and if they are others now it fails with conflict, for what was
// planned is no longer to be had. The next look plans anew.
func (a *Activities) DeliverETickets(ctx context.Context, s Step) (Done, error) {
	return a.deliver(ctx, s, func(ctx context.Context, src Source, api *API) (Done, error) {
		const op = "deliver e-tickets"
		if api.DeliverETickets == nil {
			return Done{}, unsupported(op)
		}
		now, err := a.stillHeld(ctx, op, s, src)
		if err != nil {
			return Done{}, err
		}
		if len(s.Supplied) != 1 {
			return Done{}, &pos.Error{Class: pos.Invalid, Op: op, Message: fmt.Sprintf("%d lines in one step", len(s.Supplied))}
		}
		planned := s.Supplied[0]
		keep, err := pagesOf(op, planned, s.Lines, now)
		if err != nil {
			return Done{}, err
		}
		var files [][]byte
		for _, d := range now.tickets[planned.LineID] {
			files = append(files, d.Content)
		}
		return Done{Lines: []string{planned.LineID}}, api.DeliverETickets(ctx, s.APIID, planned.LineID, files, keep)
	})
}

// pagesOf are the pages to deliver: those of the plan, or, where an operator has approved the files as they are, all.
func pagesOf(op string, planned order.Supplied, lines []order.Line, now held) ([]int, error) {
	i := slices.IndexFunc(lines, func(l order.Line) bool { return l.ID == planned.LineID })
	quantity := lines[i].Quantity // stillHeld has found it
	pages := planned.Pages
	if len(pages) == 0 {
		var fresh order.Supplied
		for _, l := range now.Lines {
			if l.LineID == planned.LineID {
				fresh = l
			}
		}
		if !fresh.Ordered {
			return nil, &pos.Error{Class: pos.Invalid, Op: op, Message: "which pages are the tickets is unclear"}
		}
		for n := range quantity { // it has just so many
			pages = append(pages, n+1)
		}
	}
	if len(pages) != quantity {
		return nil, &pos.Error{Class: pos.Invalid, Op: op, Message: fmt.Sprintf("%s for %s", count(len(pages), "page"), count(quantity, "ticket"))}
	}
	return pages, nil
}

// RevokeETickets takes the files of the line that the step's id names back from the provider.
func (a *Activities) RevokeETickets(ctx context.Context, s Step) (Done, error) {
	return a.atProvider(ctx, s, func(ctx context.Context, api *API) (Done, error) {
		if api.RevokeETickets == nil {
			return Done{}, unsupported("revoke e-tickets")
		}
		if err := a.DB.NoneUnderWay(ctx, s.Order.ID, string(order.DoETickets)); err != nil {
			return Done{}, err
		}
		line := s.ID.Subject()
		return Done{Lines: []string{line}}, api.RevokeETickets(ctx, s.APIID, line)
	})
}

// TransferTickets tells the provider how the buyer gets the tickets of the lines of s.Supplied by mobile transfer. As with
// [Activities.DeliverETickets] the POS must still hold just these.
func (a *Activities) TransferTickets(ctx context.Context, s Step) (Done, error) {
	return a.deliver(ctx, s, func(ctx context.Context, src Source, api *API) (Done, error) {
		const op = "transfer tickets"
		if api.Transfer == nil {
			return Done{}, unsupported(op)
		}
		now, err := a.stillHeld(ctx, op, s, src)
		if err != nil {
			return Done{}, err
		}
		var done Done
		var transfers []LineTransfer
		for _, l := range s.Supplied {
			if l.Form != order.FormLink && l.Form != order.FormTransfer {
				return Done{}, &pos.Error{Class: pos.Invalid, Op: op, Message: "the tickets of line " + l.LineID + " are no link and no transfer"}
			}
			link, via := wayTo(now.tickets[l.LineID])
			transfers, done.Lines = append(transfers, LineTransfer{LineID: l.LineID, Link: link, Via: via}), append(done.Lines, l.LineID)
		}
		return done, api.Transfer(ctx, s.APIID, transfers)
	})
}

// LeaveAtWillCall tells the provider that the tickets of the lines of s.Supplied lie where their buyer gets them. As with
// [Activities.DeliverETickets] the POS must still hold just these.
func (a *Activities) LeaveAtWillCall(ctx context.Context, s Step) (Done, error) {
	return a.deliver(ctx, s, func(ctx context.Context, src Source, api *API) (Done, error) {
		const op = "leave at will call"
		if api.HandOver == nil {
			return Done{}, unsupported(op)
		}
		if _, err := a.stillHeld(ctx, op, s, src); err != nil {
			return Done{}, err
		}
		var done Done
		for _, l := range s.Supplied {
			done.Lines = append(done.Lines, l.LineID)
		}
		return done, api.HandOver(ctx, s.APIID, done.Lines)
	})
}

// deliver does one write to the provider, once, for which the POS is read.
func (a *Activities) deliver(ctx context.Context, s Step, do func(context.Context, Source, *API) (Done, error)) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		api, err := src.api()
		if err != nil {
			return Done{}, err
		}
		op := postgres.Operation{Key: s.key(), OrderID: s.Order.ID, Do: string(s.ID.Do()), Adapter: src.Kind}
		return once(ctx, a, op, func(ctx context.Context, _ int) (Done, error) { return do(ctx, src, api) })
	})
}

// stillHeld reads the POS again and fails with conflict unless it holds what the step is to deliver. It fails so, too, for a step
// that is to deliver nothing: one that was begun for tickets which the POS does not hold any more, and that is begun again.
func (a *Activities) stillHeld(ctx context.Context, op string, s Step, src Source) (held, error) {
	if len(s.Supplied) == 0 {
		return held{}, &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the POS holds other tickets now than were planned"}
	}
	now, err := a.held(ctx, src, s.Invoice, s.Lines)
	if err != nil {
		return now, err
	}
	for _, planned := range s.Supplied {
		same := func(l order.Supplied) bool { return l.LineID == planned.LineID && l.Digest == planned.Digest }
		if !slices.ContainsFunc(now.Lines, same) || now.tickets[planned.LineID] == nil {
			return now, &provider.CallError{Class: provider.Conflict, Op: op, Detail: "the POS holds other tickets now than were planned for line " + planned.LineID}
		}
	}
	return now, nil
}

// MarkFulfilled tells the POS that the tickets of the invoice are delivered. One that cannot be told loses nothing by it.
func (a *Activities) MarkFulfilled(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, _ int) (Done, error) {
			inv, _, err := pos.Fulfil(ctx, src.POS, pos.Op{Key: s.key(), Ref: s.ref()}, s.Invoice, pos.FulfillmentInput{State: pos.Complete})
			if pos.ClassOf(err) == pos.Unsupported {
				return Done{Ref: s.Invoice, Detail: "this POS cannot be told that an invoice is delivered"}, nil
			}
			return Done{Ref: inv.ID}, err
		})
	})
}
