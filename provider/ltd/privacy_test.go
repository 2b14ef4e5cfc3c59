package ltd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"willcall/provider"
)

// private are the keys under which documents hold what belongs to people, and what opens doors.
var private = []string{"FullName", "Email", "CustomerEmail", "PhoneNumber", "AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4",
	"City", "PostCode", "Barcode"}

// secrets collects the private texts of a document, with their paths.
func secrets(doc any, path string, found map[string]string) {
	switch v := doc.(type) {
	case map[string]any:
		for k, x := range v {
			if s := fmt.Sprint(x); slices.Contains(private, k) && x != nil && len(s) >= 4 {
				found[path+k] = s
			}
			secrets(x, path+k+".", found)
		}
	case []any:
		for i, x := range v {
			secrets(x, fmt.Sprintf("%s%d.", path, i), found)
		}
	}
}

func TestNoBuyerDataAndNoBarcodeInEvents(t *testing.T) {
	t.Parallel()
	docs := samples(t)
	for i, body := range life(t) {
		docs[fmt.Sprint("life ", i)] = body
	}
	total, kept := 0, 0
	for name, body := range docs {
		found := map[string]string{}
		secrets(parseJSON(t, body), "", found)
		total += len(found)
		out, err := Decode(delivery("1", body), gbp)
		kept += len(out.Files)
		out.Files = nil
		got := marshal(t, out) + fmt.Sprint(err)
		for path, secret := range found {
			if strings.Contains(got, secret) {
				t.Errorf("%s: the text of %s is in %s", name, path, got)
			}
		}
		_, err = Buyer([]byte(body))
		for path, secret := range found {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the text of %s is in %v", name, path, err)
			}
		}
	}
	if total < 40 || kept < 8 {
		t.Errorf("got %d private texts and %d barcodes in all documents; want 40 and 8, or this test proves nothing", total, kept)
	}
}

// TestFilesHoldTicketsAlone: barcodes are kept there, people are not.
func TestFilesHoldTicketsAlone(t *testing.T) {
	t.Parallel()
	for name, body := range samples(t) {
		found := map[string]string{}
		secrets(parseJSON(t, body), "", found)
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
	for _, name := range []string{"transaction_changed", "transaction_created", "scheduled_eticket_delivery", "basket_polled"} {
		body := sample(t, name)
		for _, path := range leaves(parseJSON(t, body), "") {
			check(name+" "+path, with(t, body, path+` = "`+secret+`"`))
			check(name+" "+path, with(t, body, path+` = {"FullName": "`+secret+`"}`))
			check(name+" "+path, with(t, body, path+` = ["`+secret+`"]`))
		}
		check("cut", body[:len(body)/2]+secret)
		check("alone", secret)
	}
	if refusals < 50 {
		t.Errorf("got %d refusals; want at least 50, or this test proves nothing", refusals)
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
