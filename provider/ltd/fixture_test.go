package ltd

import (
	"testing"
	"time"

	"willcall/provider"
	"willcall/provider/providertest"
)

// received is when the door took every fixture. It lies after all their versions.
var received = time.Date(2024, 8, 1, 12, 0, 0, 0, time.UTC)

const affiliate = "281ffaaa-a70b-4cd2-a401-9e50b00a1204"

var gbp = Settings{Currency: "GBP", AffiliateID: affiliate, Inventory: map[string]string{"3868": "TG-90"}}

// parts of a fixture are: delivery, the very bytes but for the last line break; want, what Decode makes of it; buyer, where it
// matters, what Buyer does.
var parts = providertest.Parts{Needed: []string{"delivery", "want"}, Known: []string{"buyer"}}

func delivery(id, body string) provider.Delivery {
	return provider.Delivery{ID: id, Body: []byte(body), Received: received}
}

// samples are the bodies of all fixtures, for tests that change them.
func samples(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range providertest.Load(t, parts) {
		all[f.Name] = f.Body("delivery")
	}
	return all
}

func sample(t testing.TB, name string) string {
	t.Helper()
	body := samples(t)[name]
	if body == "" {
		t.Fatalf("no fixture %s", name)
	}
	return body
}

func decode(d provider.Delivery) (provider.Decoded, error) { return Decode(d, gbp) }

func decoded(d provider.Delivery) providertest.Result {
	out, err := Decode(d, gbp)
	return providertest.Show(out, err, providertest.Text)
}
