package app

import (
	"strings"
	"testing"

	"willcall/config"
)

// What a source's policy says of tickets is what its orders are handled by.
func TestPolicyOfTickets(t *testing.T) {
	t.Parallel()
	const text = `
database: postgres://willcall@127.0.0.1/willcall
pos:
  main: {kind: http, url: "http://127.0.0.1:8090", token: dev-pos-token}
  sky: {kind: skybox, token: dev-sky-token, skybox: {application_token: dev-sky-application, account: "1234", read_deliveries: true}}
sources:
  tevo: {kind: tevo, pos: POS, secrets: [dev-tevo-token], POLICY, api: {url: "http://127.0.0.1:8091", token: x, secret: y, reviewer_id: "1"}}
`
	for name, c := range map[string]struct {
		pos, policy           string
		attach, deliver, hold bool
	}{
		"ContractByDefault":  {"main", "policy: {}", true, true, false},
		"SkyBoxByDefault":    {"sky", "policy: {}", false, false, false},
		"SkyBoxWhereWritten": {"sky", "policy: {deliver: true, attach: true}", true, true, false},
		"Off":                {"main", "policy: {deliver: false, attach: false}", false, false, false},
		"WithoutInvoices":    {"main", "policy: {invoice: false}", false, false, false},
		"Held":               {"main", "policy: {hold: true}", true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.Parse([]byte(strings.NewReplacer("POS", c.pos, "POLICY", c.policy).Replace(text)), func(string) (string, bool) { return "", false })
			if err != nil {
				t.Fatal(err)
			}
			p := policyOf(cfg.Sources["tevo"])
			if p.Attach != c.attach || p.Deliver != c.deliver || p.Hold != c.hold {
				t.Errorf("attach %v, deliver %v, hold %v; want %v, %v, %v", p.Attach, p.Deliver, p.Hold, c.attach, c.deliver, c.hold)
			}
		})
	}
}
