package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"willcall/config"
)

// withSecrets is a file whose every secret comes from the environment.
const withSecrets = `database: ${DATABASE_URL}
operator: {token: "${OPERATOR}"}
pos:
  main: {kind: http, url: "https://pos.example.com", token: "${POS}", events: {secrets: ["${EVENTS}"]}}
sources:
  tevo:
    kind: tevo
    secrets:
      - ${PATH_TOKEN}
      - "old-${PATH_TOKEN}"
    pos: main
    api: {url: "https://api.example.com", token: "${TOKEN}", secret: "${SECRET}", reviewer_id: 7}
  tixstock:
    kind: tixstock
    secrets: ["${BEARER}"]
    pos: main
    statuses: {awaiting_fulfilment: Approved, fulfilled: Delivered, cancelled: Cancelled, rejected: Rejected}
  vivenu:
    kind: vivenu
    secrets: ["${HMAC}"]
    pos: main
    api: {url: "https://api.example.com", token: "${VIVENU}"}
  ltd:
    kind: ltd
    secrets: ["${BASIC}"]
    pos: main
    affiliate_id: an-affiliate-id
    proof: {kind: basic}
    api: {url: "https://api.example.com", token: "${LTD}", basket_path: "/Baskets/{basket}"}
`

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	vars := map[string]string{
		"DATABASE_URL": "postgres://willcall:canary-database@127.0.0.1:5432/willcall",
		"OPERATOR":     "canary-operator", "POS": "canary-pos", "EVENTS": "whsec_canarycanarycanarycanarycanarycanaryAAAA", "PATH_TOKEN": "canary-path-token", "TOKEN": "canary-token", "SECRET": "canary-secret",
		"BEARER": "canary-bearer", "HMAC": "canary-hmac-key", "VIVENU": "canary-vivenu", "BASIC": "user:canary-password", "LTD": "canary-ltd",
	}
	c := parse(t, withSecrets, vars)
	if got := string(c.Sources["tevo"].Secrets[1]); got != "old-canary-path-token" {
		t.Fatalf("secret: got %s; want what the environment says", got)
	}
	if got := string(c.Sources["ltd"].Secrets[0]); got != vars["BASIC"] {
		t.Fatalf("secret: got %s; want what the environment says", got)
	}
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown[verb] = fmt.Sprintf(verb, c)
		shown[verb+" of a pointer"] = fmt.Sprintf(verb, &c)
		shown[verb+" of all sources"] = fmt.Sprintf(verb, c.Sources)
		for name, s := range c.Sources {
			shown[verb+" of "+name] = fmt.Sprintf(verb, s)
			shown[verb+" of a pointer to "+name] = fmt.Sprintf(verb, &s)
			if s.API != nil {
				shown[verb+" of the API of "+name] = fmt.Sprintf(verb, s.API) + fmt.Sprintf(verb, *s.API)
			}
		}
		shown[verb+" of the POSes and their events"] = fmt.Sprintf(verb, c.POS) + fmt.Sprintf(verb, c.POS["main"].Events) + fmt.Sprintf(verb, *c.POS["main"].Events)
		shown[verb+" inside of something"] = fmt.Sprintf(verb, struct{ Config config.Config }{c})
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"JSON": json.Marshal, "YAML": yaml.Marshal} {
		for of, v := range map[string]any{"": c, " of a pointer": &c, " of tevo": c.Sources["tevo"], " of tixstock": c.Sources["tixstock"],
			" of vivenu": c.Sources["vivenu"], " of ltd": c.Sources["ltd"]} {
			out, err := marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			shown[name+of] = string(out)
		}
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		for _, s := range c.Sources {
			slog.New(h).Info("start", "config", c, "source", s, "secret", c.Operator.Token)
		}
	}
	shown["log"] = log.String()
	for how, text := range shown {
		if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
			t.Errorf("%s: got %s; want no secret in it", how, text)
		}
		if len(text) < 100 {
			t.Errorf("%s: got %s; want the configuration", how, text)
		}
	}
	if !strings.Contains(shown["%+v"], "https://pos.example.com") || !strings.Contains(shown["JSON"], "(secret)") {
		t.Errorf("got %s\n%s; want what is no secret, and a mark for what is", shown["%+v"], shown["JSON"])
	}
}

func TestAURLWithoutPasswordPrints(t *testing.T) {
	t.Parallel()
	const url = "postgres://127.0.0.1:5432/willcall"
	c := parse(t, withSecrets, map[string]string{
		"DATABASE_URL": url, "OPERATOR": "x", "POS": "x", "EVENTS": "whsec_canarycanarycanarycanarycanarycanaryAAAA", "PATH_TOKEN": "a-path-token", "TOKEN": "x", "SECRET": "x",
		"BEARER": "a-bearer-token", "HMAC": "an-hmac-key-of-vivenu", "VIVENU": "x", "BASIC": "user:password", "LTD": "x",
	})
	if got := fmt.Sprint(c); !strings.Contains(got, url) {
		t.Errorf("got %s; want %s in it", got, url)
	}
}

// What a secret consists of is nobody's business: it arrives as it is, wherever it comes from.
func TestSecretsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	secrets := []string{
		"plain-and-simple", "with: a colon", `with "quotes" and 'more'`, "two\nlines\n of it", "# no comment", "{not: a, [mapping}",
		"&anchor *alias", "!!int 7", "null", "~", "true", "0x1F", "1_000", "2025-01-01", "12345678901234567890", "- dash", "|", ">-", "%percent", "@at`tick",
		"${NOT_A_REFERENCE}", "$HOME", "ends with a backslash\\", "tab\tinside", "ümläut ✓",
	}
	const text = `database: postgres://127.0.0.1/willcall
pos:
  plain:
    kind: http
    url: https://pos.example.com
    token: ${SECRET}
  quoted: {kind: http, url: "https://pos.example.com", token: "${SECRET}"}
  file:   {kind: http, url: "https://pos.example.com", token: "${file:FILE}"}
  again:  {kind: http, url: "https://pos.example.com", token: &t "${SECRET}"}
  alias:  {kind: http, url: "https://pos.example.com", token: *t}
sources:
  tevo: {kind: tevo, verify: off, pos: plain}
`
	for _, secret := range secrets {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := parse(t, strings.Replace(text, "FILE", file, 1), map[string]string{"SECRET": secret})
		for name, pos := range c.POS {
			if got := string(pos.Token); got != secret {
				t.Errorf("pos.%s.token: got %q; want %q", name, got, secret)
			}
		}
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	const text = `database: postgres://${USER_NAME:-willcall}@${HOST}/willcall
webhookd: {lanes: "${LANES:-4}", ack_timeout: "${ACK:-}", max_in_flight_bytes: "${BYTES:-64KB}"}
pos: {main: {kind: http, url: "${URL:-http://127.0.0.1:8090}", token: x}}
sources: {tevo: {kind: tevo, verify: "off", pos: main, policy: {invoice: "${INVOICE:-true}"}}}
`
	t.Run("DefaultWhereTheVariableIsNotSetOrEmpty", func(t *testing.T) {
		t.Parallel()
		c := parse(t, text, map[string]string{"HOST": "db.example.com", "LANES": "", "URL": ""})
		got := []any{c.Database, c.Webhookd.Lanes, c.Webhookd.AckTimeout.String(), int64(c.Webhookd.MaxInFlightBytes), c.POS["main"].URL, *c.Sources["tevo"].Policy.Invoice}
		want := []any{"postgres://willcall@db.example.com/willcall", 4, "3s", int64(64 << 10), "http://127.0.0.1:8090", true}
		if !slices.Equal(got, want) {
			t.Errorf("got %v; want %v", got, want)
		}
	})
	t.Run("VariableWinsAndIsReadAsWhatTheKeyWants", func(t *testing.T) {
		t.Parallel()
		c := parse(t, text, map[string]string{"HOST": "h", "LANES": "7", "ACK": "250ms", "BYTES": "1MB", "INVOICE": "false"})
		got := []any{c.Webhookd.Lanes, c.Webhookd.AckTimeout.String(), int64(c.Webhookd.MaxInFlightBytes), *c.Sources["tevo"].Policy.Invoice}
		want := []any{7, "250ms", int64(1 << 20), false}
		if !slices.Equal(got, want) {
			t.Errorf("got %v; want %v", got, want)
		}
	})
	t.Run("WrongValueIsNamedByItsKeyAndNotQuoted", func(t *testing.T) {
		t.Parallel()
		_, err := config.Parse([]byte(text), environment(map[string]string{"HOST": "h", "LANES": "canary", "URL": "canary"}))
		want := "line 2: webhookd.lanes: want a whole number\npos.main.url: want an http or https URL"
		if err == nil || err.Error() != want {
			t.Errorf("error:\ngot  %v\nwant %s", err, want)
		}
	})
}

// FuzzParse looks for a panic, for an error that shows a value of the environment, and for a configuration that is accepted
// without having what everybody relies on.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good(f)))
	f.Add([]byte(withSecrets))
	ours, err := filepath.Glob("*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob("testdata/*_*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(ours, more...) {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.Contains(raw, []byte("file:")) {
			return // a fuzzer must not read whatever file it can name
		}
		env := func(name string) (string, bool) { return "canary{" + name + "}", name != "UNSET" }
		c, err := config.Parse(raw, env)
		_, again := config.Parse(raw, env)
		if fmt.Sprint(err) != fmt.Sprint(again) {
			t.Errorf("errors: got %v, then %v; want the same", err, again)
		}
		if err != nil {
			if strings.Contains(err.Error(), "canary{") {
				t.Errorf("got %v; want nothing from the environment in it", err)
			}
			return
		}
		if len(c.Sources) == 0 || c.Webhookd.AckTimeout <= 0 || c.Worker.StopWithin <= 0 {
			t.Errorf("got %+v; want sources and defaults", c)
		}
		for name, s := range c.Sources {
			if _, ok := c.POS[s.POS]; !ok || s.Policy.Invoice == nil || s.MaxBody <= 0 || s.Verify == "on" && len(s.Secrets) == 0 ||
				s.Kind == "ltd" && s.Proof == nil || s.Kind == "tixstock" && (s.Status("received") == "" || s.AnswerWithin <= 0) {
				t.Errorf("%s: got %+v; want a complete source", name, s)
			}
		}
	})
}
