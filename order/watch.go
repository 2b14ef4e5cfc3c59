package order

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// watchSale raises what has gone wrong beside the road.
func (p *planner) watchSale() {
	p.watchAmount(DoInvoice)
	p.watchCancelProposal()
	if p.Facts.Fraud == FraudDeclined && p.Facts.Buyer != Office && p.accepted() && !p.fraudHolds() && !p.approvedFraud() {
		p.matter(Attention{Reason: ReasonFraudAfterAcceptance, Detail: "the fraud service declined the buyer after the order was accepted.",
			Advice: "Do not deliver. Agree a cancellation at the provider, or send resolve to deliver at your own risk."})
	}
	if p.Facts.Payment == PaymentReturned && p.outcome(DoInvoice) == Done {
		p.matter(p.returned())
	}
	p.watchShipments()
}

// watchShipments fetches airbills, and raises what a person must hear of parcels and transfers.
func (p *planner) watchShipments() {
	for _, id := range slices.Sorted(maps.Keys(p.Facts.Shipments)) {
		s := p.Facts.Shipments[id]
		if s.AirbillReady && p.Policy.ProviderAPI {
			p.wanted = append(p.wanted, ID(DoAirbill, id, 1))
		}
		if s.AirbillAsked && !s.AirbillReady && !s.Shipped {
			p.matter(Attention{Reason: ReasonAirbillRequested, about: id, Detail: "the seller waits for an airbill from us for shipment " + id + ".",
				Advice: "Upload it at the provider with carrier and tracking number, then send resolve."})
		}
		if s.Reclassified.By != "" {
			p.matter(Attention{Reason: ReasonDeliveryReclassified, about: id + " " + s.Reclassified.By,
				Detail: "shipment " + id + " travels in another way than was agreed.", Advice: "See at the provider how the tickets come, tell the buyer, then send resolve."})
		}
		for _, l := range p.LiveLines() {
			if !l.Delivered.IsZero() && s.Changed.At.After(l.Delivered) {
				p.matter(Attention{Reason: ReasonRecipientChanged, about: id + " " + s.Changed.By,
					Detail: "the recipient was changed after tickets were sent.", Advice: "Check with the buyer that the right person has them, then send resolve."})
				break
			}
		}
	}
}

// watchShow raises news of the performance that changes what the buyer bought.
func (p *planner) watchShow() {
	t := p.Facts.Times
	if t.Off {
		p.matter(Attention{Reason: ReasonEventOff, about: t.News.By, Detail: "the provider has taken the event off.",
			Advice: "Find out whether it is postponed. Send cancel to undo the order, or resolve to keep it."})
	}
	if !t.First.At.Equal(t.Now.At) && t.Now.By.At.After(p.Facts.FirstReceived) {
		p.matter(Attention{Reason: ReasonEventMoved, about: t.Now.At.Format(time.RFC3339),
			Detail: "the event was moved from " + t.First.At.Format("2006-01-02 15:04 MST") + " to " + t.Now.At.Format("2006-01-02 15:04 MST") + ".",
			Advice: "Tell the buyer, and agree a refund where it is due. Send resolve to keep the order, or cancel."})
	}
	if t.Unsaid.By != "" && !p.Policy.ProviderAPI {
		p.matter(Attention{Reason: ReasonEventChanged, about: t.Unsaid.By, Detail: "the provider says that the event was changed, and not how.",
			Advice: "Look the event up at the provider, correct what must be, then send resolve."})
	}
}

// watchTickets raises what is wrong with tickets that came.
func (p *planner) watchTickets() {
	live := p.LiveLines()
	if strays := p.strays(); len(strays) > 0 && len(live) != 1 {
		p.matter(Attention{Reason: ReasonTicketsUnplaced, about: strconv.Itoa(len(strays)),
			Detail: tickets(len(strays)) + " came for a listing that the order does not have; what came is kept with it.",
			Advice: "Compare the listing at the provider with the invoice. Give the tickets to the buyer by hand if they are right, then send resolve."})
	}
	for _, l := range live {
		if len(l.Tickets) > l.Quantity {
			p.matter(p.surplus(l))
		}
		if l.Ticket.State == TicketInvalid {
			p.due(l.Ticket.At.Add(settleNews), Attention{Reason: ReasonTicketInvalid, about: l.ID + " " + l.Ticket.By,
				Detail: "a ticket is invalid at the provider, although the order stands.",
				Advice: "See at the provider why. Make it valid again or refund it there, then send resolve."})
		}
	}
	if all, delivered := p.deliveries(); delivered < all || all == 0 {
		for _, id := range slices.Sorted(maps.Keys(p.Facts.Spoilt)) {
			p.matter(Attention{Reason: ReasonTicketUnusable, about: id, Detail: "a ticket came that cannot be used: " + p.Facts.Spoilt[id] + ".",
				Advice: "Have the supplying broker upload it again, or send resolve when the buyer has it."})
		}
	}
}

func (p *planner) surplus(l Line) Attention {
	n := len(l.Tickets)
	a := Attention{Reason: ReasonTicketsSurplus, about: l.ID + " " + strconv.Itoa(n),
		Detail: tickets(n) + " came for a line of " + strconv.Itoa(l.Quantity) + ": one may be a correction of another.",
		Advice: "See which ones are good before they are given to the buyer, then send resolve."}
	if p.Policy.Attach {
		a.Advice = "See which ones are good, and put those on the invoice in the POS before they are given to the buyer; then send resolve."
	}
	return a
}

func tickets(n int) string {
	if n == 1 {
		return "one ticket"
	}
	return strconv.Itoa(n) + " tickets"
}

// watchDocuments asks for what documents left out, and for people where people are meant.
func (p *planner) watchDocuments() {
	if by := p.Facts.Reread.By; by != "" {
		switch {
		case p.Policy.ProviderAPI:
			p.wanted = append(p.wanted, ID(DoReread, by, 1))
		case by != p.Facts.Times.Unsaid.By: // else watchShow asks
			p.matter(Attention{Reason: ReasonRereadByHand, about: by, Detail: "something about the order has changed, and the webhook does not say what.",
				Advice: "Look the order up at the provider and correct the POS, then send resolve."})
		}
	}
	for _, id := range p.Facts.Cases {
		p.matter(Attention{Reason: ReasonSupportCase, about: id, Detail: "the provider has assigned support case " + id + " to us.",
			Advice: "Answer it at the provider, then send resolve."})
	}
}

func (p *planner) watchAmount(do Do) {
	r := p.resultInForce(do, undoing[do])
	if t := p.Total(); r.Outcome == Done && r.Amount != t && !(do == DoInvoice && p.recounted()) {
		p.matter(Attention{Reason: ReasonAmountChanged, about: t.String(),
			Detail: "the POS has " + r.Amount.String() + ", the provider's lines now add up to " + t.String() + ".",
			Advice: "Correct the record in the POS, then send resolve."})
	}
}

func (p *planner) watchCancelProposal() {
	if p.Facts.Has(StatusCancelProposed) {
		p.matter(Attention{Reason: ReasonCancelProposed, Detail: "the other party proposes to cancel.",
			Advice: "Agree at the provider (its webhook cancels the order here), or send resolve to go on."})
	}
}
