package postgres_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

// parked is a delivery that waits for the order with the name.
func parked(concern string) postgres.Webhook {
	w := delivery(0)
	w.Disposition, w.Concern, w.DedupeKey = provider.Parked, concern, w.ID
	w.OrderID, w.ProviderOrderID, w.Kind = "", "", ""
	return w
}

func named(n int, refs ...string) postgres.OrderRow {
	o := orderRow(n)
	o.Refs = refs
	return o
}

func find(t *testing.T, db *postgres.DB, source, ref string) string {
	t.Helper()
	id, found, err := db.FindOrder(t.Context(), source, ref)
	must(t, err)
	if found != (id != order.Identity{}) {
		t.Errorf("found = %v with %+v", found, id)
	}
	return id.ID
}

func TestFindOrder(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	save(t, db, named(1, "ticket:a", "ticket:b", "ticket:a", "ticket:\x00"))
	save(t, db, named(2, "ticket:b", "checkout:c")) // ticket:b has an order already
	for ref, want := range map[string]string{
		"ticket:a": "order:tevo:1", "ticket:b": "order:tevo:1", "ticket:\x00": "order:tevo:1", "checkout:c": "order:tevo:2", "ticket:c": "", "ticket": "", "": "",
	} {
		if got := find(t, db, "tevo", ref); got != want {
			t.Errorf("%q: got %q; want %q", ref, got, want)
		}
	}
	if got := find(t, db, "other", "ticket:a"); got != "" {
		t.Errorf("another source: got %q; want none, for its names are its own", got)
	}
	id, _, err := db.FindOrder(t.Context(), "tevo", "ticket:a")
	must(t, err)
	if want := orderRow(1).Identity; id != want {
		t.Errorf("got %+v; want %+v", id, want)
	}
	save(t, db, named(1)) // a later save that names none
	if got := find(t, db, "tevo", "ticket:a"); got != "order:tevo:1" {
		t.Errorf("after a save without names: got %q; want the name kept", got)
	}
	older := named(1, "ticket:late")
	older.DecidedAt = older.DecidedAt.Add(-time.Hour)
	save(t, db, older)
	if got := find(t, db, "tevo", "ticket:late"); got != "order:tevo:1" {
		t.Errorf("a name of an older decision: got %q; want it added", got)
	}
}

func TestParked(t *testing.T) {
	t.Parallel()
	row := func(t *testing.T, db *postgres.DB, id string) postgres.Webhook {
		t.Helper()
		w, err := db.Webhook(t.Context(), id)
		must(t, err)
		return w
	}
	release := func(t *testing.T, db *postgres.DB, limit int, want int64) {
		t.Helper()
		n, err := db.ReleaseParked(t.Context(), limit)
		must(t, err)
		if n != want {
			t.Errorf("released = %d; want %d", n, want)
		}
	}
	t.Run("NobodyGetsItBeforeItsOrderIsKnown", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{Owner: "door"})
		w := parked("ticket:a")
		put(t, in, w)
		wantIDs(t, "claim", claim(t, db, "a", 10), nil)
		lag, err := db.InboxLag(t.Context())
		must(t, err)
		got := row(t, db, w.ID)
		if lag.Count != 0 || got.Disposition != provider.Parked || got.Concern != "ticket:a" || got.OrderID != "" {
			t.Errorf("lag = %d, row = %+v; want it parked, and nothing waiting to be forwarded", lag.Count, got)
		}
		if n, err := db.Replay(t.Context(), []string{w.ID}, "ann"); n != 0 || err != nil {
			t.Errorf("replayed %d, %v; want none: there is no order to replay it to", n, err)
		}
	})
	t.Run("ItsOrderReleasesItWhenItIsSaved", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{Owner: "door"})
		first, second, other, elsewhere := parked("ticket:a"), parked("ticket:b"), parked("ticket:c"), parked("ticket:a")
		elsewhere.Source = "other"
		for _, w := range []postgres.Webhook{first, second, other, elsewhere} {
			put(t, in, w)
		}
		release(t, db, 10, 0) // and looked for in vain before: its next look is some time off
		save(t, db, named(1, "ticket:a", "ticket:b"))
		wantIDs(t, "claim", claim(t, db, "a", 10), []string{first.ID, second.ID})
		got := row(t, db, first.ID)
		if got.Disposition != provider.Forward || got.OrderID != "order:tevo:1" || got.ProviderOrderID != "1" || got.Kind != order.Sale || !got.NextTry.IsZero() {
			t.Errorf("got %+v; want it to be forwarded to the order at once", got)
		}
		for _, w := range []postgres.Webhook{other, elsewhere} {
			if got := row(t, db, w.ID); got.Disposition != provider.Parked {
				t.Errorf("%s of %s: got %s; want it parked still", w.Concern, w.Source, got.Disposition)
			}
		}
	})
	t.Run("WhatWasParkedAtThatVeryMomentIsFoundByALook", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{Owner: "door"})
		save(t, db, named(1, "ticket:a"))
		late := parked("ticket:a")
		put(t, in, late)
		release(t, db, 10, 1)
		release(t, db, 10, 0)
		wantIDs(t, "claim", claim(t, db, "a", 10), []string{late.ID})
		if got := row(t, db, late.ID); got.OrderID != "order:tevo:1" || got.ProviderOrderID != "1" || got.Kind != order.Sale {
			t.Errorf("got %+v; want it to be the order's", got)
		}
	})
	t.Run("LooksGetRarer", func(t *testing.T) {
		t.Parallel()
		for ago, want := range map[time.Duration]time.Duration{0: time.Second, 3 * time.Minute: 3 * time.Minute, 24 * time.Hour: 10 * time.Minute} {
			db := postgrestest.New(t)
			in := inbox(t, db, postgres.InboxOptions{})
			w := parked("ticket:a")
			w.ReceivedAt = time.Now().Add(-ago)
			put(t, in, w)
			release(t, db, 10, 0)
			next := row(t, db, w.ID).NextTry
			if d := time.Until(next); d < want-5*time.Second || d > want+5*time.Second {
				t.Errorf("parked %s ago: next look in %s; want about %s", ago, d, want)
			}
			if ago == 0 {
				continue
			}
			release(t, db, 10, 0)
			if again := row(t, db, w.ID).NextTry; !again.Equal(next) {
				t.Errorf("looked at before its time: next look at %s; want %s", again, next)
			}
			// The name comes without the save that would release it: only a look that is due can find it.
			save(t, db, named(1))
			exec(t, db, "INSERT INTO order_refs (source, ref, order_id) VALUES ('tevo', 'ticket:a', 'order:tevo:1')")
			release(t, db, 10, 0)
			exec(t, db, "UPDATE webhooks SET next_try = now() - interval '1 ms'")
			release(t, db, 10, 1)
		}
	})
	t.Run("TakesNoMoreThanItIsTold", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{})
		save(t, db, named(1, "ticket:a"))
		for range 5 {
			put(t, in, parked("ticket:a"))
		}
		for _, want := range []int64{2, 2, 1, 0} {
			release(t, db, 2, want)
		}
	})
	t.Run("NeedsAName", func(t *testing.T) {
		t.Parallel()
		in := inbox(t, postgrestest.New(t), postgres.InboxOptions{})
		_, err := in.Put(t.Context(), parked(""))
		wantErr(t, err, postgres.ErrInvalid)
	})
}

func TestParkedConcerns(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	in := inbox(t, db, postgres.InboxOptions{})
	for _, concern := range []string{"checkout:c", "checkout:a", "checkout:a", "ticket:a", "checkouts:x", "checkout:b"} {
		put(t, in, parked(concern))
	}
	elsewhere := parked("checkout:z")
	elsewhere.Source = "other"
	put(t, in, elsewhere)
	save(t, db, named(1, "checkout:b")) // is released by that
	for _, c := range []struct {
		source, kind string
		limit        int
		want         []string
	}{
		{"tevo", "checkout", 10, []string{"checkout:a", "checkout:c"}},
		{"tevo", "checkout", 1, []string{"checkout:a"}},
		{"tevo", "check", 10, nil},
		{"tevo", "ticket", 10, []string{"ticket:a"}},
		{"other", "checkout", 10, []string{"checkout:z"}},
		{"nobody", "checkout", 10, nil},
	} {
		got, err := db.ParkedConcerns(t.Context(), c.source, c.kind, c.limit)
		must(t, err)
		wantIDs(t, fmt.Sprintf("%s, %s", c.source, c.kind), got, c.want)
	}
}

func TestEventNews(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	news := func(s string) json.RawMessage { return json.RawMessage(`{"said": "` + s + `"}`) }
	for i, c := range []struct {
		source, event string
		minutes       int
		say, want     string
	}{
		{"tevo", "e1", 5, "first", "first"},
		{"tevo", "e1", 3, "older", "first"},
		{"tevo", "e1", 5, "corrected", "corrected"}, // of the same version the one that came later
		{"tevo", "e1", 9, "newer", "newer"},
		{"tevo", "e1", 8, "older again", "newer"},
		{"tevo", "e2", 1, "other event", "other event"},
		{"other", "e1", 1, "other source", "other source"},
		{"tevo", "e\x00", 1, `with \u0000`, `with \ufffd`},
	} {
		got, err := db.PutEventNews(t.Context(), c.source, c.event, noon.Add(time.Duration(c.minutes)*time.Minute), news(c.say))
		must(t, err)
		var said, want struct{ Said string }
		must(t, json.Unmarshal(got, &said))
		must(t, json.Unmarshal(news(c.want), &want))
		if said != want {
			t.Errorf("%d: got %s; want %q", i, got, c.want)
		}
	}
	for event, want := range map[string]string{"e1": `{"said": "newer"}`, "e3": "", "": ""} {
		o := orderRow(1)
		o.EventID = event
		got, err := db.SaveOrder(t.Context(), o, nil, nil)
		must(t, err)
		if string(got) != want {
			t.Errorf("an order of %q hears %q; want %q", event, got, want)
		}
	}
}

func TestOpenOrders(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var want []string
	for n, change := range []func(*postgres.OrderRow){
		func(*postgres.OrderRow) {},
		func(o *postgres.OrderRow) { o.State = order.Completed },
		func(o *postgres.OrderRow) { o.State = order.Rejected },
		func(o *postgres.OrderRow) { o.State = order.Cancelled },
		func(o *postgres.OrderRow) { o.ClosedAt = noon },
		func(o *postgres.OrderRow) { o.EventID = "e2" },
		func(o *postgres.OrderRow) { o.Source = "other" },
		func(o *postgres.OrderRow) { o.State = order.Fulfilled },
		func(o *postgres.OrderRow) { o.State = order.Received },
	} {
		o := orderRow(n)
		change(&o)
		save(t, db, o)
		if slices.Contains([]int{0, 7, 8}, n) {
			want = append(want, o.ID)
		}
	}
	page := func(event, after string, limit int) (ids []string) {
		got, err := db.OpenOrders(t.Context(), "tevo", event, after, limit)
		must(t, err)
		for _, id := range got {
			ids = append(ids, id.ID)
		}
		return ids
	}
	wantIDs(t, "all", page("e1", "", 10), want)
	wantIDs(t, "first page", page("e1", "", 2), want[:2])
	wantIDs(t, "second page", page("e1", want[1], 2), want[2:])
	wantIDs(t, "after the last", page("e1", want[2], 2), nil)
	wantIDs(t, "of no event", page("", "", 10), nil)
	got, err := db.OpenOrders(t.Context(), "tevo", "e1", "", 1)
	must(t, err)
	if len(got) != 1 || got[0] != orderRow(0).Identity {
		t.Errorf("got %+v; want the whole identity", got)
	}
}

func TestUndeliveredOrders(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for n, s := range []order.State{order.AwaitingFulfilment, order.PartiallyFulfilled, order.Fulfilled, order.Invoiced, order.Cancelled, order.AwaitingFulfilment} {
		o := orderRow(n)
		o.State, o.Doc = s, json.RawMessage(fmt.Sprintf(`{"n": %d}`, n))
		if n == 5 {
			o.Source = "other"
		}
		save(t, db, o)
	}
	var got []string
	for _, after := range []string{"", "order:tevo:0", "order:tevo:1"} {
		docs, err := db.UndeliveredOrders(t.Context(), "tevo", after, 1)
		must(t, err)
		for _, d := range docs {
			got = append(got, string(d))
		}
	}
	wantIDs(t, "documents, page by page", got, []string{`{"n": 0}`, `{"n": 1}`})
}

func TestLinkCustomer(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	linked := func(pos, buyer, want string, wantAt time.Time) {
		t.Helper()
		got, at, err := db.LinkedCustomer(t.Context(), pos, "vivenu", buyer)
		must(t, err)
		if got != want || !at.Equal(wantAt) {
			t.Errorf("%s, %s: got %q at %s; want %q at %s", pos, buyer, got, at, want, wantAt)
		}
	}
	linked("till", "b1", "", time.Time{})
	must(t, db.NoteCustomerNews(t.Context(), "till", "vivenu", "b1", noon)) // of a buyer whom no POS knows
	linked("till", "b1", "", time.Time{})
	must(t, db.LinkCustomer(t.Context(), "till", "vivenu", "b1", "c1"))
	linked("till", "b1", "c1", time.Time{})
	linked("other", "b1", "", time.Time{})
	linked("till", "b2", "", time.Time{})
	must(t, db.NoteCustomerNews(t.Context(), "till", "vivenu", "b1", noon))
	must(t, db.NoteCustomerNews(t.Context(), "till", "vivenu", "b1", noon.Add(-time.Hour)))
	linked("till", "b1", "c1", noon)
	must(t, db.LinkCustomer(t.Context(), "till", "vivenu", "b1", "c2"))
	linked("till", "b1", "c2", noon)
	if err := db.LinkCustomer(t.Context(), "till", "vivenu", "b3", ""); err == nil {
		t.Error("linked to no customer; want an error")
	}
}

// The records that an order has in a POS are names of the order there.
func TestNamesInThePOS(t *testing.T) {
	t.Parallel()
	with := func(n int, pos, invoice, purchase string) postgres.OrderRow {
		o := orderRow(n)
		o.POS, o.InvoiceID, o.PurchaseOrderID = pos, invoice, purchase
		return o
	}
	t.Run("AreTheRecordsInForceAndTheEarlierOnes", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		save(t, db, with(1, "main", "77", ""))
		save(t, db, with(1, "main", "78", ""))
		save(t, db, with(1, "main", "", "")) // void
		save(t, db, with(2, "main", "", "77"))
		save(t, db, with(3, "spare", "77", ""))
		save(t, db, with(4, "", "79", ""))
		for name, want := range map[[2]string]string{
			{"main", "invoice:77"}: "order:tevo:1", {"main", "invoice:78"}: "order:tevo:1", {"main", "purchase_order:77"}: "order:tevo:2",
			{"spare", "invoice:77"}: "order:tevo:3", {"tevo", "invoice:77"}: "", {"", "invoice:79"}: "", {"main", "invoice:"}: "",
		} {
			if got := find(t, db, name[0], name[1]); got != want {
				t.Errorf("%s of %s: got %q; want %q", name[1], name[0], got, want)
			}
		}
		id, _, err := db.FindOrder(t.Context(), "main", "invoice:77")
		must(t, err)
		same, found, err := db.OrderIdentity(t.Context(), id.ID)
		must(t, err)
		if want := orderRow(1).Identity; id != want || !found || same != want {
			t.Errorf("got %+v, by its id %+v; want %+v: the POS is not the order's source", id, same, want)
		}
		if _, found, err := db.OrderIdentity(t.Context(), "order:tevo:none"); found || err != nil {
			t.Errorf("an order that nobody has: %v, %v; want none", found, err)
		}
	})
	t.Run("ReleaseWhatWaitsForThem", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{Owner: "door"})
		of := func(source, concern string) postgres.Webhook {
			w := parked(concern)
			w.Source, w.DedupeKey = source, w.ID
			put(t, in, w)
			return w
		}
		ours, ticket := of("main", postgres.InvoiceRef("77")), of("tevo", "ticket:a")
		of("spare", postgres.InvoiceRef("77"))
		of("tevo", postgres.InvoiceRef("77"))
		of("main", "ticket:a")
		o := with(1, "main", "77", "")
		o.Refs = []string{"ticket:a"}
		save(t, db, o)
		wantIDs(t, "claim", claim(t, db, "a", 10), []string{ours.ID, ticket.ID})
	})
	t.Run("NewsOfOtherPeoplesSalesIsGivenUpAfterADay", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{Owner: "door"})
		want := map[string]provider.Disposition{}
		for _, c := range []struct {
			concern string
			age     time.Duration
			want    provider.Disposition
		}{
			{"invoice:1", 25 * time.Hour, provider.Recorded}, {"purchase_order:1", 25 * time.Hour, provider.Recorded},
			{"invoice:2", 23 * time.Hour, provider.Parked}, {"ticket:a", 25 * time.Hour, provider.Parked},
		} {
			w := parked(c.concern)
			w.ReceivedAt, want[w.ID] = time.Now().Add(-c.age), c.want
			put(t, in, w)
		}
		released, err := db.ReleaseParked(t.Context(), 10)
		must(t, err)
		if released != 0 {
			t.Errorf("released = %d; want none", released)
		}
		for id, disposition := range want {
			w, err := db.Webhook(t.Context(), id)
			must(t, err)
			if w.Disposition != disposition {
				t.Errorf("%s: got %s; want %s", w.Concern, w.Disposition, disposition)
			}
		}
	})
}
