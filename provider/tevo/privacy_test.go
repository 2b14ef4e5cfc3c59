package tevo

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/sim"
)

// private are the keys under which documents hold what belongs to people.
var private = []string{"name", "email", "email_address", "address", "phone", "phone_number", "number", "street_address",
	"extended_address", "locality", "postal_code", "company", "ship_to_name", "label"}

// people collects the private texts of a document, with their paths. Events, venues and ticket groups are about goods.
func people(doc any, path string, found map[string]string) {
	switch v := doc.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && slices.Contains(private, k) && len(s) >= 5 {
				found[path+k] = s
			}
			if k != "ticket_group" {
				people(x, path+k+".", found)
			}
		}
	case []any:
		for i, x := range v {
			people(x, fmt.Sprintf("%s%d.", path, i), found)
		}
	}
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
		found := map[string]string{}
		people(parse(t, form.Get("body")), "", found)
		total += len(found)
		got := marshal(t, decoded(delivery("1", form)))
		for path, text := range found {
			if strings.Contains(got, text) {
				t.Errorf("%s: the text of %s is in %s", name, path, got)
			}
		}
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
		for _, e := range []error{err, buyerErr} {
			if e == nil {
				continue
			}
			refusals++
			if strings.Contains(e.Error(), "Pemberly") || !errors.Is(e, provider.ErrMalformed) {
				t.Errorf("%s: got error %q; want ErrMalformed without the value", what, e)
			}
		}
		if err != nil && strings.Contains(marshal(t, out), "Pemberly") {
			t.Errorf("%s: got %+v; want nothing of the buyer beside an error", what, out)
		}
	}
	forms := samples(t)
	for _, name := range []string{"seller_order_created_client", "seller_airbill_uploaded", "seller_etickets_finalized", "seller_in-hand_updated",
		"buyer_delivery_complete", "buyer_delivery_updated"} {
		form := forms[name]
		for _, path := range leaves(parse(t, form.Get("body")), "") {
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

// leaves lists the paths of all values that are no object and no list.
func leaves(doc any, path string) []string {
	var all []string
	switch v := doc.(type) {
	case map[string]any:
		for k, x := range v {
			all = append(all, leaves(x, path+"."+k)...)
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
