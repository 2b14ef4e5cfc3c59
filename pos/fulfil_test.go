package pos_test

import (
	"context"
	"strings"
	"testing"

	"willcall/pos"
)

// answers is a POS that takes everything and answers with one invoice, or a purchase order that is like it.
type answers struct {
	pos.Adapter
	invoice     pos.Invoice
	asked       *pos.FulfillmentInput
	noPurchases bool
}

func (a answers) Capabilities(context.Context) (pos.Capabilities, error) {
	return pos.Capabilities{TicketUpload: true, FulfillPurchases: !a.noPurchases}, nil
}

func (a answers) SetFulfillment(_ context.Context, _ pos.Op, _ string, in pos.FulfillmentInput) (pos.Invoice, error) {
	*a.asked = in
	return a.invoice, nil
}

func (a answers) FulfillPurchaseOrder(_ context.Context, _ pos.Op, _ string, in pos.FulfillmentInput) (pos.PurchaseOrder, error) {
	*a.asked = in
	return pos.PurchaseOrder{ID: a.invoice.ID, Voided: a.invoice.Voided, Fulfillment: a.invoice.Fulfillment}, nil
}

func TestFulfilBelievesOnlyItsOwnRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer pos.Invoice
		want   pos.Class
	}{
		"Complete":      {pos.Invoice{ID: "i", Fulfillment: pos.Complete}, ""},
		"StillPending":  {pos.Invoice{ID: "i", Fulfillment: pos.Pending}, pos.OutcomeUnknown},
		"Void":          {pos.Invoice{ID: "i", Fulfillment: pos.Complete, Voided: true}, pos.OutcomeUnknown},
		"AnotherRecord": {pos.Invoice{ID: "j", Fulfillment: pos.Complete}, pos.OutcomeUnknown},
	} {
		a := answers{invoice: c.answer, asked: &pos.FulfillmentInput{}}
		_, _, err := pos.Fulfil(t.Context(), a, pos.Op{Key: "k"}, "i", pos.FulfillmentInput{State: pos.Complete})
		if pos.ClassOf(err) != c.want {
			t.Errorf("%s: got %v; want class %q", name, err, c.want)
		}
		_, _, err = pos.FulfilPurchase(t.Context(), a, pos.Op{Key: "k"}, "i", pos.FulfillmentInput{State: pos.Complete})
		if pos.ClassOf(err) != c.want {
			t.Errorf("%s, a purchase: got %v; want class %q", name, err, c.want)
		}
	}
}

func TestFulfilAsksNothingInVain(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	complete := pos.FulfillmentInput{State: pos.Complete}
	for name, c := range map[string]struct {
		ctx         context.Context
		op          pos.Op
		in          pos.FulfillmentInput
		noPurchases bool
		want        pos.Class
	}{
		"NoKey":       {t.Context(), pos.Op{}, complete, false, pos.Invalid},
		"NoState":     {t.Context(), pos.Op{Key: "k"}, pos.FulfillmentInput{}, false, pos.Invalid},
		"Stopped":     {stopped, pos.Op{Key: "k"}, complete, false, pos.Transient},
		"NoPurchases": {t.Context(), pos.Op{Key: "k"}, complete, true, pos.Unsupported},
	} {
		a := answers{asked: &pos.FulfillmentInput{}, noPurchases: c.noPurchases}
		_, _, err := pos.FulfilPurchase(c.ctx, a, c.op, "i", c.in)
		if pos.ClassOf(err) != c.want || a.asked.State != "" {
			t.Errorf("%s: got %v after asking %+v; want class %s, and nothing asked", name, err, *a.asked, c.want)
		}
	}
}

func TestFulfilSendsNoFileThatIsNone(t *testing.T) {
	t.Parallel()
	good := pos.TicketFile{Name: "a.pdf", MediaType: "application/pdf", Content: []byte("x")}
	for name, change := range map[string]func(*pos.TicketFile){
		"NoName":      func(f *pos.TicketFile) { f.Name = "" },
		"LongName":    func(f *pos.TicketFile) { f.Name = strings.Repeat("secret", 50) },
		"NoMediaType": func(f *pos.TicketFile) { f.MediaType = "" },
		"Empty":       func(f *pos.TicketFile) { f.Content = nil },
		"Both":        func(f *pos.TicketFile) { f.URL = "https://example.com/secret" },
		"NoURL":       func(f *pos.TicketFile) { f.Content, f.URL = nil, "secret" },
	} {
		f, a := good, answers{asked: &pos.FulfillmentInput{}}
		change(&f)
		_, _, err := pos.Fulfil(t.Context(), a, pos.Op{Key: "k"}, "i", pos.FulfillmentInput{State: pos.Complete, Files: []pos.TicketFile{good, f}})
		if pos.ClassOf(err) != pos.Invalid || strings.Contains(err.Error(), "secret") || a.asked.State != "" {
			t.Errorf("%s: got %v after asking %+v; want invalid, without its words, and nothing asked", name, err, *a.asked)
		}
	}
}
