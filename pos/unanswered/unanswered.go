// Package unanswered says why an HTTP call to a POS had no answer, in words that are safe to show. All adapters that speak HTTP use
// it. It must not class errors: whether a call may be made again is for the adapter to say.
package unanswered

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
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
