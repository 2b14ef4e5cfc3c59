package skybox

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"willcall/pos"
)

// refused makes the error of an answer that is no success. The document declares 200, 400, 401 and 404; what SkyBox answers to too
// many calls is not in it, and 429 is assumed.
func (k call) refused(resp *http.Response, body []byte, now time.Time) error {
	e := &pos.Error{
		Class: k.classOf(resp.StatusCode), Op: k.op, Message: strconv.Itoa(resp.StatusCode), RetryAfter: retryAfter(resp.Header, now),
	}
	switch {
	case resp.StatusCode < 400:
		e.Message += " (redirects are not followed: check the base URL)"
	case resp.StatusCode == http.StatusBadRequest:
		e.Err = errBadRequest
		if names := fieldNames(body); len(names) > 0 {
			e.Message += " (at " + strings.Join(names, ", ") + ")"
		}
	}
	return e
}

func (k call) classOf(status int) pos.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return pos.Unauthorized
	case http.StatusNotFound, http.StatusGone:
		return pos.NotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return pos.Unsupported
	case http.StatusConflict:
		// Not in the document. Which conflict is not known; one for a person is the safe guess.
		return pos.ReferenceConflict
	case http.StatusTooManyRequests:
		return pos.RateLimited
	case http.StatusTooEarly:
		return pos.Transient
	case http.StatusRequestTimeout:
		// Below: whoever waited too long may have been behind the effect.
	default:
		if status < 500 {
			return pos.Invalid
		}
	}
	// A 5xx says nothing about what was done, 503 included.
	if k.write() {
		return pos.OutcomeUnknown
	}
	return pos.Transient
}

// errBadRequest marks the errors that are SkyBox's 400: "invalid request", or "Invalid fields (see JSON response in
// javax.validation.Validator format)".
var errBadRequest = errors.New("refused as invalid")

// fields are the members of the requests of this package. An error names no others: a name that a server sends could be anything.
var fields = []string{
	"accountId", "address", "address1", "amount", "city", "company", "cost", "country", "currencyCode", "customerId", "customerType",
	"defaultDeliveryMethod", "deliveryMethod", "displayName", "email", "eventDate", "eventId", "eventMapping", "eventName", "expiryDate", "externalRef",
	"firstName", "fulfillmentStatus", "hideSeatNumbers", "highSeat", "internalNotes", "inventory", "inventoryId", "invoiceIds", "invoiceNote", "itemIds",
	"lastName", "lineIds", "lineItemType", "lineType", "lines", "lowSeat", "notes", "otherAmount", "paymentMethod", "paymentStatus", "phone1",
	"postalCode", "purchaseIds", "purchaseTerm", "quantity", "received", "row", "salesTerm", "seatType", "section", "shippingAmount", "splitType", "state", "status",
	"stockType", "taxAmount", "text", "type", "vendorId", "venueName",
}

// maxNamed is how many fields an error names.
const maxNamed = 8

// fieldNames takes the names of fields out of the body of a 400. Its exact format is not in the document, so the whole of it is looked
// through for strings and member names that are paths of fields; everything else, which may quote a buyer, is passed over.
func fieldNames(body []byte) []string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	var names []string
	add := func(s string) {
		if isField(s) {
			names = append(names, s)
		}
	}
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		if depth == 0 {
			return
		}
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one, depth-1)
			}
		case map[string]any:
			for name, value := range v {
				switch s, text := value.(string); {
				case text && slices.Contains([]string{"propertyPath", "property", "path", "field"}, name):
					add(s)
				case text || name == "errors":
					add(name)
				}
				walk(value, depth-1)
			}
		}
	}
	walk(v, 6)
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxNamed)]
}

// isField says whether s is a path such as lines[0].itemIds.
func isField(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		name, index, indexed := strings.Cut(part, "[")
		if !slices.Contains(fields, name) {
			return false
		}
		if indexed && (len(index) < 2 || len(index) > 5 || strings.Trim(index[:len(index)-1], "0123456789") != "" || index[len(index)-1] != ']') {
			return false
		}
	}
	return true
}

// maxRetryAfter bounds what a server may ask for: more is a mistake, and would park an order for ever.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header, seconds or a date (RFC 9110, section 10.2.3), and returns 0 where there is none to be used. A
// date is measured by the server's own clock where it sends one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(v, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
