package ltd

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"willcall/provider/providertest"
)

// private are the keys under which documents hold what belongs to people, and what opens doors.
var private = []string{"FullName", "Email", "CustomerEmail", "PhoneNumber", "AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4",
	"City", "PostCode", "Barcode"}

// secrets are the private texts of a document, with their paths.
func secrets(t *testing.T, body string) map[string]string {
	t.Helper()
	found := map[string]string{}
	providertest.Walk(providertest.Parse(t, body), func(path []string, v any) bool {
		if s := fmt.Sprint(v); len(path) > 0 && slices.Contains(private, path[len(path)-1]) && v != nil && len(s) >= 4 {
			found[strings.Join(path, ".")] = s
		}
		return true
	})
	return found
}

func TestNoBuyerDataAndNoBarcodeInEvents(t *testing.T) {
	t.Parallel()
	docs := samples(t)
	for i, body := range life(t) {
		docs[fmt.Sprint("life ", i)] = body
	}
	total, kept := 0, 0
	for name, body := range docs {
		found := secrets(t, body)
		total += len(found)
		out, err := Decode(delivery("1", body), gbp)
		kept += len(out.Files)
		out.Files = nil
		_, buyerErr := Buyer([]byte(body))
		providertest.Private(t, name, providertest.Marshal(t, out)+fmt.Sprint(err, buyerErr), found)
	}
	if total < 40 || kept < 8 {
		t.Errorf("got %d private texts and %d barcodes in all documents; want 40 and 8, or this test proves nothing", total, kept)
	}
}

// TestFilesHoldTicketsAlone: barcodes are kept there, people are not.
func TestFilesHoldTicketsAlone(t *testing.T) {
	t.Parallel()
	for name, body := range samples(t) {
		found := secrets(t, body)
		out, _ := Decode(delivery("1", body), gbp)
		for _, f := range out.Files {
			for path, secret := range found {
				if strings.Contains(f.Name, secret) || !strings.HasSuffix(path, "Barcode") && strings.Contains(string(f.Body), secret) {
					t.Errorf("%s: the text of %s is in the file %s", name, path, f.Name)
				}
			}
		}
	}
}

// TestNoBuyerDataInErrors puts a buyer's name in the place of every field, one at a time, and where it breaks the document.
func TestNoBuyerDataInErrors(t *testing.T) {
	t.Parallel()
	const secret = "Wren Q. Pemberly"
	refusals := 0
	check := func(what, body string) {
		out, err := Decode(delivery("1", body), gbp)
		_, buyerErr := Buyer([]byte(body))
		refusals += providertest.Unquoted(t, what, "Pemberly", out, err, buyerErr)
	}
	for _, name := range []string{"transaction_changed", "transaction_created", "scheduled_eticket_delivery", "basket_polled"} {
		body := sample(t, name)
		for _, path := range providertest.Leaves(t, body) {
			check(name+" "+path, providertest.Patch(t, body, path+` = "`+secret+`"`))
			check(name+" "+path, providertest.Patch(t, body, path+` = {"FullName": "`+secret+`"}`))
			check(name+" "+path, providertest.Patch(t, body, path+` = ["`+secret+`"]`))
		}
		check("cut", body[:len(body)/2]+secret)
		check("alone", secret)
	}
	if refusals < 50 {
		t.Errorf("got %d refusals; want at least 50, or this test proves nothing", refusals)
	}
}
