package tevocore

import "testing"

// TestSignPublishedVectors uses the vectors of Ticket Evolution's own client library.
func TestSignPublishedVectors(t *testing.T) {
	t.Parallel()
	const secret, host = "/3uZ9bXNe/6rxEBmlGLvoRXrcSzRDMfyJSewhlrc", "api.sandbox.ticketevolution.com"
	for _, v := range []struct{ method, path, tail, want string }{
		{"GET", "/v9/test", "one=1&three=three&two=two", "YbwEmJL9P0hvpplEr2q2iL4Mpz+KevHUOjzgYh0ewh4="},
		{"GET", "/test", "", "1Ra2c8cbuw1G5Pw8BWaowDlMcxwMte8y/sL+vW2H4mY="},
		{"POST", "/test", `{"one":1,"two":"two","three":"three"}`, "6PMaU8JQ5kH4PZLl8agJrZRZqnn65UGcCUA80E2dTDg="},
		{"DELETE", "/test", "", "Mwr4Z+hveuo8ITaYwaRQ/QdxYotpw97ZH1JfJmblVQY="},
	} {
		if got := sign(secret, v.method, host, v.path, v.tail); got != v.want {
			t.Errorf("%s %s?%s: got %s; want %s", v.method, v.path, v.tail, got, v.want)
		}
	}
}
