package order

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount in the minor unit of its currency (cents for USD, yen for JPY). It is never a float.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"` // ISO 4217, upper case; empty only for the zero amount
}

// ErrMoney is wrapped by every error of [ParseMoney].
var ErrMoney = errors.New("not an amount of money")

// exponents lists the currencies of ISO 4217 whose minor unit is not a hundredth.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
	"VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

func exponent(currency string) int {
	if e, ok := exponents[currency]; ok {
		return e
	}
	return 2
}

// ParseMoney reads a decimal such as "27.0", "1.62" or "-3" exactly. Digits beyond the currency's minor unit are taken
// if they are zeros and refused otherwise: rounding a price would be inventing one.
func ParseMoney(decimal, currency string) (Money, error) {
	fail := func(why string) (Money, error) {
		return Money{}, fmt.Errorf("%w: %s", ErrMoney, why)
	}
	if len(currency) != 3 || strings.ToUpper(currency) != currency {
		return fail("the currency must be three capital letters")
	}
	s := strings.TrimSpace(decimal)
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" || len(whole) > 15 || strings.Trim(whole+frac, "0123456789") != "" {
		return fail("want digits with at most one point")
	}
	exp := exponent(currency)
	for len(frac) < exp {
		frac += "0"
	}
	if strings.Trim(frac[exp:], "0") != "" {
		return fail("it is finer than the currency's minor unit")
	}
	minor, err := strconv.ParseInt(whole+frac[:exp], 10, 64)
	if err != nil {
		return fail("it is too large")
	}
	if negative {
		minor = -minor
	}
	return Money{Minor: minor, Currency: currency}, nil
}

// Decimal writes the amount with the digits of its currency: "54.00", "540", "-0.05".
func (m Money) Decimal() string {
	exp := exponent(m.Currency)
	sign, n := "", uint64(m.Minor)
	if m.Minor < 0 {
		sign, n = "-", uint64(-m.Minor)
	}
	s := strconv.FormatUint(n, 10)
	if exp == 0 {
		return sign + s
	}
	for len(s) <= exp {
		s = "0" + s
	}
	return sign + s[:len(s)-exp] + "." + s[len(s)-exp:]
}

func (m Money) String() string {
	if m.Currency == "" {
		return m.Decimal()
	}
	return m.Decimal() + " " + m.Currency
}

// mixed is the currency of a sum over several currencies; such an order raises attention instead of being invoiced.
const mixed = "XXX"

// Add returns m + n. The zero Money adds to any currency; a sum of two currencies has the ISO 4217 code XXX, and a sum
// that does not fit saturates under that code as well, so that neither can pass for an amount.
func (m Money) Add(n Money) Money {
	switch {
	case m == Money{}:
		return n
	case n == Money{}:
		return m
	case m.Currency != n.Currency:
		return Money{Minor: 0, Currency: mixed}
	case n.Minor > 0 && m.Minor > math.MaxInt64-n.Minor, n.Minor < 0 && m.Minor < math.MinInt64-n.Minor:
		return Money{Minor: 0, Currency: mixed}
	}
	return Money{Minor: m.Minor + n.Minor, Currency: m.Currency}
}

// Times returns n × m, under the currency code XXX where it does not fit.
func (m Money) Times(n int64) Money {
	if m.Minor != 0 && n != 0 {
		if p := m.Minor * n; p/n != m.Minor {
			return Money{Currency: mixed}
		}
	}
	return Money{Minor: m.Minor * n, Currency: m.Currency}
}
