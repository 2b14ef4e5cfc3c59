// Package unanswered reads the answers to HTTP calls of a POS, and says of one that does not come, or not whole, why: in words that
// are safe to show. All adapters that speak HTTP use it. It must not class errors: whether a call may be made again is for the adapter to say.
package unanswered

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
)

// A Cause is why there was no answer, in words that quote neither the request (a search has the buyer's
// e-mail address in its URL, and net/http puts URLs into its errors) nor what a server sent.
type Cause struct {
	text string
	// Dial says that it happened while connecting, so that nothing was sent on that connection.
	Dial bool
	is   error // for errors.Is: context.Canceled, context.DeadlineExceeded
}

func (c *Cause) Error() string { return c.text }

func (c *Cause) Unwrap() error { return c.is }

// Of is the cause that an error of net/http tells.
func Of(err error) *Cause {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	f := &Cause{text: "the connection failed"}
	var (
		op   *net.OpError
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		no   syscall.Errno
	)
	if errors.As(err, &op) {
		f.Dial = op.Op == "dial" || op.Op == "proxyconnect"
	}
	switch {
	case errors.Is(err, context.Canceled):
		f.text, f.is = "canceled", context.Canceled
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		f.text, f.is = "timeout", context.DeadlineExceeded
	case errors.As(err, &dns):
		f.text, f.Dial = "the host name cannot be resolved", true
	case errors.As(err, &cert):
		f.text, f.Dial = "the certificate is not trusted", true
	case errors.As(err, &no):
		f.text = no.Error()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		f.text = "the connection was closed"
	}
	return f
}

// Read reads an answer whole, but no more than one byte beyond most, by which it is known for too large. What the answer says of its
// length saves copies as it grows, and is not believed where it is absurd.
func Read(resp *http.Response, most int64) ([]byte, error) {
	var b bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= most {
		b.Grow(int(n) + bytes.MinRead) // more than the length, for the read that finds the end
	}
	_, err := b.ReadFrom(io.LimitReader(resp.Body, most+1))
	return b.Bytes(), err
}
