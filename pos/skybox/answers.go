package skybox

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	onepass "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
)

// decode reads a body into v. Its errors quote no value of the body.
func decode(body []byte, v any) error {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return errors.New("it is not a JSON object")
	}
	if err := onepass.Unmarshal(body, v, lenient); err != nil {
		if _, wrong := errors.AsType[*onepass.SemanticError](err); wrong {
			return errors.New("a member has the wrong type")
		}
		return errors.New("it is not JSON")
	}
	return nil
}

// lenient takes what encoding/json takes, but for names of members in another case than the document's. It is one pass over an
// answer, where encoding/json makes two.
var lenient = onepass.JoinOptions(
	jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true), onepass.WithUnmarshalers(onepass.UnmarshalFromFunc(readNumber)),
)

var errNoNumber = errors.New("it is not a number")

// readNumber keeps a number as it is written, also one that is written as a string.
func readNumber(dec *jsontext.Decoder, n *json.Number) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case 'n':
		*n = ""
		return nil
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		if v = text; err != nil || !v.IsValid() || len(bytes.TrimSpace(v)) != len(v) {
			return errNoNumber
		}
	}
	if v.Kind() != '0' {
		return errNoNumber
	}
	*n = json.Number(v)
	return nil
}

// list reads what a search answers: an array, as the document says, or {"rows": […]}, as a client in use reads it. A body that is
// neither must not pass for an empty list, or a search that failed would look like a record that is not there.
func list(body []byte) ([]json.RawMessage, error) {
	var records []json.RawMessage
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' {
		if json.Unmarshal(body, &records) != nil {
			return nil, errors.New("it is not JSON")
		}
		return records, nil
	}
	var answer struct {
		Rows *[]json.RawMessage `json:"rows"`
	}
	if err := decode(body, &answer); err != nil {
		return nil, errors.New("it is no list")
	}
	if answer.Rows == nil {
		return nil, errors.New("it has no rows")
	}
	return *answer.Rows, nil
}

// one reads a record that the document has answered alone or, by the same operation's declared type, as a list of one.
func one(body []byte) ([]byte, error) {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '[' {
		return body, nil
	}
	records, err := list(body)
	if err != nil {
		return nil, err
	}
	if len(records) != 1 {
		return nil, errors.New("it is a list of more or fewer than one")
	}
	return records[0], nil
}

func idOf(record json.RawMessage) (string, error) {
	var r struct {
		ID json.Number `json:"id"`
	}
	if err := decode(record, &r); err != nil {
		return "", err
	}
	if !isID(r.ID.String()) {
		return "", errors.New("a record has no id")
	}
	return r.ID.String(), nil
}

// refOf reads the reference of a record alone, so that one of another reference, which may have anything else in it, need not be read.
func refOf(record json.RawMessage) (string, error) {
	var r struct {
		ExternalRef string `json:"externalRef"`
	}
	err := decode(record, &r)
	return r.ExternalRef, err
}

// older orders records by their time, those of one time by their ids, which SkyBox counts upwards.
func older(aAt, bAt time.Time, aID, bID string) int {
	if n := aAt.Compare(bAt); n != 0 {
		return n
	}
	if n := len(aID) - len(bID); n != 0 {
		return n
	}
	return strings.Compare(aID, bID)
}

// times are the ways in which a Java service may write "datetime"; the document has no example. Without a zone UTC is assumed.
var times = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"}

// parseTime reads a time; none is none.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range times {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("a time is not ISO 8601")
}

// amount is the JSON number that is m exactly. The error says that m has no currency.
func amount(m pos.Money) (json.Number, error) {
	text, err := m.Amount()
	return json.Number(text), err
}

// parseAmount reads an amount without rounding. The text is never made a float: 240.00000000000003 is a defect to be seen, not 240.
func parseAmount(n json.Number, currency string) (pos.Money, error) {
	if !slices.Contains(currencies, currency) {
		return pos.Money{}, errors.New("a record has no currency that we keep")
	}
	text, err := plain(n.String())
	if err != nil {
		return pos.Money{}, err
	}
	return pos.ParseMoney(text, currency)
}

// plain writes a JSON number without an exponent, digit by digit. Java writes doubles from ten million on as 1.2E7.
func plain(s string) (string, error) {
	mantissa, exponent, found := strings.Cut(strings.ToLower(s), "e")
	shift := 0
	if found {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift < -18 || shift > 18 {
			return "", errors.New("an amount is out of range")
		}
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || len(whole)+len(fraction) > 40 {
		return "", errors.New("an amount is not a number")
	}
	if shift > 0 {
		fraction += strings.Repeat("0", max(0, shift-len(fraction)))
		whole, fraction = whole+fraction[:shift], fraction[shift:]
	} else if shift < 0 {
		whole = strings.Repeat("0", max(0, 1-shift-len(whole))) + whole
		cut := len(whole) + shift
		whole, fraction = whole[:cut], whole[cut:]+fraction
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative {
		whole = "-" + whole
	}
	return whole, nil
}

// currency is the one of all lines of a record: SkyBox keeps one currencyCode for each (closed set, invoices and purchases).
func currency(op string, totals []pos.Money) (string, error) {
	code := totals[0].Currency
	for _, m := range totals {
		if m.Currency != code {
			return "", invalid(op, "the lines are in more than one currency, and SkyBox keeps one for each record")
		}
	}
	if !slices.Contains(currencies, code) {
		return "", invalid(op, "SkyBox does not know the currency")
	}
	return code, nil
}

// paid is the payment status of a new record.
func paid(p pos.Payment) string {
	if p == pos.Paid {
		return "PAID"
	}
	return "UNPAID"
}

// payment reads a payment status. VOID is no state of payment for us: what it says is in Voided.
func payment(s string) (pos.Payment, error) {
	switch s {
	case "UNPAID", "VOID":
		return pos.Unpaid, nil
	case "PARTIAL":
		return pos.Partial, nil
	case "PAID":
		return pos.Paid, nil
	}
	return "", errors.New("a payment status is not of the document's set")
}

// voidNote begins the note in which the reason of a void is kept, linesVoidNote that of a void of some lines: SkyBox has no field for
// either.
const (
	voidNote      = "Void: "
	linesVoidNote = "Lines void: "
)

type noteBody struct {
	Text string `json:"text"`
}

// voidReason is that of the first note that is one; later ones are of repetitions.
func voidReason(notes []noteBody) string {
	for _, n := range notes {
		if reason, ok := strings.CutPrefix(n.Text, voidNote); ok {
			return reason
		}
	}
	return ""
}
