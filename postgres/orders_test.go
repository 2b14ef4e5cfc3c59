package postgres_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"willcall/order"
	"willcall/postgres"
	"willcall/postgres/postgrestest"
)

func orderRow(n int) postgres.OrderRow {
	return postgres.OrderRow{
		Identity:   order.Identity{ID: fmt.Sprintf("order:tevo:%d", n), Source: "tevo", Provider: "tevo", ProviderOrderID: fmt.Sprint(n), Kind: order.Sale},
		State:      order.AwaitingFulfilment,
		StateSince: noon, AmountMinor: 5400, Currency: "USD", EventID: "e1", EventName: "Example Players at Sample Hall",
		EventStartsAt: noon.Add(48 * time.Hour), CustomerID: "c1", InvoiceID: "i1", Deadline: noon.Add(24 * time.Hour), Awaits: "the seller: tickets",
		Lines: json.RawMessage(`[{"id": "1"}]`), Doc: json.RawMessage(`{"id": "x", "revision": 1}`),
		DecidedAt: noon, Revision: 1, FirstReceivedAt: noon.Add(-time.Hour), InvoicedAt: noon,
	}
}

func save(t *testing.T, db *postgres.DB, o postgres.OrderRow) {
	t.Helper()
	must(t, onlyErr(db.SaveOrder(t.Context(), o, nil, nil)))
}

func TestSaveOrder(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	entry := func(minutes int, what string) postgres.TimelineEntry {
		return postgres.TimelineEntry{At: noon.Add(time.Duration(minutes) * time.Minute), What: what, WebhookID: "w1", Detail: "as the first wrote it"}
	}
	step := func(minutes int, o order.Outcome) postgres.StepRow {
		return postgres.StepRow{StepID: "invoice/1", Do: order.DoInvoice, Outcome: o, Ref: "i1", At: noon.Add(time.Duration(minutes) * time.Minute)}
	}
	load := func(t *testing.T, id string) (postgres.OrderRow, []postgres.TimelineEntry, []postgres.StepRow) {
		t.Helper()
		o, entries, steps, err := db.Order(t.Context(), id)
		must(t, err)
		return o, entries, steps
	}

	t.Run("KeepsEveryField", func(t *testing.T) {
		t.Parallel()
		want := orderRow(1)
		want.AttentionReason, want.AttentionDetail, want.AttentionAdvice, want.AttentionSince = "step_invalid", "what is wrong", "what to do", noon
		want.PurchaseOrderID, want.ClosedAt = "p1", noon.Add(time.Hour)
		entries := []postgres.TimelineEntry{entry(0, "received"), entry(1, "invoiced")}
		steps := []postgres.StepRow{{StepID: "invoice/1", Do: order.DoInvoice, Outcome: order.Failed, Class: "invalid", Detail: "no such seat", Ref: "i1", At: noon}}
		must(t, onlyErr(db.SaveOrder(t.Context(), want, entries, steps)))
		o, gotEntries, gotSteps := load(t, want.ID)
		if !reflect.DeepEqual(o, want) {
			t.Errorf("got  %+v\nwant %+v", o, want)
		}
		if !slices.Equal(gotEntries, entries) {
			t.Errorf("got %v; want %v", gotEntries, entries)
		}
		if !slices.Equal(gotSteps, steps) {
			t.Errorf("got %v; want %v", gotSteps, steps)
		}
	})
	t.Run("KeepsWhatIsNotSetUnset", func(t *testing.T) {
		t.Parallel()
		want := postgres.OrderRow{Identity: orderRow(2).Identity, State: order.Received, DecidedAt: noon,
			Lines: json.RawMessage("[]"), Doc: json.RawMessage("{}")}
		given := want
		given.Lines = nil
		save(t, db, given)
		if o, _, _ := load(t, want.ID); !reflect.DeepEqual(o, want) {
			t.Errorf("got  %+v\nwant %+v", o, want)
		}
	})
	t.Run("OlderNeverOverwritesNewerButItsEntriesAreAdded", func(t *testing.T) {
		t.Parallel()
		newer := orderRow(3)
		newer.State, newer.Revision = order.Fulfilled, 7
		must(t, onlyErr(db.SaveOrder(t.Context(), newer, []postgres.TimelineEntry{entry(2, "fulfilled")}, nil)))
		for _, older := range []postgres.OrderRow{
			{DecidedAt: newer.DecidedAt, Revision: 6},
			{DecidedAt: newer.DecidedAt.Add(-time.Microsecond), Revision: 9},
		} {
			o := orderRow(3)
			o.DecidedAt, o.Revision = older.DecidedAt, older.Revision
			must(t, onlyErr(db.SaveOrder(t.Context(), o, []postgres.TimelineEntry{entry(1, "invoiced"), entry(2, "fulfilled")}, []postgres.StepRow{step(1, order.Done)})))
		}
		o, entries, steps := load(t, newer.ID)
		if o.State != order.Fulfilled || o.Revision != 7 {
			t.Errorf("got %s at %d; want the newer", o.State, o.Revision)
		}
		if want := []postgres.TimelineEntry{entry(1, "invoiced"), entry(2, "fulfilled")}; !slices.Equal(entries, want) {
			t.Errorf("got %v; want %v", entries, want)
		}
		if len(steps) != 1 {
			t.Errorf("got %v; want the late step", steps)
		}
		newest := orderRow(3)
		newest.State, newest.DecidedAt, newest.Revision = order.Completed, newer.DecidedAt.Add(time.Microsecond), 1
		save(t, db, newest)
		if o, _, _ := load(t, newer.ID); o.State != order.Completed {
			t.Errorf("got %s; want the newest", o.State)
		}
	})
	t.Run("RepeatedEntriesAreIgnored", func(t *testing.T) {
		t.Parallel()
		o := orderRow(4)
		again := entry(1, "received")
		again.Detail = "otherwise"
		must(t, onlyErr(db.SaveOrder(t.Context(), o, []postgres.TimelineEntry{entry(1, "received"), entry(1, "received")}, nil)))
		must(t, onlyErr(db.SaveOrder(t.Context(), o, []postgres.TimelineEntry{again}, nil)))
		if _, entries, _ := load(t, o.ID); !slices.Equal(entries, []postgres.TimelineEntry{entry(1, "received")}) {
			t.Errorf("got %v; want the first, once", entries)
		}
	})
	t.Run("StepsKeepTheirNewestResultAndDoneStaysDone", func(t *testing.T) {
		t.Parallel()
		o := orderRow(5)
		for i, c := range []struct {
			save []postgres.StepRow
			want order.Outcome
		}{
			{[]postgres.StepRow{step(1, order.Running)}, order.Running},
			{[]postgres.StepRow{step(3, order.Unsure), step(2, order.Failed)}, order.Failed}, // the last mention counts
			{[]postgres.StepRow{step(1, order.Running)}, order.Failed},
			{[]postgres.StepRow{step(4, order.Done)}, order.Done},
			{[]postgres.StepRow{step(5, order.Running)}, order.Done},
		} {
			must(t, onlyErr(db.SaveOrder(t.Context(), o, nil, c.save)))
			if _, _, steps := load(t, o.ID); len(steps) != 1 || steps[0].Outcome != c.want {
				t.Errorf("after save %d got %v; want %s", i, steps, c.want)
			}
		}
	})
	t.Run("IsOneTransaction", func(t *testing.T) {
		t.Parallel()
		o := orderRow(6)
		_, err := db.SaveOrder(t.Context(), o, []postgres.TimelineEntry{entry(1, "received")}, []postgres.StepRow{step(1, "nonsense")})
		wantErr(t, err, postgres.ErrInvalid)
		_, _, _, err = db.Order(t.Context(), o.ID)
		wantErr(t, err, postgres.ErrNotFound)
	})
	t.Run("TakesEveryState", func(t *testing.T) {
		t.Parallel()
		for i, s := range order.States() {
			o := orderRow(100 + i)
			o.State = s
			save(t, db, o)
		}
		o := orderRow(99)
		o.State = "lost"
		wantErr(t, onlyErr(db.SaveOrder(t.Context(), o, nil, nil)), postgres.ErrInvalid)
	})
	t.Run("NeverFailsOverATextOfTheProvider", func(t *testing.T) {
		t.Parallel()
		o := orderRow(7)
		doc, err := json.Marshal(map[string]string{"section": "a\x00b\xff"})
		must(t, err)
		o.EventName, o.Doc = "Hall \x00 \xff", doc
		must(t, onlyErr(db.SaveOrder(t.Context(), o, []postgres.TimelineEntry{entry(1, "status \x00 unknown")}, nil)))
	})
	t.Run("LoadsTheDocumentForASecondRun", func(t *testing.T) {
		t.Parallel()
		o := orderRow(8)
		whole := order.New(o.Identity, order.DefaultPolicy())
		whole.Record("invoice/1", order.Result{Outcome: order.Done, At: noon, Ref: "i1"})
		doc, err := json.Marshal(whole)
		must(t, err)
		o.Doc = doc
		save(t, db, o)
		loaded, found, err := db.LoadOrder(t.Context(), o.ID)
		if err != nil || !found {
			t.Fatalf("got %v, %v; want it found", found, err)
		}
		var got order.Order
		must(t, json.Unmarshal(loaded, &got))
		if again, err := json.Marshal(&got); err != nil || string(again) != string(doc) {
			t.Errorf("got %s, %v; want %s", again, err, doc)
		}
		if _, found, err := db.LoadOrder(t.Context(), "order:tevo:none"); found || err != nil {
			t.Errorf("got %v, %v; want it not found, and no error", found, err)
		}
	})
}

func TestOrders(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var ids []string
	for i := range 7 {
		o := orderRow(i)
		switch i {
		case 0:
			o.Source = "tevo-west"
		case 1:
			o.State = order.Completed
		case 2:
			o.AttentionReason = "step_invalid"
		case 3:
			o.AttentionReason = "fraud_declined"
		case 4:
			o.EventID = "e2"
		case 5:
			o.EventID = ""
		}
		save(t, db, o)
		ids = append(ids, o.ID)
	}
	slices.Reverse(ids)
	for name, c := range map[string]struct {
		f    postgres.OrderFilter
		want []string
	}{
		"All":               {postgres.OrderFilter{}, ids},
		"OfASource":         {postgres.OrderFilter{Source: "tevo-west"}, ids[6:]},
		"InAState":          {postgres.OrderFilter{State: order.Completed}, ids[5:6]},
		"WithAnyAttention":  {postgres.OrderFilter{Attention: postgres.AnyAttention}, ids[3:5]},
		"WithOneReason":     {postgres.OrderFilter{Attention: "step_invalid"}, ids[4:5]},
		"OfAnEvent":         {postgres.OrderFilter{EventID: "e2"}, ids[2:3]},
		"AllConditionsMeet": {postgres.OrderFilter{Source: "tevo", State: order.AwaitingFulfilment, EventID: "e1", Attention: "fraud_declined"}, ids[3:4]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for cursor, first := "", true; first || cursor != ""; first = false {
				items, next, err := db.Orders(t.Context(), c.f, cursor, 2)
				must(t, err)
				for _, o := range items {
					got = append(got, o.ID)
				}
				cursor = next
			}
			wantIDs(t, "pages of two", got, c.want)
		})
	}
	t.Run("RefusesACursorThatDoesNotExist", func(t *testing.T) {
		t.Parallel()
		for _, cursor := range []string{"page 2", "cGFnZQ", "MTIz"} {
			_, _, err := db.Orders(t.Context(), postgres.OrderFilter{}, cursor, 2)
			wantErr(t, err, postgres.ErrInvalid)
		}
	})
	t.Run("CountsBySourceStateAndAttention", func(t *testing.T) {
		t.Parallel()
		got, err := db.OrderCounts(t.Context())
		must(t, err)
		want := []postgres.OrderCount{
			{"tevo", "awaiting_fulfilment", "", 3}, {"tevo", "awaiting_fulfilment", "fraud_declined", 1},
			{"tevo", "awaiting_fulfilment", "step_invalid", 1}, {"tevo", "completed", "", 1}, {"tevo-west", "awaiting_fulfilment", "", 1},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v; want %v", got, want)
		}
	})
	t.Run("FindsTheOpenOnesOfAnEvent", func(t *testing.T) {
		t.Parallel()
		got, err := db.OpenOrdersOfEvent(t.Context(), "tevo", "e1")
		must(t, err)
		wantIDs(t, "e1", got, []string{"order:tevo:2", "order:tevo:3", "order:tevo:6"})
		got, err = db.OpenOrdersOfEvent(t.Context(), "tevo", "")
		must(t, err)
		wantIDs(t, "no event", got, nil)
	})
}

func TestPageStaysWhereItWas(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for i := range 4 {
		save(t, db, orderRow(i))
	}
	_, cursor, err := db.Orders(t.Context(), postgres.OrderFilter{}, "", 2)
	must(t, err)
	changed := orderRow(0)
	changed.Revision = 2
	save(t, db, changed)
	save(t, db, orderRow(9))
	items, next, err := db.Orders(t.Context(), postgres.OrderFilter{}, cursor, 2)
	must(t, err)
	if len(items) != 2 || items[0].ID != "order:tevo:1" || items[1].ID != "order:tevo:0" || next != "" {
		t.Errorf("got %v, next %q; want orders 1 and 0 and the end", items, next)
	}
}

// onlyErr is for tests that do not care for news of the performance.
func onlyErr(_ json.RawMessage, err error) error { return err }
