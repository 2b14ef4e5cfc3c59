package tixstock

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"willcall/provider"
)

// people collects the texts of a customer in a document, with their paths.
func people(doc any, path string, within bool, found map[string]string) {
	switch v := doc.(type) {
	case map[string]any:
		for k, x := range v {
			people(x, path+"."+k, within || k == "customer", found)
		}
	case []any:
		for i, x := range v {
			people(x, fmt.Sprintf("%s.%d", path, i), within, found)
		}
	case string:
		if within && len(v) >= 5 {
			found[path] = v
		}
	}
}

// TestNothingOfTheTicketInEvents: the event lies in workflow histories. Neither the ticket, in any encoding, nor a link, nor
// what belongs to people may be there; all else of Decoded but Files goes into logs and tables, and is held to the same.
func TestNothingOfTheTicketInEvents(t *testing.T) {
	t.Parallel()
	texts, files, urls := 0, 0, 0
	for _, f := range fixtures(t) {
		body := f.wire().Body
		var doc any
		if err := json.Unmarshal(body, &doc); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		got := marshal(t, decoded(f.wire()).Decoded)
		found := map[string]string{}
		people(doc, "", false, found)
		texts += len(found)
		for path, text := range found {
			if strings.Contains(got, text) {
				t.Errorf("%s: the text of %s is in %s", f.name, path, got)
			}
		}
		data, _ := doc.(map[string]any)["data"].(map[string]any)
		for _, field := range []string{"file", "additional_file"} {
			text, _ := data[field].(string)
			if text == "" {
				continue
			}
			files++
			for i := 0; i+12 <= len(text); i++ {
				if strings.Contains(got, text[i:i+12]) {
					t.Fatalf("%s: %q of %s is in %s", f.name, text[i:i+12], field, got)
				}
			}
		}
		for _, s := range []string{"http:", "https:", "tickets.example", "wallet.example", "%PDF", "PNG", "base64,", "JVBERi"} {
			if strings.Contains(got, s) {
				t.Errorf("%s: %q is in %s", f.name, s, got)
			}
		}
		urls += strings.Count(string(body), "example.com")
	}
	if texts < 60 || files < 10 || urls < 10 {
		t.Errorf("got %d texts of people, %d files and %d links; want more, or this test proves nothing", texts, files, urls)
	}
}

// TestNoValuesInErrors puts a text in the place of every field that Decode reads, one at a time.
func TestNoValuesInErrors(t *testing.T) {
	t.Parallel()
	const secret = "Ottoline & Quarterpound"
	refusals := 0
	for _, name := range []string{"eticket_seated", "mobile_proofs_ga", "order_update_both_ids", "event_update", "ticket_hold"} {
		for _, field := range []string{".meta.type", ".data", ".meta", "id", "order_id", "external_id", "general_admission", "row", "seat",
			"file", "proof_file_url", "additional_file", "status", "order_status", "datetime"} {
			for _, value := range []string{`"` + secret + `"`, `{"name": "` + secret + `"}`, `["` + secret + `"]`} {
				body := with(t, sample(t, name), field+" = "+value)
				for _, raw := range []string{body, body[:len(body)-1], body + secret} {
					out, err := Decode(delivery("1", raw), settings)
					if out.Event != nil && strings.Contains(out.Event.Unusable, "Quarterpound") {
						t.Errorf("%s, %s: got %q; want no value", name, field, out.Event.Unusable)
					}
					if err == nil {
						continue
					}
					refusals++
					if strings.Contains(err.Error(), "Quarterpound") || !errors.Is(err, provider.ErrMalformed) {
						t.Errorf("%s, %s: got error %q; want ErrMalformed without the value", name, field, err)
					}
					if field != ".meta.type" && strings.Contains(marshal(t, out), "Quarterpound") {
						t.Errorf("%s, %s: got %+v; want nothing of the value beside an error", name, field, out)
					}
				}
			}
		}
	}
	if refusals < 100 {
		t.Errorf("got %d refusals; want at least 100, or this test proves nothing", refusals)
	}
}
