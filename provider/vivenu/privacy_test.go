package vivenu

import (
	"slices"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
)

// private are the keys under which documents hold what belongs to people, or opens something.
var private = []string{"prename", "firstname", "lastname", "company", "email", "primaryEmail", "phone", "street", "line2", "city", "state", "postal",
	"barcode", "secret", "senderName", "message", "ip", "verificationToken", "passwordResetToken", "rejectionReason", "hmacKey"}

// named are the objects whose name is a person's.
var named = []string{"transaction", "ticket", "tickets", "checkout", "purchaseIntent", "customer", "support", "scan", "deliveryAddress"}

// people are the private texts of a document, with their paths.
func people(t *testing.T, body string) map[string]string {
	t.Helper()
	found := map[string]string{}
	providertest.Walk(providertest.Parse(t, body), func(path []string, v any) bool {
		object, _ := v.(map[string]any)
		parent := ""
		for _, step := range path {
			if strings.Trim(step, "0123456789") != "" { // what stands in a list is of the list's name
				parent = step
			}
		}
		_, ticket := object["barcode"]
		for k, x := range object {
			s, ok := x.(string)
			if ok && len(s) >= 4 && (slices.Contains(private, k) || k == "name" && slices.Contains(named, parent) && (parent != "tickets" || ticket)) {
				found[strings.Join(append(path, k), ".")] = s
			}
		}
		return true
	})
	return found
}

func TestNoBuyerDataInEvents(t *testing.T) {
	t.Parallel()
	total := 0
	for name, body := range samples(t) {
		found := people(t, body)
		total += len(found)
		out, _ := Decode(delivery("1", body), ours)
		if len(out.Files) != 0 {
			t.Errorf("%s: got files; want none, for vivenu delivers its tickets itself", name)
		}
		providertest.Private(t, name, providertest.Marshal(t, decoded(delivery("1", body))), found)
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
		refusals += providertest.Unquoted(t, what, "Marchbank", out, err, buyerErr, customerErr)
	}
	bodies := samples(t)
	for _, name := range []string{"transaction_complete", "transaction_reservedBySystem", "ticket_created_transfer", "purchaseIntent_created",
		"ticketTransfer_transferred", "scan_created", "support_assignedToSeller", "customer_created", "checkout_aborted"} {
		body := bodies[name]
		for _, path := range providertest.Leaves(t, body) {
			if path == "type" {
				continue
			}
			check(name+" "+path, []byte(providertest.Patch(t, body, path+` = "`+secret+`"`)))
			check(name+" "+path, []byte(providertest.Patch(t, body, path+` = {"name": "`+secret+`"}`)))
		}
		check("cut", []byte(body[:len(body)/2]+secret))
		check("swapped", []byte(providertest.Patch(t, body, `data = "`+secret+`"`)))
	}
	if refusals < 100 {
		t.Errorf("got %d refusals; want at least 100, or this test proves nothing", refusals)
	}
}
