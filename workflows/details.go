package workflows

import (
	"fmt"
	"strings"
	"time"

	"willcall/order"
)

// Details writes the order's current details for the Temporal UI, in Markdown: where it stands, whose move it is, and what
// to do if it is a person's.
func Details(o *order.Order, p order.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\nsince %s · next: %s\n\n", p.State, moments(o.StateSince), p.Awaits)
	if a := p.Attention; a != nil {
		fmt.Fprintf(&b, "**Needs attention: %s** since %s\n\n%s\n\n**Do:** %s\n\n", a.Reason, moments(o.AttentionSince), a.Detail, a.Advice)
	}
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", name, strings.ReplaceAll(value, "|", "\\|"))
		}
	}
	b.WriteString("| | |\n| --- | --- |\n")
	row("order", fmt.Sprintf("%s %s %s", o.Source, o.Kind, o.ProviderOrderID))
	row("attention if nothing happens by", moments(p.Deadline))
	row("event", show(o.Show()))
	row("amount", o.Total().String())
	for _, l := range o.LiveLines() {
		row("tickets", fmt.Sprintf("%d × section %s row %s%s at %s, ticket group %s, %d delivered",
			l.Quantity, dash(l.Section), dash(l.Row), seats(l), price(l), dash(l.Inventory), o.Given(l)))
	}
	row("fraud check", string(o.Facts.Fraud))
	row("payment", string(o.Facts.Payment))
	if i := o.Facts.Intent; i != nil {
		row("purchase intent, the buyer's time is over", moments(i.ExpiresAt))
		row("became order", i.Becomes)
	}
	row("POS customer", o.CustomerID())
	row("POS invoice", o.InvoiceID())
	row("POS purchase order", o.PurchaseOrderID())
	for _, id := range o.StepIDs() {
		if r := o.Steps[id]; r.Outcome != order.Done {
			row("step "+string(id), strings.TrimSpace(string(r.Outcome)+" "+r.Detail))
		}
	}
	row("described by webhook", o.Facts.Described.By)
	return b.String()
}

// seats are in the order in which pages are taken for them when a person approves the pages of a file.
func seats(l order.Line) string {
	if len(l.Seats) == 0 {
		return ""
	}
	return " seats " + strings.Join(l.Seats, ", ")
}

// price is of one ticket, or of all of the line where it does not divide.
func price(l order.Line) string {
	if l.Sum != (order.Money{}) {
		return l.Sum.String() + " together"
	}
	return l.Unit.String()
}

func show(s order.Show) string {
	if s.Name == "" {
		return s.ID
	}
	return strings.TrimSuffix(s.Name+", "+moments(s.StartsAt), ", ")
}

func moments(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
