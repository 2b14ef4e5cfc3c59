package order

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Command is an operator's order; the names are those of the workflow's updates.
type Command string

const (
	Approve Command = "approve" // go on in spite of a pending, declined or manual check
	Reject  Command = "reject"  // refuse the order at the provider and undo what was done
	Cancel  Command = "cancel"  // end the order and undo what was done
	Retry   Command = "retry"   // try the failed or waiting steps again, now
	Resolve Command = "resolve" // the matter that needs attention was settled by hand
)

// Decision is one command as it was taken.
type Decision struct {
	Command   Command   `json:"command"`
	By        string    `json:"by"`
	Reason    string    `json:"reason"`
	Reference string    `json:"reference,omitempty"` // Resolve: the POS id of what was made by hand
	Matter    string    `json:"matter,omitempty"`    // Resolve: the [Attention.Key] that it settles
	At        time.Time `json:"at"`
}

// ErrRefused is wrapped by every refusal of [Order.Check]; its text tells a person why and what to do instead.
var ErrRefused = errors.New("refused")

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

// Check says whether the command makes sense now; nil means that [Order.Decide] will have an effect.
func (o *Order) Check(d Decision, now time.Time) error {
	if d.By == "" || d.Reason == "" {
		return refuse(`say who orders it and why: {"by": "...", "reason": "..."}`)
	}
	p := o.Plan(now)
	final := p.State.Final()
	switch d.Command {
	case Approve:
		switch {
		case final:
			return refuse("the order is %s, there is nothing to approve", p.State)
		case p.Attention != nil && p.Attention.Reason == ReasonTicketsUnclear && o.ordered(*p.Attention):
		case p.Attention != nil && p.Attention.Reason == ReasonTicketsUnclear:
			return refuse("the files do not have as many pages as there are tickets: say in the POS whose ticket each holds, or deliver by hand and send resolve")
		case p.State != AwaitingApproval && p.State != AwaitingFraudApproval:
			return refuse("the order is %s and waits for no approval", p.State)
		}
	case Reject:
		switch {
		case final:
			return refuse("the order is %s already", p.State)
		case o.Policy.Adopt:
			return refuse("the sale is our own, there is nobody to refuse it to: send cancel to void its invoice")
		case o.Kind == Purchase:
			return refuse("a purchase is not ours to reject: send cancel, and cancel it at the provider")
		case o.accepted():
			return refuse("the order is accepted at the provider: send cancel, and agree the cancellation with the buyer there")
		}
	case Cancel:
		// Some cancellations leave the invoice in force until a person says that it is to go.
		asked := p.Attention != nil && slices.Contains([]Reason{ReasonCancelledAfterDelivery, ReasonCancelledAfterUse}, p.Attention.Reason)
		if o.Policy.Adopt {
			asked = !o.decided(Cancel)
		}
		switch {
		case (p.State == Cancelled || p.State == Rejected) && !asked:
			return refuse("the order is %s already", p.State)
		case p.State == Completed && o.Facts.Intent != nil:
			return refuse("the purchase intent is completed: cancel the order %s", cmp.Or(o.Facts.Intent.Becomes, "that it became"))
		}
	case Retry:
		if len(o.retriable()) == 0 {
			return refuse("no step has failed or is waiting to be retried")
		}
	case Resolve:
		if p.Attention == nil {
			return refuse("nothing needs attention")
		}
		if s := p.Attention.Step; s != "" && d.Reference == "" && !final && (s.Do() == DoInvoice || s.Do() == DoPurchaseOrder) {
			return refuse(`name what you made in the POS: {"reference": "<its id>"}`)
		}
	default:
		return refuse("unknown command %q", d.Command)
	}
	return nil
}

// Decide takes the command d, which [Order.Check] has allowed.
func (o *Order) Decide(d Decision) {
	switch d.Command {
	case Approve:
		p := o.Plan(d.At)
		if p.Attention != nil && p.Attention.Reason == ReasonTicketsUnclear {
			d.Matter = p.Attention.Key()
		}
		if p.State == AwaitingFraudApproval {
			d.Matter = fraudMatter(o.Facts.Fraud)
		}
	case Retry:
		for _, id := range o.retriable() {
			o.Record(id, Result{Outcome: Unsure, At: d.At, Detail: "to be retried"})
		}
	case Resolve:
		p := o.Plan(d.At)
		if p.Attention == nil {
			return
		}
		d.Matter = p.Attention.Key()
		if id := p.Attention.Step; id != "" {
			ref := d.Reference
			if id.Do() == DoAttach && ref == "" {
				ref = o.InvoiceID()
			}
			var lines []string
			switch {
			case id.Do().Gives():
				for _, s := range o.ToDeliver(id) {
					lines = append(lines, s.LineID)
				}
			case id.Do() == DoReceive && ref == "":
				ref = o.PurchaseOrderID()
			case id.Do() == DoCredit:
				ref = o.InvoiceID()
				for _, l := range o.LiveLines() {
					lines = append(lines, l.ID)
				}
			}
			o.Record(id, Result{Outcome: Done, At: d.At, Ref: ref, By: d.By, Amount: o.Total(), Lines: lines, Customer: o.Steps[id].Customer})
			if undo, ok := undoing[id.Do()]; ok && p.State.Final() {
				// The operator has cleared the POS; a machine that voided by reference might now hit a stranger's record.
				_, n, _ := strings.Cut(string(id), "/")
				o.Record(StepID(string(undo)+"/"+n), Result{Outcome: Done, At: d.At, By: d.By})
			}
		}
	}
	o.Decisions = append(o.Decisions, d)
	o.note(d.At, string(d.Command)+" by "+d.By, "", d.Reason)
	if d.At.After(o.LastNews) {
		o.LastNews = d.At
	}
	o.Revision++
}

// retriable returns the steps that an operator's retry would begin again.
func (o *Order) retriable() []StepID {
	return slices.DeleteFunc(o.StepIDs(), func(id StepID) bool {
		oc := o.Steps[id].Outcome
		return oc != Failed && oc != Running
	})
}

// ordered reports whether the matter is of files that have as many pages as there are tickets.
func (o *Order) ordered(a Attention) bool {
	return o.Facts.Supply != nil && slices.ContainsFunc(o.Facts.Supply.Lines, func(s Supplied) bool {
		return s.Ordered && strings.HasSuffix(a.Key(), " "+s.LineID+" "+s.Digest)
	})
}

func (o *Order) decided(c Command) bool {
	return slices.ContainsFunc(o.Decisions, func(d Decision) bool { return d.Command == c })
}

func (o *Order) resolved(matter string) bool {
	return slices.ContainsFunc(o.Decisions, func(d Decision) bool { return d.Command == Resolve && d.Matter == matter })
}
