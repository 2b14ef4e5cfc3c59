package pos

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Money is an exact amount: a whole number of the currency's smallest unit.
type Money struct {
	Minor    int64  // e.g. cents
	Currency string // ISO 4217, upper case
}

// ParseMoney reads a decimal amount such as "240.00" without rounding. Fewer decimals than the currency has
// are taken as zeros, more only if they are zeros. It accepts a leading "-", and neither "+", spaces, exponents
// nor grouping. Errors are not classed and do not quote the input.
func ParseMoney(amount, currency string) (Money, error) {
	exp, err := exponent(currency)
	if err != nil {
		return Money{}, err
	}
	digits, negative := strings.CutPrefix(amount, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || point && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return Money{}, errors.New("pos: amount is not a decimal number")
	}
	if len(fraction) > exp {
		if strings.Trim(fraction[exp:], "0") != "" {
			return Money{}, fmt.Errorf("pos: amount has more than the %d decimals of %s", exp, currency)
		}
		fraction = fraction[:exp]
	}
	fraction += strings.Repeat("0", exp-len(fraction))
	if negative {
		whole = "-" + whole
	}
	minor, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return Money{}, errors.New("pos: amount is out of range")
	}
	return Money{Minor: minor, Currency: currency}, nil
}

// Amount writes m as a decimal with exactly as many decimals as its currency has: "240.00" USD, "240" JPY,
// "0.240" KWD. The error says that the currency is not a code of three capitals.
func (m Money) Amount() (string, error) {
	exp, err := exponent(m.Currency)
	if err != nil {
		return "", err
	}
	s := strconv.FormatInt(m.Minor, 10)
	if exp == 0 {
		return s, nil
	}
	digits, negative := strings.CutPrefix(s, "-")
	if short := exp + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	s = digits[:len(digits)-exp] + "." + digits[len(digits)-exp:]
	if negative {
		s = "-" + s
	}
	return s, nil
}

// exponent returns how many decimals a currency has (ISO 4217:2015, list one, column "minor unit").
func exponent(currency string) (int, error) {
	if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return 0, errors.New("pos: currency is not an ISO 4217 code")
	}
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
		"XAF", "XOF", "XPF":
		return 0, nil
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3, nil
	case "CLF", "UYW":
		return 4, nil
	}
	return 2, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
