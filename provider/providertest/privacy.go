package providertest

import (
	"errors"
	"strings"
	"testing"

	"willcall/provider"
)

// Private fails if one of the texts, which stand for their paths in a document, is in got: what a workflow history, a table or a
// log line would keep of it.
func Private(t testing.TB, name, got string, texts map[string]string) {
	t.Helper()
	for path, text := range texts {
		if strings.Contains(got, text) {
			t.Errorf("%s: the text of %s is in %s", name, path, got)
		}
	}
}

// Unquoted holds the errors of a delivery into which a secret was put: the first is Decode's, the others of other readers. Each
// must be an ErrMalformed without it, and beside an error it must not be in what was decoded. It returns how many errors there
// were, so that a test can see that it proves something.
func Unquoted(t testing.TB, name, secret string, out provider.Decoded, errs ...error) int {
	t.Helper()
	n := 0
	for _, err := range errs {
		if err == nil {
			continue
		}
		n++
		if strings.Contains(err.Error(), secret) || !errors.Is(err, provider.ErrMalformed) {
			t.Errorf("%s: got error %q; want ErrMalformed without the value", name, err)
		}
	}
	if errs[0] != nil && strings.Contains(Marshal(t, out), secret) {
		t.Errorf("%s: got %+v; want nothing of the value beside an error", name, out)
	}
	return n
}
