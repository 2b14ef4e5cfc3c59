package tevo

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
	"willcall/sim"
)

// private are the keys under which documents hold what belongs to people.
var private = []string{"name", "email", "email_address", "address", "phone", "phone_number", "number", "street_address",
	"extended_address", "locality", "postal_code", "company", "ship_to_name", "label"}

// people are the private texts of a document, with their paths. Events, venues and ticket groups are about goods.
func people(t *testing.T, body string) map[string]string {
	t.Helper()
	found := map[string]string{}
	providertest.Walk(providertest.Parse(t, body), func(path []string, v any) bool {
		if len(path) == 0 {
			return true
		}
		key := path[len(path)-1]
		if s, ok := v.(string); ok && slices.Contains(private, key) && len(s) >= 5 {
			found[strings.Join(path, ".")] = s
		}
		return key != "ticket_group"
	})
	return found
}

// documents are all forms that the tests know: the fixtures and the simulator's.
func documents(t *testing.T) map[string]url.Values {
	t.Helper()
	docs := samples(t)
	for name, hooks := range roads() {
		for i, raw := range hooks {
			form, err := url.ParseQuery(string(raw))
			if err != nil {
				t.Fatal(err)
			}
			docs[fmt.Sprintf("sim %s %d", name, i)] = form
		}
	}
	o := sim.ClientSale(2)
	o.Instructions = "Leave them with Wren Pemberly."
	_, raw := o.Webhook("seller", "order_created")
	form, _ := url.ParseQuery(string(raw))
	docs["sim client"] = form
	return docs
}

func TestNoBuyerDataInEvents(t *testing.T) {
	t.Parallel()
	total := 0
	for name, form := range documents(t) {
		if !form.Has("body") || catalogue(form.Get("event_type")) { // nobody is in the catalogue
			continue
		}
		found := people(t, form.Get("body"))
		total += len(found)
		providertest.Private(t, name, providertest.Marshal(t, decoded(delivery("1", form))), found)
	}
	if total < 300 {
		t.Errorf("got %d private texts in all documents; want more than 300, or this test proves nothing", total)
	}
}

// TestNoBuyerDataInErrors puts a buyer's name in the place of every field, one at a time, and whole documents in places
// where they break the form.
func TestNoBuyerDataInErrors(t *testing.T) {
	t.Parallel()
	const secret = "Wren Q. Pemberly"
	refusals := 0
	check := func(what string, raw []byte) {
		out, err := Decode(provider.Delivery{ID: "1", Body: raw, Received: received}, usd)
		_, buyerErr := Buyer(raw)
		refusals += providertest.Unquoted(t, what, "Pemberly", out, err, buyerErr)
	}
	forms := samples(t)
	for _, name := range []string{"seller_order_created_client", "seller_airbill_uploaded", "seller_etickets_finalized", "seller_in-hand_updated",
		"buyer_delivery_complete", "buyer_delivery_updated"} {
		form := forms[name]
		for _, path := range providertest.Leaves(t, form.Get("body")) {
			check(name+" "+path, []byte(with(t, form, path+` = "`+secret+`"`).Encode()))
			check(name+" "+path, []byte(with(t, form, path+` = {"name": "`+secret+`"}`).Encode()))
		}
		body := form.Get("body")
		check("cut", []byte("recipient=seller&event_type=order_created&order_group_id=1&body="+body[:len(body)/2]+secret))
		check("swapped", []byte("recipient=seller&event_type=order_created&order_group_id="+secret+"&body="+body))
		check("broken", []byte("recipient=seller&event_type=order_created&order_group_id=1&body="+secret+"%zz"))
	}
	if refusals < 30 {
		t.Errorf("got %d refusals; want at least 30, or this test proves nothing", refusals)
	}
}
