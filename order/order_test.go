package order

import (
	"errors"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		decimal, currency string
		minor             int64
		written           string
	}{
		{"27.0", "USD", 2700, "27.00"},
		{"1.62", "USD", 162, "1.62"},
		{"0.0", "USD", 0, "0.00"},
		{"-0.05", "EUR", -5, "-0.05"},
		{"540", "JPY", 540, "540"},
		{"1.5", "KWD", 1500, "1.500"},
		{"2.500", "USD", 250, "2.50"},
	} {
		got, err := ParseMoney(c.decimal, c.currency)
		if err != nil || got.Minor != c.minor || got.Currency != c.currency || got.Decimal() != c.written {
			t.Errorf("%s %s: got %+v %q %v; want %d %q", c.decimal, c.currency, got, got.Decimal(), err, c.minor, c.written)
		}
	}
	for _, bad := range []string{"", "abc", "1.005", "1e3", "1,5", "--1", ".5", "1.2.3", "99999999999999999999", "NaN"} {
		if got, err := ParseMoney(bad, "USD"); !errors.Is(err, ErrMoney) {
			t.Errorf("%q: got %v %v; want ErrMoney", bad, got, err)
		}
	}
	if _, err := ParseMoney("1", "usd"); !errors.Is(err, ErrMoney) {
		t.Errorf("a lower-case currency: got %v; want ErrMoney", err)
	}
}

func TestMoneyIsWrittenAsItIsRead(t *testing.T) {
	t.Parallel()
	for _, currency := range []string{"USD", "JPY", "KWD"} {
		same := func(minor int64) bool {
			m := Money{Minor: minor % 1e14, Currency: currency}
			got, err := ParseMoney(m.Decimal(), currency)
			return err == nil && got == m
		}
		if err := quick.Check(same, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestSumsThatMakeNoSenseAreNoAmounts(t *testing.T) {
	t.Parallel()
	usd, eur := Money{1, "USD"}, Money{1, "EUR"}
	for name, got := range map[string]Money{
		"TwoCurrencies": usd.Add(eur),
		"TooLarge":      Money{1 << 62, "USD"}.Add(Money{1 << 62, "USD"}),
		"TooMany":       Money{1 << 40, "USD"}.Times(1 << 40),
	} {
		if got.Currency != mixed {
			t.Errorf("%s: got %v; want the currency %s", name, got, mixed)
		}
	}
	if got := (Money{}).Add(usd).Add(Money{}); got != usd {
		t.Errorf("the zero amount changes a sum: %v", got)
	}
}

func TestStepIDsSayWhatTheyAreAbout(t *testing.T) {
	t.Parallel()
	for _, do := range []Do{DoInvoice, DoVoidInvoice, DoPurchaseOrder, DoVoidPurchaseOrder, DoAccept, DoReject, DoAirbill} {
		for _, subject := range []string{"", "61627", "a:b/c"} {
			id := ID(do, subject, 3)
			if id.Do() != do || id.Subject() != subject {
				t.Errorf("%s: got %s of %q; want %s of %q", id, id.Do(), id.Subject(), do, subject)
			}
		}
	}
}

func TestSettleRemembersSinceWhen(t *testing.T) {
	t.Parallel()
	o := New(Identity{ID: "order:tevo:1"}, DefaultPolicy())
	e, _ := parseEvent(split("w1 order_created at=12:00 buyer=client "+sold+" fraud=pending"), day)
	o.Apply(e)
	if !o.Settle(o.Plan(day), day) || o.StateSince != day {
		t.Fatalf("a new state was not noted: %+v", o)
	}
	if later := day.Add(time.Hour); o.Settle(o.Plan(later), later) || o.StateSince != day {
		t.Errorf("the same state was noted again: since %v", o.StateSince)
	}
	late := day.Add(25 * time.Hour)
	if !o.Settle(o.Plan(late), late) || o.AttentionSince != late || !strings.HasPrefix(o.AttentionKey, string(ReasonFraudOverdue)) {
		t.Errorf("the attention was not noted: %q since %v", o.AttentionKey, o.AttentionSince)
	}
}
