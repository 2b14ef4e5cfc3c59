package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"willcall/postgres"
	"willcall/postgres/postgrestest"
	"willcall/provider"
)

// stored puts n deliveries of orders 0..n-1 that nobody holds.
func stored(t *testing.T, db *postgres.DB, n int) (ids []string) {
	t.Helper()
	in := inbox(t, db, postgres.InboxOptions{})
	for i := range n {
		w := delivery(i)
		put(t, in, w)
		ids = append(ids, w.ID)
	}
	return ids
}

func claim(t *testing.T, db *postgres.DB, owner string, limit int) (ids []string) {
	t.Helper()
	got, err := db.Claim(t.Context(), owner, time.Minute, limit)
	must(t, err)
	for _, w := range got {
		ids = append(ids, w.ID)
	}
	return ids
}

func wantIDs(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v; want %v", what, got, want)
	}
}

// endLeases lets every lease of owner run out.
func endLeases(t *testing.T, db *postgres.DB, owner string) {
	t.Helper()
	exec(t, db, "UPDATE webhooks SET claimed_until = now() - interval '1 ms' WHERE claimed_by = $1", owner)
}

func TestClaim(t *testing.T) {
	t.Parallel()
	t.Run("TakesTheOldestFirstWithTheirBodies", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 5)
		wantIDs(t, "first claim", claim(t, db, "a", 3), ids[:3])
		got, err := db.Claim(t.Context(), "b", time.Minute, 10)
		must(t, err)
		if len(got) != 2 || string(got[0].Body) != `{"id":3}` || got[0].Headers["Content-Type"] == "" || got[0].OrderID != "order:tevo:3" {
			t.Errorf("got %+v; want the other two, whole", got)
		}
		wantIDs(t, "third claim", claim(t, db, "c", 10), nil)
	})
	t.Run("IsInOrderWhateverThePlan", func(t *testing.T) {
		t.Parallel()
		db := open(t, postgrestest.URL(t)+"&options="+strings.ReplaceAll(url.QueryEscape("-c enable_nestloop=off -c enable_mergejoin=off -c enable_indexscan=off -c enable_bitmapscan=off"), "+", "%20"))
		ids := stored(t, db, 5)
		must(t, db.MarkForwardFailed(t.Context(), ids[0], "", time.Time{})) // its new version is the last in the table
		wantIDs(t, "claim", claim(t, db, "a", 10), ids)
	})
	t.Run("ExcludesOthersAlsoAtTheSameMoment", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		const rows = 200
		stored(t, db, rows)
		var mu sync.Mutex
		holder := map[string]string{}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				owner := fmt.Sprint("owner-", i)
				for {
					got, err := db.Claim(t.Context(), owner, time.Minute, 7)
					if err != nil || len(got) == 0 {
						if err != nil {
							t.Errorf("claim: %v", err)
						}
						return
					}
					mu.Lock()
					for _, w := range got {
						if other, taken := holder[w.ID]; taken {
							t.Errorf("%s has a row of %s", owner, other)
						}
						holder[w.ID] = owner
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(holder) != rows {
			t.Errorf("got %d rows claimed; want %d", len(holder), rows)
		}
	})
	t.Run("NeverGivesTwoOwnersRowsOfOneOrder", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{})
		for i := range 60 {
			w := delivery(i % 3)
			w.DedupeKey = postgres.NewID()
			put(t, in, w)
		}
		newest := map[string]int64{} // order → last seq that was forwarded
		for forwarded := 0; forwarded < 60; {
			claims := make([][]postgres.Webhook, 4)
			var wg sync.WaitGroup
			for i := range claims {
				wg.Go(func() {
					var err error
					if claims[i], err = db.Claim(t.Context(), fmt.Sprint("owner-", i), time.Minute, 4); err != nil {
						t.Errorf("claim: %v", err)
					}
				})
			}
			wg.Wait()
			holder := map[string]int{}
			var ids []string
			for i, claimed := range claims {
				for _, w := range claimed {
					if other, taken := holder[w.OrderID]; taken && other != i {
						t.Errorf("owners %d and %d forward one order at once", i, other)
					}
					if w.Seq < newest[w.OrderID] {
						t.Errorf("seq %d of %s comes after %d", w.Seq, w.OrderID, newest[w.OrderID])
					}
					holder[w.OrderID], newest[w.OrderID] = i, w.Seq
					ids = append(ids, w.ID)
				}
			}
			if len(ids) == 0 {
				t.Fatal("nobody got a row")
			}
			must(t, db.MarkForwarded(t.Context(), ids, noon))
			forwarded += len(ids)
		}
	})
	t.Run("HoldsBackWhileAnEarlierRowOfTheOrderIsWithAnother", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{})
		first, second, other := delivery(1), delivery(1), delivery(2)
		second.DedupeKey = "later"
		for _, w := range []postgres.Webhook{first, second, other} {
			put(t, in, w)
		}
		wantIDs(t, "a", claim(t, db, "a", 1), []string{first.ID})
		wantIDs(t, "b", claim(t, db, "b", 10), []string{other.ID})
		wantIDs(t, "a again", claim(t, db, "a", 10), []string{second.ID})
		must(t, db.ReleaseClaims(t.Context(), "a"))
		wantIDs(t, "b, after the release", claim(t, db, "b", 10), []string{first.ID, second.ID})
	})
	t.Run("SweepsWhatADeadOwnerLeft", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{Owner: "dead", Lease: time.Minute})
		first, second := delivery(1), delivery(1)
		second.DedupeKey = "later"
		put(t, in, first)
		put(t, in, second)
		wantIDs(t, "while the lease is alive", claim(t, db, "b", 10), nil)
		endLeases(t, db, "dead")
		wantIDs(t, "afterwards", claim(t, db, "b", 10), []string{first.ID, second.ID})
		wantIDs(t, "then it is b's", claim(t, db, "c", 10), nil)
	})
	t.Run("LeavesAloneWhatIsForwardedOrMovesNoOrder", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 2)
		in := inbox(t, db, postgres.InboxOptions{})
		for i, d := range []provider.Disposition{provider.Recorded, provider.Unknown, provider.Quarantined} {
			w := delivery(10 + i)
			w.Disposition = d
			put(t, in, w)
		}
		must(t, db.MarkForwarded(t.Context(), ids[:1], noon))
		wantIDs(t, "claim", claim(t, db, "a", 10), ids[1:])
	})
	t.Run("WaitsForTheNextTryAfterAFailure", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 1)
		claim(t, db, "a", 1)
		next := time.Now().Add(time.Hour).Truncate(time.Microsecond)
		must(t, db.MarkForwardFailed(t.Context(), ids[0], "no answer from Temporal", next))
		wantIDs(t, "before", claim(t, db, "b", 10), nil)
		w, err := db.Webhook(t.Context(), ids[0])
		must(t, err)
		if w.LastError != "no answer from Temporal" || !w.NextTry.Equal(next) {
			t.Errorf("got %q, %v; want the reason and %v", w.LastError, w.NextTry, next)
		}
		must(t, db.MarkForwardFailed(t.Context(), ids[0], "again", time.Now().Add(-time.Second)))
		wantIDs(t, "after", claim(t, db, "b", 10), ids)
	})
	t.Run("HoldsLaterOnesOfAnOrderBackWhileAnEarlierOneWaits", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{})
		first, second := delivery(1), delivery(2)
		second.OrderID = first.OrderID
		put(t, in, first)
		put(t, in, second)
		must(t, db.MarkForwardFailed(t.Context(), first.ID, "refused", time.Now().Add(time.Hour)))
		wantIDs(t, "while it waits", claim(t, db, "after a restart", 10), nil)
		must(t, db.MarkForwardFailed(t.Context(), first.ID, "refused", time.Now().Add(-time.Second)))
		wantIDs(t, "when it is due", claim(t, db, "after a restart", 10), []string{first.ID, second.ID})
	})
	t.Run("NeedsOwnerLeaseAndLimit", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		_, err := db.Claim(t.Context(), "", time.Minute, 1)
		wantErr(t, err, postgres.ErrInvalid)
		_, err = db.Claim(t.Context(), "a", 0, 1)
		wantErr(t, err, postgres.ErrInvalid)
	})
}

func TestMarkForwarded(t *testing.T) {
	t.Parallel()
	t.Run("EndsTheWaitOnce", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 2)
		claim(t, db, "a", 1)
		must(t, db.MarkForwarded(t.Context(), append(ids, "no uuid", postgres.NewID()), noon))
		must(t, db.MarkForwarded(t.Context(), ids, noon.Add(time.Hour)))
		must(t, db.MarkForwardFailed(t.Context(), ids[0], "came late", noon))
		w, err := db.Webhook(t.Context(), ids[0])
		must(t, err)
		if w.ForwardedAt != noon || w.LastError != "" {
			t.Errorf("got %v, %q; want %v and no error", w.ForwardedAt, w.LastError, noon)
		}
		if n := count(t, db, "SELECT count(*) FROM webhooks WHERE claimed_by IS NOT NULL"); n != 0 {
			t.Errorf("got %d rows still claimed", n)
		}
	})
	t.Run("ReleaseFreesTheOwnersRowsAlone", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 2)
		claim(t, db, "a", 1)
		claim(t, db, "b", 1)
		must(t, db.ReleaseClaims(t.Context(), "a"))
		wantIDs(t, "c", claim(t, db, "c", 10), ids[:1])
	})
}

func TestInboxLag(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	if l, err := db.InboxLag(t.Context()); err != nil || l != (postgres.Lag{}) {
		t.Errorf("empty: got %+v, %v; want none", l, err)
	}
	before := time.Now().Add(-time.Minute)
	ids := stored(t, db, 3)
	claim(t, db, "a", 1) // claimed ones wait, too
	must(t, db.MarkForwarded(t.Context(), ids[1:2], noon))
	l, err := db.InboxLag(t.Context())
	must(t, err)
	if l.Count != 2 || l.Oldest.Before(before) || l.Oldest.After(time.Now().Add(time.Minute)) {
		t.Errorf("got %+v; want 2 since now", l)
	}
	exec(t, db, "UPDATE webhooks SET queued_at = $1", noon.Add(-24*time.Hour))
	if l, err = db.InboxLag(t.Context()); err != nil || l.Oldest != noon.Add(-24*time.Hour) {
		t.Errorf("got %v, %v; want a day", l.Oldest, err)
	}
	must(t, db.MarkForwarded(t.Context(), ids, noon))
	if _, err := db.Replay(t.Context(), ids[:1], "ann"); err != nil {
		t.Fatal(err)
	}
	if l, err = db.InboxLag(t.Context()); err != nil || l.Count != 1 || l.Oldest.Before(before) {
		t.Errorf("after a replay got %+v, %v; want it to wait since now", l, err)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	t.Run("BeginsANewAttemptOnTheSameRow", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 2)
		must(t, db.MarkForwarded(t.Context(), ids, noon))
		n, err := db.Replay(t.Context(), []string{ids[0], "no uuid", postgres.NewID()}, "ann")
		if err != nil || n != 1 {
			t.Fatalf("got %d, %v; want 1", n, err)
		}
		got, err := db.Claim(t.Context(), "a", time.Minute, 10)
		if err != nil || len(got) != 1 || got[0].ID != ids[0] || got[0].Attempt != 2 {
			t.Errorf("got %+v, %v; want the row's second attempt", got, err)
		}
		if n := count(t, db, "SELECT count(*) FROM audit WHERE by = 'ann' AND what = 'replay webhook' AND subject = $1 AND detail = 'attempt 2'", ids[0]); n != 1 {
			t.Errorf("got %d audit rows; want 1", n)
		}
	})
	t.Run("TakesTheRowFromWhoeverHoldsItAndDoesNotWait", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 2)
		claim(t, db, "a", 2)
		must(t, db.MarkForwardFailed(t.Context(), ids[0], "refused", time.Now().Add(time.Hour)))
		if _, err := db.Replay(t.Context(), ids, "ann"); err != nil {
			t.Fatal(err)
		}
		wantIDs(t, "b", claim(t, db, "b", 2), ids)
	})
	t.Run("LeavesQuarantinedOnesToADecoder", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		in := inbox(t, db, postgres.InboxOptions{})
		w := delivery(1)
		w.Disposition, w.Reason, w.OrderID, w.Kind = provider.Quarantined, "no id", "", ""
		put(t, in, w)
		if n, err := db.Replay(t.Context(), []string{w.ID}, "ann"); err != nil || n != 0 {
			t.Errorf("got %d, %v; want none replayed", n, err)
		}
		now := delivery(1)
		now.Type = "seller/order_updated"
		must(t, db.Reclassify(t.Context(), w.ID, now))
		wantIDs(t, "after decoding again", claim(t, db, "a", 1), []string{w.ID})
		if got, err := db.Webhook(t.Context(), w.ID); err != nil || got.OrderID != now.OrderID || got.Kind != now.Kind || got.Type != now.Type || got.Reason != "" {
			t.Errorf("got %+v, %v; want what the decoder said", got, err)
		}
		must(t, db.MarkForwarded(t.Context(), []string{w.ID}, noon))
		wantErr(t, db.Reclassify(t.Context(), w.ID, now), postgres.ErrConflict)
		wantErr(t, db.Reclassify(t.Context(), postgres.NewID(), now), postgres.ErrNotFound)
	})
	t.Run("OfWhatMatchesTakesTheOldestAndCanOnlySayWhich", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 4)
		must(t, db.MarkForwarded(t.Context(), ids, noon))
		f := postgres.WebhookFilter{Source: "tevo", From: noon, To: noon.Add(time.Second)}
		got, err := db.ReplayMatching(t.Context(), f, 3, true, "ann")
		must(t, err)
		wantIDs(t, "dry run", got, ids[:3])
		if n := count(t, db, "SELECT count(*) FROM webhooks WHERE attempt > 1 OR forwarded_at IS NULL"); n != 0 {
			t.Errorf("the dry run replayed %d rows", n)
		}
		got, err = db.ReplayMatching(t.Context(), f, 3, false, "ann")
		must(t, err)
		wantIDs(t, "replayed", got, ids[:3])
		wantIDs(t, "claim", claim(t, db, "a", 10), ids[:3])
		f.Source = "vivenu"
		got, err = db.ReplayMatching(t.Context(), f, 3, false, "ann")
		must(t, err)
		wantIDs(t, "of another source", got, nil)
	})
	t.Run("NeedsAName", func(t *testing.T) {
		t.Parallel()
		db := postgrestest.New(t)
		ids := stored(t, db, 1)
		_, err := db.Replay(t.Context(), ids, "")
		wantErr(t, err, postgres.ErrInvalid)
		_, err = db.ReplayMatching(t.Context(), postgres.WebhookFilter{}, 1, false, "")
		wantErr(t, err, postgres.ErrInvalid)
		_, err = db.ReplayMatching(t.Context(), postgres.WebhookFilter{Disposition: provider.Quarantined}, 1, true, "ann")
		wantErr(t, err, postgres.ErrInvalid)
	})
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	in := inbox(t, db, postgres.InboxOptions{})
	var ids []string
	for i := range 7 {
		w := delivery(i)
		w.ReceivedAt = noon.Add(time.Duration(i) * time.Hour)
		switch i {
		case 1:
			w.Source = "tevo-west"
		case 2:
			w.Type = "seller/order_fulfilled"
		case 3:
			w.Disposition = provider.Quarantined
		case 4:
			w.Disposition = provider.Unknown
		}
		put(t, in, w)
		ids = append(ids, w.ID)
	}
	must(t, db.MarkForwarded(t.Context(), ids[5:], noon))
	slices.Reverse(ids) // the newest first
	for name, c := range map[string]struct {
		f    postgres.WebhookFilter
		want []string
	}{
		"All":                {postgres.WebhookFilter{}, ids},
		"OfASource":          {postgres.WebhookFilter{Source: "tevo-west"}, ids[5:6]},
		"OfAType":            {postgres.WebhookFilter{Type: "seller/order_fulfilled"}, ids[4:5]},
		"Quarantined":        {postgres.WebhookFilter{Disposition: provider.Quarantined}, ids[3:4]},
		"Unknown":            {postgres.WebhookFilter{Disposition: provider.Unknown}, ids[2:3]},
		"OfAnOrder":          {postgres.WebhookFilter{OrderID: "order:tevo:6"}, ids[:1]},
		"FromInclusive":      {postgres.WebhookFilter{From: noon.Add(5 * time.Hour)}, ids[:2]},
		"ToExclusive":        {postgres.WebhookFilter{To: noon.Add(time.Hour)}, ids[6:]},
		"NotForwarded":       {postgres.WebhookFilter{NotForwarded: true}, ids[4:]},
		"AllConditionsCount": {postgres.WebhookFilter{NotForwarded: true, Source: "tevo", Type: "seller/order_created", From: noon, To: noon.Add(time.Hour)}, ids[6:]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for cursor, first := "", true; first || cursor != ""; first = false {
				items, next, err := db.Webhooks(t.Context(), c.f, cursor, 2)
				must(t, err)
				for _, w := range items {
					got = append(got, w.ID)
					if w.Body != nil {
						t.Error("a list has bodies")
					}
				}
				cursor = next
			}
			wantIDs(t, "pages of two", got, c.want)
		})
	}
	t.Run("RefusesWhatDoesNotExist", func(t *testing.T) {
		t.Parallel()
		_, _, err := db.Webhooks(t.Context(), postgres.WebhookFilter{}, "page 2", 2)
		wantErr(t, err, postgres.ErrInvalid)
		_, _, err = db.Webhooks(t.Context(), postgres.WebhookFilter{Disposition: "'; DROP TABLE webhooks"}, "", 2)
		wantErr(t, err, postgres.ErrInvalid)
		for _, id := range []string{"", "7", postgres.NewID()} {
			_, err = db.Webhook(t.Context(), id)
			wantErr(t, err, postgres.ErrNotFound)
		}
	})
	t.Run("CallerWhoGaveUpGetsItsOwnError", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := db.Webhooks(ctx, postgres.WebhookFilter{}, "", 2)
		wantErr(t, err, context.Canceled)
		if errors.Is(err, postgres.ErrUnavailable) {
			t.Errorf("got %v; Postgres is not to blame", err)
		}
	})
}
