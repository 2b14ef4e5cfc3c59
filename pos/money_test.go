package pos_test

import (
	"math"
	"math/big"
	"testing"

	"willcall/pos"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency string
		amount   string
	}{
		{24000, "USD", "240.00"},
		{5, "USD", "0.05"},
		{0, "EUR", "0.00"},
		{-5, "EUR", "-0.05"},
		{-12345, "GBP", "-123.45"},
		{240, "JPY", "240"},
		{0, "JPY", "0"},
		{240, "KWD", "0.240"},
		{1234567, "BHD", "1234.567"},
		{1, "CLF", "0.0001"},
		{math.MaxInt64, "USD", "92233720368547758.07"},
		{math.MinInt64, "USD", "-92233720368547758.08"},
	} {
		m := pos.Money{Minor: c.minor, Currency: c.currency}
		if got, err := m.Amount(); err != nil || got != c.amount {
			t.Errorf("Amount of %+v: got %q, %v; want %q", m, got, err, c.amount)
		}
		if got, err := pos.ParseMoney(c.amount, c.currency); err != nil || got != m {
			t.Errorf("ParseMoney(%q, %s): got %+v, %v; want %+v", c.amount, c.currency, got, err, m)
		}
	}
}

func TestDecimalsOfCurrencies(t *testing.T) {
	t.Parallel()
	for amount, currencies := range map[string][]string{
		"1": {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
			"XOF", "XPF"},
		"0.01":   {"USD", "CAD", "EUR", "GBP", "AUD", "MXN", "BRL", "HUF", "TWD", "CHF", "MGA", "MRU"},
		"0.001":  {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"},
		"0.0001": {"CLF", "UYW"},
	} {
		for _, currency := range currencies {
			if got, err := (pos.Money{Minor: 1, Currency: currency}).Amount(); err != nil || got != amount {
				t.Errorf("one minor unit of %s: got %s, %v; want %s", currency, got, err, amount)
			}
		}
	}
}

func TestParseMoneyTakesOtherDecimals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount, currency string
		minor            int64
	}{
		{"240", "USD", 24000}, {"240.5", "USD", 24050}, {"240.000", "USD", 24000}, {"240.0", "JPY", 240},
		{"007", "USD", 700}, {"-0", "USD", 0},
	} {
		got, err := pos.ParseMoney(c.amount, c.currency)
		if err != nil || got.Minor != c.minor {
			t.Errorf("ParseMoney(%q, %s): got %+v, %v; want %d", c.amount, c.currency, got, err, c.minor)
		}
	}
}

func TestParseMoneyRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, amount, currency string }{
		{"Empty", "", "USD"},
		{"SignAlone", "-", "USD"},
		{"TwoSigns", "--1", "USD"},
		{"Plus", "+1", "USD"},
		{"PointAlone", ".", "USD"},
		{"NoWholePart", ".5", "USD"},
		{"NoFraction", "5.", "USD"},
		{"TwoPoints", "1.2.3", "USD"},
		{"Comma", "1,5", "USD"},
		{"Grouping", "1,000.00", "USD"},
		{"Space", " 1", "USD"},
		{"Exponent", "1e3", "USD"},
		{"OtherDigits", "١", "USD"},
		{"TooManyDecimals", "1.005", "USD"},
		{"DecimalsOfYen", "1.5", "JPY"},
		{"TooLarge", "92233720368547758.08", "USD"},
		{"NoCurrency", "1", ""},
		{"LowerCaseCurrency", "1", "usd"},
		{"LongCurrency", "1", "USDT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, err := pos.ParseMoney(c.amount, c.currency); err == nil {
				t.Errorf("ParseMoney(%q, %q): got %+v; want an error", c.amount, c.currency, got)
			}
		})
	}
	if got, err := (pos.Money{Minor: 1, Currency: "us"}).Amount(); err == nil {
		t.Errorf("Amount without a currency: got %q; want an error", got)
	}
}

// FuzzMoney: writing and reading is the identity, and the amount is the exact quotient.
func FuzzMoney(f *testing.F) {
	currencies := map[string]int64{"USD": 100, "JPY": 1, "KWD": 1000, "CLF": 10000, "EUR": 100}
	for _, minor := range []int64{0, 1, -1, 99, 100, -100, math.MaxInt64, math.MinInt64} {
		f.Add(minor)
	}
	f.Fuzz(func(t *testing.T, minor int64) {
		for currency, unit := range currencies {
			m := pos.Money{Minor: minor, Currency: currency}
			amount, err := m.Amount()
			if err != nil {
				t.Fatalf("Amount of %+v: %v", m, err)
			}
			back, err := pos.ParseMoney(amount, currency)
			if err != nil || back != m {
				t.Errorf("ParseMoney(%q, %s): got %+v, %v; want %+v", amount, currency, back, err, m)
			}
			exact, ok := new(big.Rat).SetString(amount)
			if !ok || exact.Cmp(big.NewRat(minor, unit)) != 0 {
				t.Errorf("Amount of %+v: got %q; want %d/%d", m, amount, minor, unit)
			}
		}
	})
}

// FuzzParseMoney: what is accepted is a decimal number, and exactly that number.
func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"240.00", "-0.05", "1.005", "1e3", "", ".", "0x1", "1/2", "9223372036854775807", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, amount string) {
		m, err := pos.ParseMoney(amount, "USD")
		if err != nil {
			return
		}
		exact, ok := new(big.Rat).SetString(amount)
		if !ok || exact.Cmp(big.NewRat(m.Minor, 100)) != 0 {
			t.Errorf("ParseMoney(%q): got %d cents; want that number", amount, m.Minor)
		}
	})
}
