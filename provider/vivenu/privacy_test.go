package vivenu

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"willcall/provider"
)

// private are the keys under which documents hold what belongs to people, or opens something.
var private = []string{"prename", "firstname", "lastname", "company", "email", "primaryEmail", "phone", "street", "line2", "city", "state", "postal",
	"barcode", "secret", "senderName", "message", "ip", "verificationToken", "passwordResetToken", "rejectionReason", "hmacKey"}

// named are the objects whose name is a person's.
var named = []string{"transaction", "ticket", "tickets", "checkout", "purchaseIntent", "customer", "support", "scan", "deliveryAddress"}

// people collects the private texts of a document, with their paths.
func people(doc any, path, parent string, found map[string]string) {
	switch v := doc.(type) {
	case map[string]any:
		_, ticket := v["barcode"]
		for k, x := range v {
			s, ok := x.(string)
			if ok && len(s) >= 4 && (slices.Contains(private, k) || k == "name" && slices.Contains(named, parent) && (parent != "tickets" || ticket)) {
				found[path+k] = s
			}
			people(x, path+k+".", k, found)
		}
	case []any:
		for i, x := range v {
			people(x, fmt.Sprintf("%s%d.", path, i), parent, found)
		}
	}
}

func TestNoBuyerDataInEvents(t *testing.T) {
	t.Parallel()
	total := 0
	for name, body := range samples(t) {
		found := map[string]string{}
		people(parsed(t, body), "", "", found)
		total += len(found)
		out, _ := Decode(delivery("1", body), ours)
		if len(out.Files) != 0 {
			t.Errorf("%s: got files; want none, for vivenu delivers its tickets itself", name)
		}
		got := marshal(t, decoded(delivery("1", body)))
		for path, text := range found {
			if strings.Contains(got, text) {
				t.Errorf("%s: the text of %s is in %s", name, path, got)
			}
		}
	}
	if total < 700 {
		t.Errorf("got %d private texts in all documents; want more than 700, or this test proves nothing", total)
	}
}

// TestNoBuyerDataInErrors puts a buyer's name in the place of every field, one at a time.
func TestNoBuyerDataInErrors(t *testing.T) {
	t.Parallel()
	const secret = "Isolde B. Marchbank"
	refusals := 0
	check := func(what string, raw []byte) {
		out, err := Decode(provider.Delivery{ID: "1", Body: raw, Received: received}, ours)
		_, buyerErr := Buyer(raw)
		_, customerErr := Customer(raw)
		for _, e := range []error{err, buyerErr, customerErr} {
			if e == nil {
				continue
			}
			refusals++
			if strings.Contains(e.Error(), "Marchbank") || !errors.Is(e, provider.ErrMalformed) {
				t.Errorf("%s: got error %q; want ErrMalformed without the value", what, e)
			}
		}
		if err != nil && strings.Contains(marshal(t, out), "Marchbank") {
			t.Errorf("%s: got %+v; want nothing of the buyer beside an error", what, out)
		}
	}
	bodies := samples(t)
	for _, name := range []string{"transaction_complete", "transaction_reservedBySystem", "ticket_created_transfer", "purchaseIntent_created",
		"ticketTransfer_transferred", "scan_created", "support_assignedToSeller", "customer_created", "checkout_aborted"} {
		body := bodies[name]
		for _, path := range leaves(parsed(t, body), "") {
			if path == "type" {
				continue
			}
			check(name+" "+path, []byte(patched(t, body, path+` = "`+secret+`"`)))
			check(name+" "+path, []byte(patched(t, body, path+` = {"name": "`+secret+`"}`)))
		}
		check("cut", []byte(body[:len(body)/2]+secret))
		check("swapped", []byte(patched(t, body, `data = "`+secret+`"`)))
	}
	if refusals < 100 {
		t.Errorf("got %d refusals; want at least 100, or this test proves nothing", refusals)
	}
}

// leaves lists the paths of all values that are no object and no list.
func leaves(doc any, path string) []string {
	var all []string
	switch v := doc.(type) {
	case map[string]any:
		for k, x := range v {
			if !strings.Contains(k, ".") {
				all = append(all, leaves(x, path+"."+k)...)
			}
		}
	case []any:
		for i, x := range v {
			all = append(all, leaves(x, fmt.Sprintf("%s.%d", path, i))...)
		}
	default:
		all = append(all, strings.TrimPrefix(path, "."))
	}
	return all
}
