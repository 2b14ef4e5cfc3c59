package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"willcall/sim"
)

const file = `
database: postgres://willcall@127.0.0.1:1/willcall
pos: {main: {kind: http, url: "http://127.0.0.1:1", token: hunter0hunter0}}
sources:
  vivenu:
    kind: vivenu
    secrets: [%s]
    pos: main
    api: {url: "%s", token: %s, per_second: 1000}
  tevo: {kind: tevo, secrets: [hunter3hunter3], pos: main}
`

// setup serves vivenu's API and returns a function that runs the command against it, with the exit code and what it printed;
// ids in that are written as ID.
func setup(t *testing.T) (call func(want int, args ...string) (stdout, stderr string), configure func(secrets, token string)) {
	t.Helper()
	srv := httptest.NewServer(sim.NewVivenu(sim.VivenuOptions{APIKey: "hunter4hunter4"}))
	t.Cleanup(srv.Close)
	name := filepath.Join(t.TempDir(), "willcall.yaml")
	configure = func(secrets, token string) {
		if err := os.WriteFile(name, fmt.Appendf(nil, file, secrets, srv.URL, token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("hunter1hunter1, hunter2hunter2", "hunter4hunter4")
	id := regexp.MustCompile(`[0-9a-f]{24}`)
	return func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errOut bytes.Buffer
		if got := run(t.Context(), append([]string{"subscriptions", args[0], "-config", name}, args[1:]...), &out, &errOut); got != want {
			t.Fatalf("%q: got exit code %d; want %d\n%s%s", args, got, want, &out, &errOut)
		}
		for _, text := range []string{out.String(), errOut.String()} {
			if strings.Contains(text, "hunter") {
				t.Errorf("%q: a secret is in %s", args, text)
			}
		}
		return id.ReplaceAllString(out.String(), "ID"), errOut.String()
	}, configure
}

func is(t *testing.T, got, want string) {
	t.Helper()
	trimmed := regexp.MustCompile(` +\n`).ReplaceAllString(got, "\n")
	if trimmed != want {
		t.Errorf("got:\n%s\nwant:\n%s", trimmed, want)
	}
}

func TestSubscriptionsForPeople(t *testing.T) {
	t.Parallel()
	call, configure := setup(t)
	url := []string{"-url", "https://broker.example.com/webhooks/vivenu", "vivenu"}
	with := func(verb string, args ...string) []string { return append(append([]string{verb}, args...), url...) }

	out, _ := call(0, "list", "vivenu")
	is(t, out, "The account has no webhooks.\n")
	created := "DO      ID  NAME             HOST                EVENTS  WHY\n" +
		"create  -   willcall vivenu  broker.example.com  35      there is none of this name\n"
	out, _ = call(exitChanges, with("plan")...)
	is(t, out, created)
	out, _ = call(0, with("apply")...)
	is(t, out, created+"Done: 1 of 1. Nothing is left to do.\n")
	for _, verb := range []string{"plan", "apply"} {
		out, _ = call(0, with(verb)...)
		is(t, out, "Nothing to do for webhook \"willcall vivenu\" of source vivenu.\n")
	}
	configure("hunter2hunter2, hunter1hunter1", "hunter4hunter4")
	out, _ = call(0, "list", "vivenu")
	is(t, out, "ID                        NAME             HOST                EVENTS  ENABLED  KEY\n"+
		"ID  willcall vivenu  broker.example.com  35      true     hmacKey differs (it is secrets[1])\n")
	out, _ = call(0, with("apply", "--events=transaction.complete,transaction.canceled", "--url", "https://elsewhere.example.com")...)
	if !strings.Contains(out, "update  ID  willcall vivenu  broker.example.com  2       hmacKey differs\n") ||
		!regexp.MustCompile(`\n {40,}events: ticket\.created is not wanted\n`).MatchString(out) {
		t.Errorf("got %s; want a row for each reason, and the last -url", out)
	}
	out, _ = call(exitChanges, "plan", "-delete", "vivenu")
	is(t, out, "DO      ID                        NAME             HOST                EVENTS  WHY\n"+
		"delete  ID  willcall vivenu  broker.example.com  2       none of this name is wanted\n")
	call(0, "apply", "-delete", "vivenu")
	out, _ = call(0, "list", "vivenu")
	is(t, out, "The account has no webhooks.\n")
	out, _ = call(exitChanges, "plan", "-url", "https://broker.example.com", "-name", "Willcall", "vivenu")
	is(t, out, "DO      ID  NAME      HOST                EVENTS  WHY\n"+
		"create  -   Willcall  broker.example.com  35      there is none of this name\n"+
		"Note: the URL does not end in /webhooks/vivenu, where webhookd takes the webhooks of this source: does a proxy rewrite it?\n")
}

func TestSubscriptionsForScripts(t *testing.T) {
	t.Parallel()
	call, _ := setup(t)
	args := []string{"-json", "-url", "https://broker.example.com/webhooks/vivenu", "-events", "job.failed", "vivenu"}
	compact := func(out string) string {
		var b bytes.Buffer
		if err := json.Compact(&b, []byte(out)); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return b.String()
	}
	const change = `{"source":"vivenu","name":"willcall vivenu","changes":[{"do":"create","id":"","host":"broker.example.com","events":["job.failed"],"why":["there is none of this name"]}],"notes":[]}`
	const nothing = `{"source":"vivenu","name":"willcall vivenu","changes":[],"notes":[]}`
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{0, []string{"list", "-json", "vivenu"}, `[]`},
		{exitChanges, append([]string{"plan"}, args...), change},
		{0, append([]string{"apply"}, args...), `{"plan":` + change + `,"left":` + nothing + `}`},
		{0, append([]string{"plan"}, args...), nothing},
		{0, append([]string{"apply"}, args...), `{"plan":` + nothing + `,"left":` + nothing + `}`},
		{0, []string{"list", "-json", "vivenu"},
			`[{"id":"ID","name":"willcall vivenu","host":"broker.example.com","enabled":true,"events":["job.failed"],"key":"hmacKey matches"}]`},
	} {
		if out, _ := call(c.code, c.args...); compact(out) != c.want {
			t.Errorf("%q: got %s; want %s", c.args, compact(out), c.want)
		}
	}
}

func TestErrorsGoToStderr(t *testing.T) {
	t.Parallel()
	call, configure := setup(t)
	configure("hunter1hunter1", "hunter5hunter5")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"list"}, "willcall: list: got 0 arguments; want one, the name of a source\n"},
		{[]string{"aply", "vivenu"}, `willcall: subscriptions has no command "aply"; it has list, plan, apply` + "\n"},
		{[]string{"plan", "-urk", "x", "vivenu"}, "willcall: unknown flag: --urk\n"},
		{[]string{"list", "tevo"}, "willcall: sources.tevo is of kind tevo: "},
		{[]string{"plan", "vivenu"}, "willcall: -url is missing: "},
		{[]string{"list", "vivenu"}, "willcall: vivenu: list webhooks: unauthorized (HTTP 401): the answer has the fields error, message, statusCode\nlook at sources.vivenu.api.token: "},
		{[]string{"apply", "-json", "-delete", "vivenu"}, "willcall: vivenu: list webhooks: unauthorized (HTTP 401)"},
		{[]string{"list", "-config", "nowhere.yaml", "vivenu"}, "willcall: configuration: open nowhere.yaml: "},
	} {
		out, errOut := call(exitError, c.args...)
		if out != "" || !strings.HasPrefix(errOut, c.want) {
			t.Errorf("%q: got %q and %q; want nothing and %q", c.args, out, errOut, c.want)
		}
	}
}

// TestWhatIsLeftIsAnError has an API that takes everything and does nothing.
func TestWhatIsLeftIsAnError(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"docs": [], "total": 0}`)
	}))
	t.Cleanup(srv.Close)
	name := filepath.Join(t.TempDir(), "willcall.yaml")
	if err := os.WriteFile(name, fmt.Appendf(nil, file, "hunter1hunter1", srv.URL, "hunter4hunter4"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"subscriptions", "apply", "-config", name, "-url", "https://broker.example.com/webhooks/vivenu", "vivenu"}
	var out, errOut bytes.Buffer
	code := run(t.Context(), args, &out, &errOut)
	row := "create  -   willcall vivenu  broker.example.com  35      there is none of this name\n"
	if code != exitError || strings.Count(out.String(), row) != 2 || !strings.Contains(out.String(), "\nLeft to do:\n") ||
		!strings.HasPrefix(errOut.String(), "willcall: something is left to do: ") {
		t.Errorf("got %d, %s%s; want 1 and what is left", code, &out, &errOut)
	}
	out.Reset()
	if code := run(t.Context(), append(args, "-json"), &out, &errOut); code != exitError || !json.Valid(out.Bytes()) {
		t.Errorf("got %d, %s; want 1 and JSON", code, &out)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-help"}, {"subscriptions"}, {"subscriptions", "plan", "-h"}, {"help", "subscriptions", "apply"}} {
		var out, errOut bytes.Buffer
		if code := run(t.Context(), args, &out, &errOut); code != 0 || !strings.Contains(out.String(), "--config") || errOut.Len() > 0 {
			t.Errorf("%q: got %d, %s%s; want the help", args, code, &out, &errOut)
		}
	}
}
