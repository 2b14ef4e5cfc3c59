package order

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestEveryReasonForAttentionIsInTheRunbook(t *testing.T) {
	t.Parallel()
	runbook := read(t, "../docs/operations.md")
	reasons := regexp.MustCompile(`Reason = "(\w+)"`).FindAllStringSubmatch(read(t, "attention.go"), -1)
	if len(reasons) < 10 {
		t.Fatalf("found %d reasons in attention.go; has their form changed?", len(reasons))
	}
	for _, r := range reasons {
		if !strings.Contains(runbook, "| `"+r[1]+"` |") {
			t.Errorf("docs/operations.md has no row for %s", r[1])
		}
	}
	for _, class := range []string{"invalid", "unauthorized", "not_found", "unavailable", "reference_conflict", "duplicate", "unsupported", "conflict"} {
		if !strings.Contains(runbook, "`"+string(StepFailed(class))+"`") {
			t.Errorf("docs/operations.md has no row for %s", StepFailed(class))
		}
	}
}

func TestEveryStateIsInTheREADME(t *testing.T) {
	t.Parallel()
	readme := read(t, "../README.md")
	for _, s := range States() {
		if !strings.Contains(readme, "`"+string(s)+"`") {
			t.Errorf("README.md does not say what %s means", s)
		}
	}
}
