package postest

import (
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
	voided, err := s.VoidInvoice(ctx, pos.Op{Key: "v"}, made.ID, pos.VoidInput{Reason: "test"})
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
