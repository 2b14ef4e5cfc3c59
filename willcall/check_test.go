package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"willcall/sim"
)

const everybody = `
database: postgres://willcall@127.0.0.1:1/willcall
pos:
  main: {kind: http, url: "POS", token: hunter0hunter0, events: {secrets: [whsec_hunterhunterhunterhunterhunterhunterAAAA]}}
  spare: {kind: http, url: "POS", token: hunter0hunter0}
  sky: {kind: skybox, url: "SKYBOX", token: hunter6hunter6, settle_delay: 3s, skybox: {application_token: huntera, account: "12"}}
  core: {kind: tevocore, url: "CORE", token: hunterb, tevocore: {secret: hunterc, office_id: "7", reviewer_id: "1", scan_clients: true}}
sources:
  tevo: {kind: tevo, secrets: [hunter1hunter1], pos: main, api: {url: "TEVO", token: hunter2, secret: hunter3, reviewer_id: "1"}}
  vivenu: {kind: vivenu, secrets: [hunter1hunter1], pos: main, mode: dev, api: {url: "VIVENU", token: hunter4hunter4}}
  ltd:
    kind: ltd
    secrets: [hunter1hunter1]
    pos: main
    proof: {kind: token}
    affiliate_id: 281ffaaa-a70b-4cd2-a401-9e50b00a1204
    api: {url: "LTD", token: hunter5hunter5, basket_path: "/rest/v2/Baskets/{basket}"}
  tixstock:
    kind: tixstock
    secrets: [hunter1hunter1]
    pos: main
    statuses: {awaiting_fulfilment: Approved, fulfilled: Delivered, cancelled: Cancelled, rejected: Rejected}
`

const well = `        WHAT              FOUND
ok      pos.core          takes our credentials; sells whole groups; cannot hold tickets for an order that is not certain, tell which tickets it has for a buyer, take ticket files, void single lines of an invoice, be told that the tickets of a purchase have come
ok      pos.main          takes our credentials; sells seats, knows repeated writes by their key, changes customers; can hold tickets for an order that is not certain, tell which tickets it has for a buyer, take ticket files, void single lines of an invoice, be told that the tickets of a purchase have come; posts its events to /webhooks/main
ok      pos.sky           takes our credentials; sells seats, searches lag by 3s; can hold tickets for an order that is not certain, void single lines of an invoice, be told that the tickets of a purchase have come; cannot tell which tickets it has for a buyer, take ticket files; no events are configured
ok      pos.spare         takes our credentials; sells seats, knows repeated writes by their key, changes customers; can hold tickets for an order that is not certain, tell which tickets it has for a buyer, take ticket files, void single lines of an invoice, be told that the tickets of a purchase have come; no events are configured
ok      sources.ltd.api   takes our credentials; reads orders
ok      sources.tevo.api  takes our credentials; reads orders, accepts and rejects them, each is read before it is invoiced
ok      sources.tixstock  takes webhooks; without an api nothing can be read again, accepted or swept
ok      sources.vivenu.api  takes our credentials; reads orders, accepts and rejects them
`

func TestCheckAsksEverybodyAndWritesNothing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	serve := func(name string, h http.Handler) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked = append(asked, name+" "+r.Method)
			mu.Unlock()
			h.ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		return srv.URL
	}
	good := strings.NewReplacer(
		"POS", serve("pos", sim.NewPOS(sim.POSOptions{Token: "hunter0hunter0", Strict: true})),
		"SKYBOX", serve("skybox", sim.NewSkyBox(sim.SkyBoxOptions{APIToken: "hunter6hunter6", ApplicationToken: "huntera", Account: "12"})),
		"CORE", serve("core", sim.NewTEvoCore(sim.TEvoCoreOptions{Token: "hunterb", Secret: "hunterc"})),
		"TEVO", serve("tevo", sim.NewTEvo(sim.TEvoOptions{Token: "hunter2", Secret: "hunter3"})),
		"VIVENU", serve("vivenu", sim.NewVivenu(sim.VivenuOptions{APIKey: "hunter4hunter4"})),
		"LTD", serve("ltd", sim.NewLTD(sim.LTDOptions{APIKey: "hunter5hunter5"})),
	).Replace(everybody)

	squeeze := regexp.MustCompile(` {2,}`)
	call := func(want int, config string, args ...string) (string, string) {
		t.Helper()
		name := filepath.Join(t.TempDir(), "willcall.yaml")
		if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		if got := run(t.Context(), append([]string{"check", "-config", name}, args...), &out, &errOut); got != want {
			t.Fatalf("got exit code %d; want %d\n%s%s", got, want, &out, &errOut)
		}
		if all := out.String() + errOut.String(); strings.Contains(all, "hunter") {
			t.Errorf("a secret is in %s", all)
		}
		return squeeze.ReplaceAllString(out.String(), "  "), errOut.String()
	}

	out, _ := call(0, good)
	is(t, out, squeeze.ReplaceAllString(well, "  "))
	for _, name := range []string{"pos GET", "skybox GET", "core GET", "tevo GET", "vivenu GET", "ltd GET"} {
		if !strings.Contains(strings.Join(asked, "\n"), name) {
			t.Errorf("%s: not asked", name)
		}
	}
	for _, a := range asked {
		if !strings.HasSuffix(a, " GET") {
			t.Errorf("%s: check may only read", a)
		}
	}
	out, _ = call(0, good, "-json")
	if !strings.Contains(out, `"key": "pos.main"`) {
		t.Errorf("got %s; want JSON", out)
	}

	for _, c := range []struct{ old, new, want string }{
		{"token: hunter0hunter0, events", "token: hunter9hunter9, events", `WRONG  pos\.main .*401.*: look at the credentials in pos\.main\n`},
		{`kind: http, url: "http://127.0.0.1:`, `kind: http, url: "http://127.0.0.1:1/`, `WRONG  pos\.main .*: look at pos\.main\.url`},
		{"application_token: huntera", "application_token: hunterx", `WRONG  pos\.sky .*: look at the credentials in pos\.sky\n`},
		{"secret: hunterc", "secret: hunterx", `WRONG  pos\.core .*: look at the credentials in pos\.core\n`},
		{"secret: hunter3", "secret: hunter8", `WRONG  sources\.tevo\.api .*401.*: look at the credentials in sources\.tevo\.api\n`},
		{"token: hunter4hunter4", "token: hunter7hunter7", `WRONG  sources\.vivenu\.api .*: look at the credentials in sources\.vivenu\.api\n`},
		{"token: hunter5hunter5", "token: hunter7hunter7", `WRONG  sources\.ltd\.api .*: look at the credentials in sources\.ltd\.api\n`},
		{"secrets: [hunter1hunter1], pos: main, mode: dev", `verify: "off", pos: main, mode: dev`, `WRONG  sources\.vivenu\.verify  is "off": anybody may post`},
		{"pos: main, mode: dev", `pos: main, mode: dev, inventory: {aaa: g-none}`, `WRONG  sources\.vivenu\.inventory\.aaa  pos\.main has no ticket group g-none`},
	} {
		spoilt := strings.Replace(good, c.old, c.new, 1)
		if spoilt == good {
			t.Fatalf("%q is not in the configuration", c.old)
		}
		out, errOut := call(exitError, spoilt)
		if !regexp.MustCompile(c.want).MatchString(out) || !strings.Contains(errOut, "something is wrong with what is configured") {
			t.Errorf("%s → %s:\ngot:\n%s%s\nwant a line like %s", c.old, c.new, out, errOut, c.want)
		}
	}
}

// TestCheckWarnsOfWhatThePOSCannotDo: a POS of the contract's first edition, and sources whose policy wants more. It works, so that a
// deployment goes on, but whoever deploys reads what will not be done.
func TestCheckWarnsOfWhatThePOSCannotDo(t *testing.T) {
	t.Parallel()
	const sources = `
database: postgres://willcall@127.0.0.1:1/willcall
pos:
  main: {kind: http, url: "POS", token: hunter0hunter0}
sources:
  tevo: {kind: tevo, secrets: [hunter1hunter1], pos: main, policy: {TEVO}, api: {url: "TEVOURL", token: hunter2, secret: hunter3, reviewer_id: "1"}}
  ltd:
    kind: ltd
    secrets: [hunter1hunter1]
    pos: main
    proof: {kind: token}
    policy: {LTD}
    affiliate_id: 281ffaaa-a70b-4cd2-a401-9e50b00a1204
`
	tevo := httptest.NewServer(sim.NewTEvo(sim.TEvoOptions{Token: "hunter2", Secret: "hunter3"}))
	t.Cleanup(tevo.Close)
	const (
		attachTEvo = "sources.tevo.policy.attach  wants tickets of purchases put on their purchase order, which pos.main cannot do: "
		attachLTD  = "sources.ltd.policy.attach  wants ticket files put into the POS, which pos.main cannot do: "
		deliver    = "sources.tevo.policy.deliver  wants buyers given the tickets that the POS has for them, which pos.main cannot do: "
		hold       = "sources.tevo.policy.hold  wants tickets held while a sale is not certain, which pos.main cannot do: "
	)
	first := sim.POSOptions{NoHolds: true, NoTicketUpload: true, NoDeliveries: true, NoLineVoids: true, NoPurchaseFulfillment: true}
	for name, c := range map[string]struct {
		pos       sim.POSOptions
		tevo, ltd string // policies
		want      []string
	}{
		"OfTheFirstEdition":  {first, "hold: true", "", []string{attachLTD, attachTEvo, deliver, hold}},
		"NothingMoreWanted":  {first, "attach: false, deliver: false", "attach: false", nil},
		"AsItIsConfigured":   {first, "", "", []string{attachLTD, attachTEvo, deliver}},
		"EverythingIsThere":  {sim.POSOptions{}, "hold: true", "", nil},
		"TakesNoFiles":       {sim.POSOptions{NoTicketUpload: true}, "", "", []string{attachLTD, "sources.tevo.policy.attach  wants ticket files put into the POS"}},
		"TellsNoDeliveries":  {sim.POSOptions{NoDeliveries: true}, "", "", []string{deliver}},
		"ReceivesNoPurchase": {sim.POSOptions{NoPurchaseFulfillment: true}, "", "", []string{attachTEvo}},
		"HoldsNothing":       {sim.POSOptions{NoHolds: true}, "hold: true", "", []string{hold}},
	} {
		t.Run(name, func(t *testing.T) {
			c.pos.Token = "hunter0hunter0"
			srv := httptest.NewServer(sim.NewPOS(c.pos))
			defer srv.Close()
			file := filepath.Join(t.TempDir(), "willcall.yaml")
			text := strings.NewReplacer("TEVOURL", tevo.URL, "POS", srv.URL, "{TEVO}", "{"+c.tevo+"}", "{LTD}", "{"+c.ltd+"}").Replace(sources)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errOut bytes.Buffer
			if code := run(t.Context(), []string{"check", "-config", file}, &out, &errOut); code != 0 {
				t.Errorf("got exit code %d; want 0, since a warning is nothing wrong\n%s%s", code, &out, &errOut)
			}
			var got []string
			for line := range strings.Lines(regexp.MustCompile(` {2,}`).ReplaceAllString(out.String(), "  ")) {
				if said, ok := strings.CutPrefix(line, "warning  "); ok {
					got = append(got, said)
				}
			}
			if len(got) != len(c.want) {
				t.Fatalf("got the warnings\n%s\nwant %d of\n%s", strings.Join(got, ""), len(c.want), &out)
			}
			for i, want := range c.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("got the warning\n%s\nwant it to begin with\n%s", got[i], want)
				}
			}
		})
	}
}
