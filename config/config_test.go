package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"willcall/config"
)

// environment looks names up in a map, as config.Parse wants it.
func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

// good is the smallest file that uses every section.
func good(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func parse(t testing.TB, text string, vars map[string]string) config.Config {
	t.Helper()
	c, err := config.Parse([]byte(text), environment(vars))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: got no files (%v); want some", pattern, err)
	}
	return found
}

// required matches a reference to a variable that has no default.
var required = regexp.MustCompile(`\$\{([A-Z_]+)\}`)

func TestFilesOfTheRepository(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "*.yaml") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		vars := map[string]string{}
		for _, m := range required.FindAllStringSubmatch(withoutComments(string(raw)), -1) {
			vars[m[1]] = plausible(m[1])
		}

		t.Run(file+"/Loads", func(t *testing.T) {
			t.Parallel()
			parse(t, string(raw), vars)
		})
		t.Run(file+"/SaysWhichVariablesItNeeds", func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse(raw, environment(nil))
			if err == nil {
				t.Fatal("without environment: got no error; want one")
			}
			var got []string
			for line := range strings.Lines(err.Error()) {
				_, name, ok := strings.Cut(strings.TrimSpace(line), "the environment variable ")
				if !ok {
					t.Errorf("got %q; want nothing but missing variables", line)
				}
				got = append(got, strings.TrimSuffix(name, " is not set"))
			}
			slices.Sort(got)
			if want := slices.Sorted(maps.Keys(vars)); !slices.Equal(slices.Compact(got), want) {
				t.Errorf("missing variables: got %v; want %v", got, want)
			}
		})
	}
}

// allProviders is config/all-providers.yaml.
func allProviders(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("all-providers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// plausibly reads a file with a plausible value for each variable that it needs, and returns it as a dump shows it, but for the
// times of the policies: their defaults are those of package order.
func plausibly(t *testing.T, text string) string {
	t.Helper()
	vars := map[string]string{}
	for _, m := range required.FindAllStringSubmatch(withoutComments(text), -1) {
		vars[m[1]] = plausible(m[1])
	}
	c := parse(t, text, vars)
	for name, s := range c.Sources {
		s.Policy = config.Policy{FraudService: s.Policy.FraudService, Accept: s.Policy.Accept, Invoice: s.Policy.Invoice, Attach: s.Policy.Attach,
			Deliver: s.Policy.Deliver, Hold: s.Policy.Hold}
		c.Sources[name] = s
	}
	out, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// What an operator copies from must not fall behind the keys that there are, nor behind their defaults.
func TestAllProviders(t *testing.T) {
	t.Parallel()
	text := allProviders(t)
	for _, key := range keys(reflect.TypeFor[config.Config](), nil) {
		if !regexp.MustCompile(`(?m)(^|[ #{])` + key + `:( |$)`).MatchString(text) {
			t.Errorf("%s: got nothing about it; want what it does", key)
		}
	}
	for kind := range goodKinds(t) {
		if !strings.Contains(text, "\n    kind: "+kind+"\n") {
			t.Errorf("kind %s: got no source of it; want one", kind)
		}
	}
	option := regexp.MustCompile(`(?m)^( +)#([a-z_]+: )`)
	if got := len(option.FindAllString(text, -1)); got < 40 {
		t.Errorf("options: got %d lines; want all", got)
	}
	if got, want := plausibly(t, option.ReplaceAllString(text, "$1$2")), plausibly(t, text); got != want {
		t.Errorf("with all options at what the file says is their default:\ngot  %s\nwant %s", got, want)
	}
}

// keys are the names of all keys that a file can have.
func keys(t reflect.Type, found []string) []string {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		return keys(t.Elem(), found)
	case reflect.Struct:
		for i := range t.NumField() {
			found = keys(t.Field(i).Type, append(found, t.Field(i).Tag.Get("yaml")))
		}
	}
	return found
}

func withoutComments(text string) string {
	return regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(text, "")
}

// plausible is a value that fits a variable of this name.
func plausible(name string) string {
	switch {
	case name == "DATABASE_URL":
		return "postgres://willcall@127.0.0.1:5432/willcall"
	case strings.HasSuffix(name, "_URL"):
		return "https://example.com"
	case strings.HasSuffix(name, "_ID"):
		return "7"
	case strings.HasSuffix(name, "_EVENTS_SECRET"):
		return "whsec_YW4gaW52ZW50ZWQgc2VjcmV0IG9mIHRoaXJ0eS10d28="
	case strings.HasSuffix(name, "_BASKET_PATH"):
		return "/Baskets/{basket}"
	}
	return "an invented value"
}

// Each file has one fault, and its first line says what must be reported: that and nothing else.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/bad_*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(raw), "\n")
			want, ok := strings.CutPrefix(first, "# want: ")
			if !ok {
				t.Fatalf("first line: got %q; want # want: and the message", first)
			}
			_, err = config.Parse(raw, environment(nil))
			if err == nil || err.Error() != want {
				t.Errorf("error:\ngot  %v\nwant %s", err, want)
			}
		})
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	const text = `database: mysql://127.0.0.1/willcall
webhook: {}
log:
  level: loud
webhookd:
  ack_timeout: soon
pos:
  main:
    kind: http
    url: ${WILLCALL_POS_URL}
    token: a-token-of-the-pos
sources:
  b: {kind: tevo, secrets: [short], pos: main}
  a: {kind: other, verify: "off", pos: main}
`
	const want = `line 2: webhook: unknown key; known here: database, log, operator, pos, sources, webhookd, worker
line 6: webhookd.ack_timeout: want a duration like 30s
line 10: pos.main.url: the environment variable WILLCALL_POS_URL is not set
database: want a URL like postgres://user@host:5432/willcall, here or in DATABASE_URL
log.level: want one of: debug, info, warn, error
sources.a.kind: want one of: tevo, tixstock, vivenu, ltd
sources.b.secrets[0]: is shorter than 12 characters`
	for range 20 { // the order must not hang on a map
		_, err := config.Parse([]byte(text), environment(nil))
		if err == nil || err.Error() != want {
			t.Fatalf("error:\ngot  %v\nwant %s", err, want)
		}
	}
}

// What is written once and used twice is checked in both places, where other keys may be known.
func TestAliases(t *testing.T) {
	t.Parallel()
	const text = `database: postgres://127.0.0.1/willcall
pos:
  main: {kind: http, url: "https://pos.example.com", token: x}
sources:
  a: {kind: tevo, verify: "off", pos: main, policy: &p {accept: manual, invoice: false}}
  b: {kind: tevo, verify: "off", pos: main, policy: *p}
  c: {kind: tevo, verify: "off", pos: main, api: *p}
`
	_, err := config.Parse([]byte(text), environment(nil))
	want := `line 5: sources.c.api.accept: unknown key; known here: basket_path, confirm, per_second, reviewer_id, secret, sweep, timeout, token, url`
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error:\ngot  %v\nwant %s", err, want)
	}
	c := parse(t, strings.Replace(text, ", api: *p", "", 1), nil)
	if p := c.Sources["b"].Policy; p.Accept != "manual" || *p.Invoice {
		t.Errorf("policy: got %+v; want what the alias stands for", p)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := parse(t, good(t), nil)
	s := c.Sources["tevo"]
	for _, d := range []struct {
		key       string
		got, want any
	}{
		{"webhookd.listen", c.Webhookd.Listen, ":8080"},
		{"webhookd.max_in_flight_bytes", c.Webhookd.MaxInFlightBytes, config.Bytes(256 << 20)},
		{"webhookd.max_large_bodies", c.Webhookd.MaxLargeBodies, 4},
		{"webhookd.ack_timeout", c.Webhookd.AckTimeout, 3 * time.Second},
		{"operator.listen", c.Operator.Listen, "127.0.0.1:8081"},
		{"worker.listen", c.Worker.Listen, "127.0.0.1:8082"},
		{"worker.duplicates_within", c.Worker.DuplicatesWithin, 720 * time.Hour},
		{"worker.look_every", c.Worker.LookEvery, 30 * time.Minute},
		{"log.level", c.Log.Level, "info"},
		{"log.format", c.Log.Format, "json"},
		{"pos.main.timeout", c.POS["main"].Timeout, 8 * time.Second},
		{"sources.tevo.verify", s.Verify, "on"},
		{"sources.tevo.max_body", s.MaxBody, config.Bytes(8 << 20)},
		{"sources.tevo.currency", s.Currency, "USD"},
		{"sources.tevo.policy.fraud_service", *s.Policy.FraudService, true},
		{"sources.tevo.policy.invoice", *s.Policy.Invoice, true},
		{"sources.tevo.policy.accept", s.Policy.Accept, "auto"},
		{"sources.tevo.policy.attach", *s.Policy.Attach, true},
		{"sources.tevo.policy.deliver", *s.Policy.Deliver, true},
		{"sources.tevo.policy.hold", *s.Policy.Hold, false},
		{"sources.tevo.api.confirm", *s.API.Confirm, true},
		{"sources.tevo.api.sweep", *s.API.Sweep, true},
		{"sources.tevo.api.per_second", s.API.PerSecond, 5.0},
		{"sources.tevo.api.timeout", s.API.Timeout, 8 * time.Second},
	} {
		if d.got != d.want {
			t.Errorf("%s: got %v; want %v", d.key, d.got, d.want)
		}
	}

	t.Run("WhatIsWrittenWins", func(t *testing.T) {
		t.Parallel()
		c := parse(t, strings.Replace(good(t), "    pos: main\n", "    pos: main\n    policy: {invoice: false, accept: manual}\n", 1)+
			"      confirm: false\n      sweep: false\nlog: {level: debug}\n", nil)
		s := c.Sources["tevo"]
		if *s.Policy.Invoice || s.Policy.Accept != "manual" || *s.API.Confirm || *s.API.Sweep || c.Log.Level != "debug" {
			t.Errorf("got %+v; want what the file says", c)
		}
	})
	t.Run("DatabaseFromTheEnvironment", func(t *testing.T) {
		t.Parallel()
		const want = "postgres://elsewhere/willcall"
		text := strings.Replace(good(t), "database: ", "# ", 1)
		if got := parse(t, text, map[string]string{"DATABASE_URL": want}).Database; got != want {
			t.Errorf("database: got %s; want %s", got, want)
		}
	})
}

// goodKinds are the files with the smallest complete source of a kind, by that kind.
func goodKinds(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{"tevo": good(t)}
	for _, kind := range []string{"tixstock", "vivenu", "ltd"} {
		raw, err := os.ReadFile("testdata/good_" + kind + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		out[kind] = string(raw)
	}
	return out
}

func TestDefaultsOfEachKind(t *testing.T) {
	t.Parallel()
	type defaults struct {
		mode, currency        string
		maxBody               config.Bytes
		answerWithin          time.Duration
		fraudService, confirm bool // confirm: false where there is no API
	}
	for kind, want := range map[string]defaults{
		"tevo":     {currency: "USD", maxBody: 8 << 20, fraudService: true, confirm: true},
		"tixstock": {currency: "USD", maxBody: 25 << 20, answerWithin: 3 * time.Second},
		"vivenu":   {currency: "USD", maxBody: 8 << 20, mode: "prod"},
		"ltd":      {currency: "GBP", maxBody: 8 << 20},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := parse(t, goodKinds(t)[kind], nil).Sources[kind]
			got := defaults{s.Mode, s.Currency, s.MaxBody, s.AnswerWithin, *s.Policy.FraudService, s.API != nil && *s.API.Confirm}
			if got != want {
				t.Errorf("got %+v; want %+v", got, want)
			}
		})
	}

	t.Run("WhatIsWrittenWins", func(t *testing.T) {
		t.Parallel()
		for kind, written := range map[string]struct {
			lines string
			want  defaults
		}{
			"tevo":     {"policy: {fraud_service: false}", defaults{currency: "USD", maxBody: 8 << 20, confirm: true}},
			"tixstock": {"max_body: 1MB\n    answer_within: 1s", defaults{currency: "USD", maxBody: 1 << 20, answerWithin: time.Second}},
			"vivenu":   {"mode: dev\n    policy: {fraud_service: false}", defaults{currency: "USD", maxBody: 8 << 20, mode: "dev"}},
			"ltd":      {"currency: EUR\n    max_body: 1KB", defaults{currency: "EUR", maxBody: 1 << 10}},
		} {
			text := strings.Replace(goodKinds(t)[kind], "    pos: main\n", "    pos: main\n    "+written.lines+"\n", 1)
			s := parse(t, text, nil).Sources[kind]
			got := defaults{s.Mode, s.Currency, s.MaxBody, s.AnswerWithin, *s.Policy.FraudService, s.API != nil && *s.API.Confirm}
			if got != written.want {
				t.Errorf("%s: got %+v; want %+v", kind, got, written.want)
			}
		}
		text := strings.Replace(goodKinds(t)["vivenu"], "      token: an-api-token\n", "      token: an-api-token\n      confirm: true\n", 1)
		if !*parse(t, text, nil).Sources["vivenu"].API.Confirm {
			t.Error("vivenu: api.confirm: got false; want what the file says")
		}
	})
	t.Run("SignaturesAreHexUnlessTheFileSaysOtherwise", func(t *testing.T) {
		t.Parallel()
		for written, want := range map[string]string{
			"kind: token": "", "kind: hmac\n      header: X-Signature": "hex", "kind: hmac\n      header: X-Signature\n      encoding: base64": "base64",
		} {
			text := strings.Replace(goodKinds(t)["ltd"], "kind: token", written, 1)
			if got := parse(t, text, nil).Sources["ltd"].Proof.Encoding; got != want {
				t.Errorf("%q: encoding: got %q; want %q", written, got, want)
			}
		}
	})
}

// The defaults of one source must not be those of another, in whatever order a map brings them.
func TestKindsBesideEachOther(t *testing.T) {
	t.Parallel()
	text := good(t)
	for _, kind := range []string{"tixstock", "vivenu", "ltd"} {
		_, source, _ := strings.Cut(goodKinds(t)[kind], "sources:\n")
		text += source
	}
	for range 20 {
		for name, s := range parse(t, text, nil).Sources {
			if got, want := *s.Policy.FraudService, s.Kind == "tevo"; got != want {
				t.Fatalf("%s: policy.fraud_service: got %v; want %v", name, got, want)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	few := parse(t, goodKinds(t)["tixstock"], nil).Sources["tixstock"]
	all := parse(t, goodKinds(t)["tixstock"]+`      received: New
      awaiting_approval: Checked
      partially_fulfilled: In part
      completed: Over
`, nil).Sources["tixstock"]
	for _, c := range []struct{ state, few, all string }{
		{"received", "Approved", "New"},
		{"awaiting_approval", "Approved", "Checked"},
		{"awaiting_fulfilment", "Approved", "Approved"},
		{"partially_fulfilled", "Approved", "In part"},
		{"fulfilled", "Delivered", "Delivered"},
		{"completed", "Delivered", "Over"},
		{"cancelled", "Cancelled", "Cancelled"},
		{"rejected", "Rejected", "Rejected"},
		{"invoicing", "", ""}, // our shop has made the invoice
		{"", "", ""},
	} {
		if got := few.Status(c.state); got != c.few {
			t.Errorf("%s, of four names: got %q; want %q", c.state, got, c.few)
		}
		if got := all.Status(c.state); got != c.all {
			t.Errorf("%s, of eight names: got %q; want %q", c.state, got, c.all)
		}
	}
	if got := parse(t, good(t), nil).Sources["tevo"].Status("fulfilled"); got != "" {
		t.Errorf("of a source without names: got %q; want none", got)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Bytes{
		"512": 512, "64KB": 64 << 10, "8MB": 8 << 20, "8 mb": 8 << 20, "1GB": 1 << 30, "2147483647GB": 2147483647 << 30,
	} {
		if got := parse(t, good(t)+"webhookd: {max_in_flight_bytes: "+text+"}\n", nil).Webhookd.MaxInFlightBytes; got != want {
			t.Errorf("%s: got %d; want %d", text, got, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:8081": true, "[::1]:8081": true, "localhost:8081": true, "127.9.9.9:1": true,
		":8081": false, "0.0.0.0:8081": false, "[::]:8081": false, "192.0.2.1:8081": false, "localhost.example.com:1": false, "": false,
	} {
		if got := config.Loopback(address); got != want {
			t.Errorf("%s: got %v; want %v", address, got, want)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	for _, file := range files(t, "testdata/good*.yaml") {
		if _, err := config.Load(file); err != nil {
			t.Error(err)
		}
	}
	_, err := config.Load("testdata/nowhere.yaml")
	if want := "configuration: open testdata/nowhere.yaml: no such file or directory (name the file with -config or WILLCALL_CONFIG)"; err == nil || err.Error() != want {
		t.Errorf("error:\ngot  %v\nwant %s", err, want)
	}
	_, err = config.Load("testdata/bad_log_level.yaml")
	if want := "configuration testdata/bad_log_level.yaml:\nlog.level: want one of: debug, info, warn, error"; err == nil || err.Error() != want {
		t.Errorf("error:\ngot  %v\nwant %s", err, want)
	}
}
