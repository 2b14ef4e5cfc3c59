package vivenu

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"willcall/order"
	"willcall/provider/wire"
)

// noise is by how much of a minor unit a price may miss a whole one: 29.990000000000002 is 29.99, and 29.995 is no price.
var noise = big.NewRat(1, 1_000_000)

// maxPrice is far beyond the price of any ticket, in major units.
const maxPrice = 1e12

// price reads an amount. vivenu calculates prices in binary fractions and writes them as JSON numbers, so the nearest minor
// unit is taken where it is plain which one is meant. An amount of zero needs no currency. Errors never say what was read.
func price(s wire.Scalar, currency string) (order.Money, error) {
	if !s.Given() {
		return order.Money{}, errors.New("it is missing")
	}
	f, err := strconv.ParseFloat(s.Text, 64)
	if err != nil || s.Kind == 'b' || len(s.Text) > 64 || strings.Trim(s.Text, "0123456789.eE+-") != "" || math.Abs(f) > maxPrice {
		return order.Money{}, errors.New("want an amount of money")
	}
	if f == 0 { // or so little that its exponent is not worth following
		if !isCurrency(currency) {
			currency = ""
		}
		return order.Money{Currency: currency}, nil
	}
	if f < 0 {
		return order.Money{}, errors.New("it is negative")
	}
	if !isCurrency(currency) {
		return order.Money{}, errors.New("its currency must be three capital letters")
	}
	exact, ok := new(big.Rat).SetString(s.Text)
	if !ok {
		return order.Money{}, errors.New("want an amount of money")
	}
	_, digits, _ := strings.Cut(order.Money{Currency: currency}.Decimal(), ".")
	exact.Mul(exact, big.NewRat(int64(math.Pow10(len(digits))), 1))
	half := new(big.Rat).Add(exact, big.NewRat(1, 2))
	minor := new(big.Int).Quo(half.Num(), half.Denom())
	rest := exact.Sub(exact, new(big.Rat).SetInt(minor))
	if rest.Abs(rest).Cmp(noise) >= 0 {
		return order.Money{}, errors.New("it is finer than the currency's minor unit")
	}
	return order.Money{Minor: minor.Int64(), Currency: currency}, nil
}

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
