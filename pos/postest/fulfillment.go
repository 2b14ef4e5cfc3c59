package postest

import (
	"reflect"
	"slices"
	"testing"

	"willcall/pos"
)

// fulfills reports whether the POS can be told that an invoice is delivered. One that cannot says so, and changes nothing.
func (s *setup) fulfills(t *testing.T, invoiceID string) bool {
	t.Helper()
	got, err := s.SetFulfillment(t.Context(), pos.Op{Key: "probe"}, invoiceID, pos.FulfillmentInput{State: pos.Pending})
	switch {
	case err == nil && got.Fulfillment == pos.Pending:
		return true
	case err == nil:
		t.Errorf("SetFulfillment: got %+v; want it pending", got)
		return false
	}
	wantClass(t, "SetFulfillment", err, pos.Unsupported)
	return false
}

// invoiced is an invoice, and whether the POS can be told of deliveries at all.
func (s *setup) invoiced(t *testing.T) (made pos.Invoice, ok bool) {
	t.Helper()
	inv, err := s.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "r"}, sale(s.customer(t), "g1-1", "g1-2"))
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	return inv, s.fulfills(t, inv.ID)
}

// delivery has words of the buyer in it, which no error may have.
func (s *setup) delivery() pos.FulfillmentInput {
	in := pos.FulfillmentInput{State: pos.Complete}
	if s.caps.TicketUpload {
		in.Files = files("quibblethorpe 1.pdf", "quibblethorpe 2.pdf")
	}
	return in
}

func files(names ...string) (all []pos.TicketFile) {
	for _, name := range names {
		all = append(all, pos.TicketFile{Name: name, MediaType: "application/pdf", Content: []byte("%PDF-1.7 zelda \x00\xff")})
	}
	return all
}

func (s *setup) wantFiles(t *testing.T, invoiceID string, want ...string) {
	t.Helper()
	keeper, ok := s.Faults.(FileKeeper)
	if !ok {
		return
	}
	if got := keeper.FileNames(invoiceID); !slices.Equal(got, want) {
		t.Errorf("files: got %q; want %q", got, want)
	}
}

func fulfillmentIsSetAndSetAgain(t *testing.T, s *setup) {
	ctx := t.Context()
	made, ok := s.invoiced(t)
	if !ok {
		return
	}
	for _, state := range []pos.Fulfillment{pos.Complete, pos.Complete, pos.Pending, pos.Complete} {
		want := made
		want.Fulfillment = state
		got, err := s.SetFulfillment(ctx, pos.Op{Key: "f"}, made.ID, pos.FulfillmentInput{State: state})
		if state == pos.Pending && s.limits.StaysDelivered {
			wantClass(t, "SetFulfillment to pending again", err, pos.Unsupported)
			continue // what follows finds it complete
		}
		if err != nil || !sameInvoice(got, want) {
			t.Fatalf("SetFulfillment: got %+v, %v; want %+v", got, err, want)
		}
		if read, err := s.GetInvoice(ctx, made.ID); err != nil || !sameInvoice(read, want) {
			t.Errorf("GetInvoice: got %+v, %v; want %+v", read, err, want)
		}
	}
	for _, id := range []string{"nobody", "", "..", "a/b"} {
		_, err := s.SetFulfillment(ctx, pos.Op{Key: "f"}, id, pos.FulfillmentInput{State: pos.Complete})
		wantClass(t, "SetFulfillment of "+id, err, pos.NotFound)
	}
}

func ticketFilesAreReplacedOrLeft(t *testing.T, s *setup) {
	ctx := t.Context()
	made, ok := s.invoiced(t)
	if !ok {
		return
	}
	if !s.caps.TicketUpload {
		_, err := s.SetFulfillment(ctx, pos.Op{Key: "f"}, made.ID, pos.FulfillmentInput{State: pos.Complete, Files: files("a.pdf")})
		wantClass(t, "SetFulfillment with files", err, pos.Unsupported)
		if read, err := s.GetInvoice(ctx, made.ID); err != nil || !sameInvoice(read, made) {
			t.Errorf("GetInvoice after a refusal: got %+v, %v; want %+v", read, err, made)
		}
		got, took, err := pos.Fulfil(ctx, s, pos.Op{Key: "f"}, made.ID, pos.FulfillmentInput{State: pos.Complete, Files: files("a.pdf")})
		if err != nil || took || got.Fulfillment != pos.Complete {
			t.Errorf("Fulfil: got %+v, files %v, %v; want complete, without files", got, took, err)
		}
		s.wantFiles(t, made.ID)
		return
	}
	link := pos.TicketFile{Name: "proof", MediaType: "text/html", URL: "https://proofs.example.com/1"}
	if len(made.Lines[0].TicketIDs) > 0 {
		link.TicketIDs = made.Lines[0].TicketIDs[:1]
	}
	for _, step := range []struct {
		files []pos.TicketFile
		want  []string
	}{
		{append(files("a.pdf"), link), []string{"a.pdf", "proof"}},
		{nil, []string{"a.pdf", "proof"}},
		{files("b.pdf"), []string{"b.pdf"}},
		{files("b.pdf"), []string{"b.pdf"}},
		{[]pos.TicketFile{}, nil},
	} {
		if _, err := s.SetFulfillment(ctx, pos.Op{Key: "f"}, made.ID, pos.FulfillmentInput{State: pos.Complete, Files: step.files}); err != nil {
			t.Fatalf("SetFulfillment: got %v; want no error", err)
		}
		s.wantFiles(t, made.ID, step.want...)
	}
}

func voidInvoiceIsNotFulfilled(t *testing.T, s *setup) {
	ctx := t.Context()
	made, ok := s.invoiced(t)
	if !ok {
		return
	}
	voided, err := s.VoidInvoice(ctx, pos.Op{Key: "v"}, made.ID, pos.VoidInput{Restock: s.limits.AlwaysRestocks, Reason: "test"})
	if err != nil {
		t.Fatalf("VoidInvoice: got %v; want no error", err)
	}
	_, err = s.SetFulfillment(ctx, pos.Op{Key: "f"}, made.ID, s.delivery())
	wantClass(t, "SetFulfillment of a void invoice", err, pos.Invalid)
	if read, err := s.GetInvoice(ctx, made.ID); err != nil || !sameInvoice(read, voided) {
		t.Errorf("GetInvoice: got %+v, %v; want %+v", read, err, voided)
	}
	s.wantFiles(t, made.ID)
}

func fulfilFindsItsWayAfterALostAnswer(t *testing.T, s *setup) {
	ctx := t.Context()
	made, ok := s.invoiced(t)
	if !ok {
		return
	}
	for _, kind := range []Kind{LostBefore, LostAfter} {
		switch { // what is in that state already need not be written
		case !s.limits.StaysDelivered:
			if _, err := s.SetFulfillment(ctx, pos.Op{Key: "p"}, made.ID, pos.FulfillmentInput{State: pos.Pending}); err != nil {
				t.Fatalf("SetFulfillment: got %v; want no error", err)
			}
		case kind == LostAfter:
			var err error
			if made, err = s.CreateInvoice(ctx, pos.Op{Key: "k2", Ref: "r2"}, sale(made.CustomerID, "g2-1")); err != nil {
				t.Fatalf("CreateInvoice: got %v; want no error", err)
			}
		}
		s.Set(0, Fault{Call: SetFulfillment, Kind: kind, Count: 1})
		_, _, err := pos.Fulfil(ctx, s, pos.Op{Key: "f"}, made.ID, s.delivery())
		wantClass(t, "Fulfil with "+string(kind), err, pos.OutcomeUnknown)
		s.Set(0)
		got, took, err := pos.Fulfil(ctx, s, pos.Op{Key: "f"}, made.ID, s.delivery())
		if err != nil || took != s.caps.TicketUpload || got.Fulfillment != pos.Complete || got.ID != made.ID {
			t.Errorf("Fulfil again after %s: got %+v, files %v, %v; want it complete", kind, got, took, err)
		}
		if s.caps.TicketUpload {
			s.wantFiles(t, made.ID, "quibblethorpe 1.pdf", "quibblethorpe 2.pdf")
		}
	}
}

func deliveriesAreRead(t *testing.T, s *setup) {
	ctx := t.Context()
	inv, err := s.CreateInvoice(ctx, pos.Op{Key: "k", Ref: "r"}, sale(s.customer(t), "g1-1", "g1-2"))
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	got, err := s.GetDeliveries(ctx, inv.ID)
	if !s.caps.ReadDeliveries {
		wantClass(t, "GetDeliveries", err, pos.Unsupported)
		return
	}
	if err != nil || len(got) != 0 {
		t.Errorf("GetDeliveries of a new invoice: got %d, %v; want none, no error", len(got), err)
	}
	for _, id := range []string{"nobody", "", "..", "a/b"} {
		_, err := s.GetDeliveries(ctx, id)
		wantClass(t, "GetDeliveries of "+id, err, pos.NotFound)
	}
	supplier, ok := s.Faults.(Supplier)
	if !ok {
		return
	}
	for range 2 {
		want := supplier.Supply(inv)
		got, err := s.GetDeliveries(ctx, inv.ID)
		if err != nil || len(want) == 0 || !slices.EqualFunc(got, want, sameDelivery) {
			t.Errorf("GetDeliveries: got %d deliveries, %v; want these %d:\n%+v\n%+v", len(got), err, len(want), got, want)
		}
	}
}

func sameDelivery(a, b pos.Delivery) bool {
	same := slices.Equal(a.TicketIDs, b.TicketIDs) && slices.Equal(a.Content, b.Content)
	a.TicketIDs, a.Content, b.TicketIDs, b.Content = nil, nil, nil, nil
	return same && reflect.DeepEqual(a, b)
}

func (s *setup) wantPurchaseFiles(t *testing.T, id string, want ...string) {
	t.Helper()
	keeper, ok := s.Faults.(PurchaseFileKeeper)
	if !ok {
		return
	}
	if got := keeper.PurchaseFileNames(id); !slices.Equal(got, want) {
		t.Errorf("files of the purchase order: got %q; want %q", got, want)
	}
}

func purchaseIsFulfilledAndFulfilledAgain(t *testing.T, s *setup) {
	ctx := t.Context()
	made, err := s.CreatePurchaseOrder(ctx, pos.Op{Key: "k", Ref: "po"}, purchase())
	if err != nil {
		t.Fatalf("CreatePurchaseOrder: got %v; want no error", err)
	}
	op := pos.Op{Key: "f"}
	if !s.caps.FulfillPurchases {
		_, err := s.FulfillPurchaseOrder(ctx, op, made.ID, pos.FulfillmentInput{State: pos.Complete})
		wantClass(t, "FulfillPurchaseOrder", err, pos.Unsupported)
		_, _, err = pos.FulfilPurchase(ctx, s, op, made.ID, pos.FulfillmentInput{State: pos.Complete})
		wantClass(t, "FulfilPurchase", err, pos.Unsupported)
		return
	}
	if !s.caps.TicketUpload {
		_, err := s.FulfillPurchaseOrder(ctx, op, made.ID, pos.FulfillmentInput{State: pos.Complete, Files: files("a.pdf")})
		wantClass(t, "FulfillPurchaseOrder with files", err, pos.Unsupported)
		got, took, err := pos.FulfilPurchase(ctx, s, op, made.ID, pos.FulfillmentInput{State: pos.Complete, Files: files("a.pdf")})
		if err != nil || took || got.Fulfillment != pos.Complete {
			t.Errorf("FulfilPurchase: got %+v, files %v, %v; want complete, without files", got, took, err)
		}
		s.wantPurchaseFiles(t, made.ID)
	}
	for _, id := range []string{"nobody", "", "..", "a/b"} {
		_, err := s.FulfillPurchaseOrder(ctx, op, id, pos.FulfillmentInput{State: pos.Complete})
		wantClass(t, "FulfillPurchaseOrder of "+id, err, pos.NotFound)
	}
	for _, state := range []pos.Fulfillment{pos.Complete, pos.Complete, pos.Pending, pos.Complete} {
		got, err := s.FulfillPurchaseOrder(ctx, op, made.ID, pos.FulfillmentInput{State: state})
		if err != nil || got.ID != made.ID || got.Fulfillment != state || got.Voided {
			t.Errorf("FulfillPurchaseOrder: got %+v, %v; want %s %s", got, err, made.ID, state)
		}
		if s.caps.SearchPurchaseOrders {
			if found, err := s.FindPurchaseOrders(ctx, "po"); err != nil || len(found) != 1 || found[0].Fulfillment != state {
				t.Errorf("FindPurchaseOrders: got %+v, %v; want one, %s", found, err, state)
			}
		}
	}
	for _, kind := range []Kind{LostBefore, LostAfter} {
		if _, err := s.FulfillPurchaseOrder(ctx, op, made.ID, pos.FulfillmentInput{State: pos.Pending}); err != nil {
			t.Fatalf("FulfillPurchaseOrder: got %v; want no error", err)
		}
		s.Set(0, Fault{Call: FulfillPurchaseOrder, Kind: kind, Count: 1})
		_, _, err := pos.FulfilPurchase(ctx, s, op, made.ID, s.delivery())
		wantClass(t, "FulfilPurchase with "+string(kind), err, pos.OutcomeUnknown)
		s.Set(0)
		got, took, err := pos.FulfilPurchase(ctx, s, op, made.ID, s.delivery())
		if err != nil || took != s.caps.TicketUpload || got.Fulfillment != pos.Complete || got.ID != made.ID {
			t.Errorf("FulfilPurchase again after %s: got %+v, files %v, %v; want it complete", kind, got, took, err)
		}
		if s.caps.TicketUpload {
			s.wantPurchaseFiles(t, made.ID, "quibblethorpe 1.pdf", "quibblethorpe 2.pdf")
		}
	}
	if _, err := s.VoidPurchaseOrder(ctx, pos.Op{Key: "v"}, made.ID, pos.VoidInput{Reason: "test"}); err != nil {
		t.Fatalf("VoidPurchaseOrder: got %v; want no error", err)
	}
	_, err = s.FulfillPurchaseOrder(ctx, op, made.ID, pos.FulfillmentInput{State: pos.Pending})
	wantClass(t, "FulfillPurchaseOrder of a void one", err, pos.Invalid)
}
