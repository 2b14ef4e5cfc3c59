package postest

import (
	"cmp"
	"slices"
	"testing"

	"willcall/pos"
)

func pingAnswers(t *testing.T, s *setup) {
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: got %v; want no error", err)
	}
}

func capabilitiesStayTheSame(t *testing.T, s *setup) {
	again, err := s.Capabilities(t.Context())
	if err != nil || again != s.caps {
		t.Errorf("Capabilities: got %+v, %v; want %+v, no error", again, err, s.caps)
	}
}

func inventoryShowsItsTickets(t *testing.T, s *setup) {
	want := Stock()[1]
	got, err := s.GetInventory(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("GetInventory: got %v; want no error", err)
	}
	if got.ID != want.ID || got.Event != want.Event || got.Section != want.Section || got.Row != want.Row ||
		got.Quantity != want.Quantity || got.Status != want.Status {
		t.Errorf("GetInventory: got %+v; want %+v", got, want)
	}
	if s.caps.SellsSeats && !slices.Equal(got.Tickets, want.Tickets) {
		t.Errorf("GetInventory: got tickets %v; want %v", got.Tickets, want.Tickets)
	}
}

func unknownIDsAreNotFound(t *testing.T, s *setup) {
	ctx := t.Context()
	_, err := s.GetInventory(ctx, "nobody")
	wantClass(t, "GetInventory", err, pos.NotFound)
	_, err = s.GetInvoice(ctx, "nobody")
	wantClass(t, "GetInvoice", err, pos.NotFound)
	_, err = s.VoidInvoice(ctx, pos.Op{Key: "k"}, "nobody", pos.VoidInput{Reason: "test"})
	wantClass(t, "VoidInvoice", err, pos.NotFound)
	_, err = s.VoidPurchaseOrder(ctx, pos.Op{Key: "k"}, "nobody", pos.VoidInput{Reason: "test"})
	wantClass(t, "VoidPurchaseOrder", err, pos.NotFound)
	// An id is data, also where an adapter puts it into a path.
	for _, id := range []string{"..", "a/b", "?x=1", "", "%2e%2e", "ü \n"} {
		_, err = s.GetInvoice(ctx, id)
		wantClass(t, "GetInvoice of "+id, err, pos.NotFound)
	}
}

func searchesThatFindNothingAreNoErrors(t *testing.T, s *setup) {
	ctx := t.Context()
	if s.caps.SearchCustomers {
		if got, err := s.FindCustomers(ctx, pos.CustomerQuery{Email: buyerEmail}); err != nil || len(got) != 0 {
			t.Errorf("FindCustomers: got %d, %v; want none, no error", len(got), err)
		}
	}
	if s.caps.SearchInvoices {
		if got, err := s.FindInvoices(ctx, "none"); err != nil || len(got) != 0 {
			t.Errorf("FindInvoices: got %d, %v; want none, no error", len(got), err)
		}
	}
	if s.caps.SearchPurchaseOrders {
		if got, err := s.FindPurchaseOrders(ctx, "none"); err != nil || len(got) != 0 {
			t.Errorf("FindPurchaseOrders: got %d, %v; want none, no error", len(got), err)
		}
	}
}

func customersAreFoundByEmailAndPhone(t *testing.T, s *setup) {
	ctx := t.Context()
	in := buyer()
	in.Company = "Sample & Söhne"
	made, err := s.CreateCustomer(ctx, pos.Op{Key: "customer/1"}, in)
	if err != nil {
		t.Fatalf("CreateCustomer: got %v; want no error", err)
	}
	want := pos.Customer{Name: in.Name, Email: in.Email, Phone: in.Phone, Company: in.Company, Kind: in.Kind}
	if s.limits.Customer != nil {
		want = s.limits.Customer(in)
	}
	want.ID, want.CreatedAt = made.ID, made.CreatedAt
	if made.ID == "" || made != want || made.CreatedAt.IsZero() != s.limits.AgelessCustomers {
		t.Errorf("CreateCustomer: got %+v; want %+v with id and time", made, want)
	}
	other := pos.CustomerInput{Name: "Otto Other", Email: "otto@example.com", Phone: "+1 555 0100 3141", Kind: pos.Broker}
	if _, err := s.CreateCustomer(ctx, pos.Op{Key: "customer/2"}, other); err != nil {
		t.Fatalf("CreateCustomer: got %v; want no error", err)
	}
	if !s.caps.SearchCustomers {
		return
	}
	for name, q := range map[string]pos.CustomerQuery{
		"email":            {Email: in.Email},
		"lower case email": {Email: "zelda.quibblethorpe@example.com"},
		"phone":            {Phone: in.Phone},
	} {
		got, err := s.FindCustomers(ctx, q)
		if err != nil || len(got) != 1 || got[0] != made {
			t.Errorf("FindCustomers by %s: got %+v, %v; want %+v", name, got, err, made)
		}
	}
}

// customersThatCannotBeFoundAreNotMade is for a POS without keys and without a search: a second attempt would make a second
// customer, so there is no first.
func customersThatCannotBeFoundAreNotMade(t *testing.T, s *setup) {
	_, err := s.FindCustomers(t.Context(), pos.CustomerQuery{Email: buyerEmail})
	wantClass(t, "FindCustomers", err, pos.Unsupported)
	for attempt := range 3 {
		_, _, err := pos.EnsureCustomer(t.Context(), s, pos.Op{Key: "k"}, buyer(), s.opts(attempt))
		wantClass(t, "EnsureCustomer", err, pos.Unsupported)
	}
	if all := s.State().Customers; len(all) != 0 {
		t.Errorf("customers: got %d; want none", len(all))
	}
}

// otherCurrenciesAreInvalid: an amount that would be booked as another one is not booked.
func otherCurrenciesAreInvalid(t *testing.T, s *setup) {
	if s.limits.Currency == "" {
		return
	}
	ctx := t.Context()
	customer := s.customer(t)
	for _, currency := range []string{"USD", "EUR", "KWD", "JPY"} {
		if currency == s.limits.Currency {
			continue
		}
		in, bought := sale(customer, "g1-1"), purchase()
		in.Lines[0].Total.Currency, bought.Lines[0].Total.Currency = currency, currency
		_, err := s.CreateInvoice(ctx, pos.Op{Key: "k" + currency, Ref: "r" + currency}, in)
		wantClass(t, "CreateInvoice in "+currency, err, pos.Invalid)
		_, err = s.CreatePurchaseOrder(ctx, pos.Op{Key: "p" + currency, Ref: "r" + currency}, bought)
		wantClass(t, "CreatePurchaseOrder in "+currency, err, pos.Invalid)
	}
	if got := s.State(); len(got.Invoices)+len(got.PurchaseOrders) != 0 {
		t.Errorf("records: got %+v; want none", got)
	}
}

func customersAreChanged(t *testing.T, s *setup) {
	ctx := t.Context()
	made, err := s.CreateCustomer(ctx, pos.Op{Key: "customer/1"}, buyer())
	if err != nil {
		t.Fatalf("CreateCustomer: got %v; want no error", err)
	}
	in := buyer()
	in.Name, in.Email, in.Company, in.Kind = "Zelda Newname", "zelda.newname@example.com", "", pos.Broker
	if !s.caps.UpdateCustomers {
		if _, err := s.UpdateCustomer(ctx, pos.Op{Key: "update/1"}, made.ID, in); pos.ClassOf(err) != pos.Unsupported {
			t.Errorf("UpdateCustomer: got %v; want unsupported, as the capabilities say", err)
		}
		return
	}
	want := made
	want.Name, want.Email, want.Company = in.Name, in.Email, in.Company
	for range 2 {
		got, err := s.UpdateCustomer(ctx, pos.Op{Key: "update/1"}, made.ID, in)
		if err != nil || got != want {
			t.Fatalf("UpdateCustomer: got %+v, %v; want %+v, its kind as it was", got, err, want)
		}
	}
	if _, err := s.UpdateCustomer(ctx, pos.Op{Key: "update/2"}, "no-such-customer", in); pos.ClassOf(err) != pos.NotFound {
		t.Errorf("UpdateCustomer of nobody: got %v; want not_found", err)
	}
	if !s.caps.SearchCustomers {
		return
	}
	if found, err := s.FindCustomers(ctx, pos.CustomerQuery{Email: in.Email}); err != nil || len(found) != 1 || found[0] != want {
		t.Errorf("FindCustomers by the new address: got %+v, %v; want %+v", found, err, want)
	}
}

func invoiceComesBackAsAsked(t *testing.T, s *setup) {
	ctx := t.Context()
	in := sale(s.customer(t), "g1-3", "g1-4")
	in.Lines = append(in.Lines, pos.InvoiceLine{
		InventoryID: "g2", TicketIDs: []string{"g2-1"}, Quantity: 1, Total: pos.Money{Minor: 5, Currency: s.in("KWD")},
	})
	if s.limits.OneCurrency {
		_, err := s.CreateInvoice(ctx, pos.Op{Key: "two", Ref: "two"}, in)
		wantClass(t, "CreateInvoice in two currencies", err, pos.Invalid)
		if n := len(s.State().Invoices); n != 0 {
			t.Errorf("invoices: got %d; want 0", n)
		}
		in.Lines[1].Total.Currency = "USD"
	}
	made, err := s.CreateInvoice(ctx, pos.Op{Key: "k", Ref: "ord/1 ü&=?"}, in)
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	if made.ID == "" || made.Ref != "ord/1 ü&=?" || made.CustomerID != in.CustomerID || made.Payment != pos.Paid ||
		made.Fulfillment != pos.Pending || made.Voided || made.VoidReason != "" || made.CreatedAt.IsZero() {
		t.Errorf("CreateInvoice: got %+v; want a live, paid, pending invoice of %+v", made, in)
	}
	if len(made.Lines) != 2 {
		t.Fatalf("CreateInvoice: got %d lines; want 2", len(made.Lines))
	}
	for i, got := range made.Lines {
		want := in.Lines[i]
		if got.ID == "" || got.InventoryID != want.InventoryID || got.Quantity != want.Quantity || got.Total != want.Total {
			t.Errorf("line %d: got %+v; want %+v with an id", i, got, want)
		}
		if s.caps.SellsSeats && !slices.Equal(got.TicketIDs, want.TicketIDs) {
			t.Errorf("line %d: got tickets %v; want %v", i, got.TicketIDs, want.TicketIDs)
		}
	}
	got, err := s.GetInvoice(ctx, made.ID)
	if err != nil || !sameInvoice(got, made) {
		t.Errorf("GetInvoice: got %+v, %v; want %+v", got, err, made)
	}
}

func invoiceSearchMatchesTheWholeReference(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	made, err := s.CreateInvoice(ctx, pos.Op{Key: "k1", Ref: "ord-1"}, sale(customer, "g1-1"))
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	if _, err := s.CreateInvoice(ctx, pos.Op{Key: "k2", Ref: "ord-10"}, sale(customer, "g1-2")); err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	got, err := s.FindInvoices(ctx, "ord-1")
	if err != nil {
		t.Fatalf("FindInvoices: got %v; want no error", err)
	}
	got = slices.DeleteFunc(got, func(i pos.Invoice) bool { return i.Ref != "ord-1" })
	if len(got) != 1 || !sameInvoice(got[0], made) {
		t.Errorf("FindInvoices: got %+v; want %+v alone", got, made)
	}
	if got, err := s.FindInvoices(ctx, "ORD-1"); err != nil || slices.ContainsFunc(got, func(i pos.Invoice) bool { return i.Ref == "ORD-1" }) {
		t.Errorf("FindInvoices of a reference nobody used: got %+v, %v; want none of it", got, err)
	}
}

func invoiceWithoutTicketIDsPicksSome(t *testing.T, s *setup) {
	in := sale(s.customer(t), "g3-1", "g3-2", "g3-3")
	in.Lines[0].TicketIDs = nil
	made, err := s.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "r"}, in)
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	if s.caps.SellsSeats && len(made.Lines[0].TicketIDs) != 3 {
		t.Errorf("tickets: got %v; want three", made.Lines[0].TicketIDs)
	}
	group, err := s.GetInventory(t.Context(), "g3")
	if err != nil || group.Quantity != 5 {
		t.Errorf("GetInventory: got %d left, %v; want 5", group.Quantity, err)
	}
}

func soldTicketsAreUnavailable(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	all := []string{"g1-1", "g1-2", "g1-3", "g1-4", "g1-5", "g1-6", "g1-7", "g1-8"}
	if _, err := s.CreateInvoice(ctx, pos.Op{Key: "k1", Ref: "r1"}, sale(customer, all...)); err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	_, err := s.CreateInvoice(ctx, pos.Op{Key: "k2", Ref: "r2"}, sale(customer, "g1-8"))
	wantClass(t, "CreateInvoice of sold tickets", err, pos.Unavailable)
	// All lines or none.
	in := sale(customer, "g2-1")
	in.Lines = append(in.Lines, sale(customer, "g1-1").Lines...)
	_, err = s.CreateInvoice(ctx, pos.Op{Key: "k3", Ref: "r3"}, in)
	wantClass(t, "CreateInvoice of free and sold tickets", err, pos.Unavailable)
	if group, err := s.GetInventory(ctx, "g2"); err != nil || group.Quantity != 8 {
		t.Errorf("GetInventory: got %d left, %v; want 8", group.Quantity, err)
	}
}

func invoiceOfUnknownCustomerIsRefused(t *testing.T, s *setup) {
	_, err := s.CreateInvoice(t.Context(), pos.Op{Key: "k", Ref: "r"}, sale("nobody", "g1-1"))
	wantClass(t, "CreateInvoice", err, pos.NotFound, pos.Invalid)
}

func voidRestocksOnlyIfAsked(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	for restock, want := range map[bool]int{true: 8, false: 6} {
		group := map[bool]string{true: "g1", false: "g2"}[restock]
		made, err := s.CreateInvoice(ctx, pos.Op{Key: "k" + group, Ref: group}, sale(customer, group+"-1", group+"-2"))
		if err != nil {
			t.Fatalf("CreateInvoice: got %v; want no error", err)
		}
		voided, err := s.VoidInvoice(ctx, pos.Op{Key: "v" + group}, made.ID, pos.VoidInput{Restock: restock, Reason: "cancelled"})
		if !restock && s.limits.AlwaysRestocks {
			wantClass(t, "VoidInvoice without restock", err, pos.Unsupported)
			if live := liveInvoices(s.State(), group); len(live) != 1 {
				t.Errorf("VoidInvoice without restock: left %d live; want it as it was", len(live))
			}
		} else if err != nil || !voided.Voided || voided.VoidReason != cmp.Or(s.limits.VoidReason, "cancelled") || voided.ID != made.ID {
			t.Errorf("VoidInvoice: got %+v, %v; want %s void", voided, err, made.ID)
		}
		if g, err := s.GetInventory(ctx, group); err != nil || g.Quantity != want {
			t.Errorf("restock %v: got %d left, %v; want %d", restock, g.Quantity, err, want)
		}
	}
}

func voidingAgainChangesNothing(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	made, err := s.CreateInvoice(ctx, pos.Op{Key: "k1", Ref: "r"}, sale(customer, "g1-1", "g1-2"))
	if err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	first, err := s.VoidInvoice(ctx, pos.Op{Key: "v1"}, made.ID, pos.VoidInput{Restock: true, Reason: "first"})
	if err != nil {
		t.Fatalf("VoidInvoice: got %v; want no error", err)
	}
	// The tickets are sold again in between: a second voiding must not give them back.
	if _, err := s.CreateInvoice(ctx, pos.Op{Key: "k2", Ref: "other"}, sale(customer, "g1-1", "g1-2")); err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	second, err := s.VoidInvoice(ctx, pos.Op{Key: "v2"}, made.ID, pos.VoidInput{Restock: true, Reason: "second"})
	if err != nil || !sameInvoice(first, second) {
		t.Errorf("VoidInvoice again: got %+v, %v; want %+v", second, err, first)
	}
	if g, err := s.GetInventory(ctx, "g1"); err != nil || g.Quantity != 6 {
		t.Errorf("GetInventory: got %d left, %v; want 6", g.Quantity, err)
	}
}

func purchaseOrderComesBackAsAsked(t *testing.T, s *setup) {
	ctx := t.Context()
	in := purchase()
	in.Lines = append(in.Lines, pos.PurchaseLine{
		Event: pos.Event{Name: "Date to be announced"}, Section: "GA", Quantity: 1, Total: pos.Money{Minor: 1500, Currency: s.in("JPY")},
	})
	if s.limits.OneCurrency {
		_, err := s.CreatePurchaseOrder(ctx, pos.Op{Key: "two", Ref: "two"}, in)
		wantClass(t, "CreatePurchaseOrder in two currencies", err, pos.Invalid)
		if n := len(s.State().PurchaseOrders); n != 0 {
			t.Errorf("purchase orders: got %d; want 0", n)
		}
		in.Lines[1].Total.Currency = "USD"
	}
	made, err := s.CreatePurchaseOrder(ctx, pos.Op{Key: "k", Ref: "po 1"}, in)
	if err != nil {
		t.Fatalf("CreatePurchaseOrder: got %v; want no error", err)
	}
	if made.ID == "" || made.Ref != "po 1" || made.Vendor.Name != in.Vendor.Name || made.Payment != pos.Paid ||
		made.Fulfillment != pos.Pending || made.Voided || made.CreatedAt.IsZero() || len(made.Lines) != 2 {
		t.Fatalf("CreatePurchaseOrder: got %+v; want a live one of %+v", made, in)
	}
	for i, got := range made.Lines {
		want := in.Lines[i]
		if got.ID == "" || got.Event != want.Event || got.Section != want.Section || got.Row != want.Row ||
			!slices.Equal(got.Seats, want.Seats) || got.Quantity != want.Quantity || got.Total != want.Total {
			t.Errorf("line %d: got %+v; want %+v with an id", i, got, want)
		}
	}
	if s.caps.SearchPurchaseOrders {
		got, err := s.FindPurchaseOrders(ctx, "po 1")
		if err != nil || len(got) != 1 || got[0].ID != made.ID {
			t.Errorf("FindPurchaseOrders: got %+v, %v; want %s alone", got, err, made.ID)
		}
	}
}

func purchaseOrderVoidsOnce(t *testing.T, s *setup) {
	ctx := t.Context()
	made, err := s.CreatePurchaseOrder(ctx, pos.Op{Key: "k", Ref: "po"}, purchase())
	if err != nil {
		t.Fatalf("CreatePurchaseOrder: got %v; want no error", err)
	}
	for _, reason := range []string{"first", "second"} {
		got, err := s.VoidPurchaseOrder(ctx, pos.Op{Key: "v/" + reason}, made.ID, pos.VoidInput{Reason: reason})
		if err != nil || got.ID != made.ID || !got.Voided || got.VoidReason != cmp.Or(s.limits.PurchaseVoidReason, "first") {
			t.Errorf("VoidPurchaseOrder, %s: got %+v, %v; want %s void for the first reason", reason, got, err, made.ID)
		}
	}
}

// keyHasOneEffectAndOneAnswer sends a, b, a: two calls alone could be equal by accident.
func keyHasOneEffectAndOneAnswer(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	create := func(key, ref, ticket string) pos.Invoice {
		t.Helper()
		made, err := s.CreateInvoice(ctx, pos.Op{Key: key, Ref: ref}, sale(customer, ticket))
		if err != nil {
			t.Fatalf("CreateInvoice under %s: got %v; want no error", key, err)
		}
		return made
	}
	// A key may hold what a header must escape.
	a, b, again := create(`k "a" \`, "ra", "g1-1"), create("k b", "rb", "g1-2"), create(`k "a" \`, "ra", "g1-1")
	if a.ID == b.ID || a.ID != again.ID {
		t.Errorf("ids: got %s, %s, %s; want the third to be the first's", a.ID, b.ID, again.ID)
	}
	if got := len(s.State().Invoices); got != 2 {
		t.Errorf("invoices: got %d; want 2", got)
	}
	// The customer of this buyer exists under customer/1.
	if c := s.customer(t); c != customer {
		t.Errorf("CreateCustomer again: got %s; want %s", c, customer)
	}
	po := func(key, ref string) string {
		t.Helper()
		made, err := s.CreatePurchaseOrder(ctx, pos.Op{Key: key, Ref: ref}, purchase())
		if err != nil {
			t.Fatalf("CreatePurchaseOrder under %s: got %v; want no error", key, err)
		}
		return made.ID
	}
	if a, b, again := po("pa", "ra"), po("pb", "rb"), po("pa", "ra"); a == b || a != again {
		t.Errorf("ids: got %s, %s, %s; want the third to be the first's", a, b, again)
	}
}

func keyWithOtherContentIsInvalid(t *testing.T, s *setup) {
	ctx := t.Context()
	customer := s.customer(t)
	if _, err := s.CreateInvoice(ctx, pos.Op{Key: "k", Ref: "r"}, sale(customer, "g1-1")); err != nil {
		t.Fatalf("CreateInvoice: got %v; want no error", err)
	}
	_, err := s.CreateInvoice(ctx, pos.Op{Key: "k", Ref: "r"}, sale(customer, "g1-2"))
	wantClass(t, "CreateInvoice under a used key", err, pos.Invalid)
	if got := len(s.State().Invoices); got != 1 {
		t.Errorf("invoices: got %d; want 1", got)
	}
}

func sameInvoice(a, b pos.Invoice) bool {
	if a.ID != b.ID || a.Ref != b.Ref || a.CustomerID != b.CustomerID || a.HoldID != b.HoldID || a.Payment != b.Payment ||
		a.Fulfillment != b.Fulfillment || a.Voided != b.Voided || a.VoidReason != b.VoidReason ||
		!a.CreatedAt.Equal(b.CreatedAt) || len(a.Lines) != len(b.Lines) {
		return false
	}
	for i := range a.Lines {
		x, y := a.Lines[i], b.Lines[i]
		if x.ID != y.ID || x.InventoryID != y.InventoryID || !slices.Equal(x.TicketIDs, y.TicketIDs) ||
			x.Quantity != y.Quantity || x.Total != y.Total || x.Description != y.Description || x.Voided != y.Voided {
			return false
		}
	}
	return true
}
