package tixstock

import (
	"slices"
	"strings"
	"testing"

	"willcall/provider/providertest"
)

// people are the texts of a customer in a document, with their paths.
func people(doc any) map[string]string {
	found := map[string]string{}
	providertest.Walk(doc, func(path []string, v any) bool {
		if s, ok := v.(string); ok && slices.Contains(path, "customer") && len(s) >= 5 {
			found[strings.Join(path, ".")] = s
		}
		return true
	})
	return found
}

// TestNothingOfTheTicketInEvents: the event lies in workflow histories. Neither the ticket, in any encoding, nor a link, nor
// what belongs to people may be there; all else of Decoded but Files goes into logs and tables, and is held to the same.
func TestNothingOfTheTicketInEvents(t *testing.T) {
	t.Parallel()
	texts, files, urls := 0, 0, 0
	for _, f := range fixtures(t) {
		body := f.wire().Body
		doc := providertest.Parse(t, string(body))
		got := providertest.Marshal(t, decoded(f.wire()).Decoded)
		found := people(doc)
		texts += len(found)
		providertest.Private(t, f.Name, got, found)
		data, _ := doc.(map[string]any)["data"].(map[string]any)
		for _, field := range []string{"file", "additional_file"} {
			text, _ := data[field].(string)
			if text == "" {
				continue
			}
			files++
			for i := 0; i+12 <= len(text); i++ {
				if strings.Contains(got, text[i:i+12]) {
					t.Fatalf("%s: %q of %s is in %s", f.Name, text[i:i+12], field, got)
				}
			}
		}
		for _, s := range []string{"http:", "https:", "tickets.example", "wallet.example", "%PDF", "PNG", "base64,", "JVBERi"} {
			if strings.Contains(got, s) {
				t.Errorf("%s: %q is in %s", f.Name, s, got)
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
					if field == ".meta.type" {
						out.Type = "" // which is what was sent, so that a person sees it
					}
					refusals += providertest.Unquoted(t, name+", "+field, "Quarterpound", out, err)
				}
			}
		}
	}
	if refusals < 100 {
		t.Errorf("got %d refusals; want at least 100, or this test proves nothing", refusals)
	}
}
