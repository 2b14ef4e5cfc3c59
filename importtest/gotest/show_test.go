package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is a package in each state that a package can be in.
var module = map[string]string{
	"go.mod":          "module example\n\ngo 1.26\n",
	"good/x_test.go":  "package good\n\nimport \"testing\"\n\nfunc TestGood(t *testing.T) { t.Log(\"quiet\") }\n",
	"bad/x_test.go":   "package bad\n\nimport \"testing\"\n\nfunc TestBad(t *testing.T) {\n\tt.Run(\"Inner\", func(t *testing.T) { t.Error(\"got this\") })\n}\n\nfunc TestFine(t *testing.T) { t.Log(\"quiet\") }\n",
	"panic/x_test.go": "package panic\n\nimport \"testing\"\n\nfunc TestPanic(t *testing.T) { panic(\"help\") }\n",
	"exit/x_test.go":  "package exit\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestExit(t *testing.T) { os.Exit(3) }\n",
	"build/x_test.go": "package build\n\nimport \"testing\"\n\nfunc TestBuild(t *testing.T) { undefined() }\n",
	"skip/x_test.go":  "package skip\n\nimport \"testing\"\n\nfunc TestLazy(t *testing.T) { t.Skip(\"no server: run make test\") }\n\nfunc TestElsewhere(t *testing.T) { t.Skip(\"another system\") }\n",
	"none/x.go":       "package none\n",
}

func TestShow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range module {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "-vet=off", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	events, _ := cmd.Output() // it fails, and that is what is looked at
	var out bytes.Buffer
	missing := show(bytes.NewReader(events), &out)

	if want := []string{"example/skip TestLazy: x_test.go:5: no server: run make test"}; !slices.Equal(missing, want) {
		t.Errorf("missing: got %q; want %q", missing, want)
	}
	for _, want := range []string{
		"ok  \texample/good", "FAIL\texample/bad", "--- FAIL: TestBad/Inner", "got this", "panic: help", "FAIL\texample/panic", "FAIL\texample/exit",
		"undefined: undefined", "FAIL\texample/build [build failed]", "ok  \texample/skip", "--- SKIP: example/skip TestElsewhere: x_test.go:7: another system",
		"?   \texample/none\t[no test files]",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output: got\n%s\nwant %q in it", out.String(), want)
		}
	}
	for _, not := range []string{"quiet", "=== RUN", "PASS"} {
		if strings.Contains(out.String(), not) {
			t.Errorf("output: got\n%s\nwant no %q in it", out.String(), not)
		}
	}
}
