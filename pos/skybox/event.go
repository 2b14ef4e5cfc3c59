package skybox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// Event is what is understood of a webhook of SkyBox. What its body looks like is not public. Known are the topics that one can
// register for (SkyBox OpenAPI 1.0.0, Webhook, topic), so it is a hint and no more: whatever it says is read again.
type Event struct {
	Topic     string // one of the topics, in small letters; "" where none stands there
	InvoiceID string // "" where it names none, or more than one
}

// topics of webhooks.
var topics = []string{"INVENTORY", "PURCHASE", "INVOICE", "LINE", "HOLD"}

// Topics are the topics of webhooks that one can register for.
func Topics() []string { return slices.Clone(topics) }

// topicKeys are where a topic is looked for. They are guesses, and cost nothing where they are wrong.
var topicKeys = []string{"topic", "type", "event", "eventType", "entityType", "entity"}

var errNoObject = errors.New("no JSON object")

// ReadEvent reads a webhook's body. Of an invoice it takes what is called invoiceId, anywhere, or under the topic INVOICE the id of
// what stands there. It returns an error where the body is no JSON object.
func ReadEvent(body []byte) (Event, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // ids may be larger than a float is exact
	var doc map[string]any
	if err := d.Decode(&doc); err != nil || doc == nil {
		return Event{}, errNoObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Event{}, errNoObject
	}
	e := Event{Topic: topicOf(doc)}
	ids := invoiceIDs(doc, nil)
	if len(ids) == 0 && e.Topic == "invoice" {
		ids = ownIDs(doc)
	}
	if len(ids) == 1 {
		e.InvoiceID = ids[0]
	}
	return e, nil
}

func topicOf(doc map[string]any) string {
	for _, key := range topicKeys {
		word, _ := doc[key].(string)
		word = strings.ToUpper(strings.TrimSpace(word))
		if at := strings.IndexAny(word, "_.- "); at > 0 { // INVOICE_UPDATED
			word = word[:at]
		}
		if slices.Contains(topics, word) {
			return strings.ToLower(word)
		}
	}
	return ""
}

// invoiceIDs gathers what is called invoiceId, each id once.
func invoiceIDs(v any, found []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if id := numberOf(inner); key == "invoiceId" && id != "" && !slices.Contains(found, id) {
				found = append(found, id)
			}
			found = invoiceIDs(inner, found)
		}
	case []any:
		for _, inner := range v {
			found = invoiceIDs(inner, found)
		}
	}
	return found
}

// ownIDs are the ids of the objects that the document holds, or else its own: one around another may be the message's.
func ownIDs(doc map[string]any) (found []string) {
	for _, inner := range doc {
		if o, ok := inner.(map[string]any); ok {
			if id := numberOf(o["id"]); id != "" && !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	if id := numberOf(doc["id"]); len(found) == 0 && id != "" {
		found = append(found, id)
	}
	return found
}

// numberOf is v if it can be an id of SkyBox: a whole number above zero.
func numberOf(v any) string {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	}
	if len(text) > 19 || strings.Trim(text, "0123456789") != "" || strings.HasPrefix(text, "0") {
		return ""
	}
	return text
}
