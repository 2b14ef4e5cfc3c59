package vivenu

import (
	"crypto/sha256"
	"testing"
	"time"

	"willcall/provider"
	"willcall/provider/providertest"
)

// received is when the door took every fixture. It lies after all their versions.
var received = time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)

// ours maps the ticket type of the fixtures to a group of our own.
var ours = Settings{Inventory: map[string]string{"65f0a1b2c3d4e5f600000029": "58222"}}

// parts of a fixture are: delivery, the JSON of a webhook; want, what Decode makes of it, the digest of its content aside; buyer
// and customer, where they matter, what those make of it.
var parts = providertest.Parts{Needed: []string{"delivery", "want"}, Known: []string{"buyer", "customer"}}

func delivery(id, body string) provider.Delivery {
	return provider.Delivery{ID: id, Body: []byte(body), Received: received}
}

func decode(d provider.Delivery) (provider.Decoded, error) { return Decode(d, ours) }

func decoded(d provider.Delivery) providertest.Result {
	out, err := Decode(d, ours)
	out.Content = [sha256.Size]byte{}
	return providertest.Show(out, err, providertest.Text)
}

// samples are the bodies of all fixtures, for tests that change them.
func samples(t testing.TB) map[string]string {
	t.Helper()
	bodies := map[string]string{}
	for _, f := range providertest.Load(t, parts) {
		bodies[f.Name], _ = f.Part("delivery")
	}
	return bodies
}

func sample(t testing.TB, name string) string {
	t.Helper()
	body := samples(t)[name]
	if body == "" {
		t.Fatalf("no fixture %s", name)
	}
	return body
}
