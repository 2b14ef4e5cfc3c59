package skybox

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

// A failure is why there was no answer, in words that quote neither the request (a search has the buyer's
// e-mail address in its URL, and net/http puts URLs into its errors) nor what a server sent.
type failure struct {
	text string
	dial bool  // it happened while connecting
	is   error // for errors.Is: context.Canceled, context.DeadlineExceeded
}

func (f *failure) Error() string { return f.text }

func (f *failure) Unwrap() error { return f.is }

// cause makes a failure of an error of net/http.
func cause(err error) *failure {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	f := &failure{text: "the connection failed"}
	var (
		op   *net.OpError
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		no   syscall.Errno
	)
	if errors.As(err, &op) {
		f.dial = op.Op == "dial" || op.Op == "proxyconnect"
	}
	switch {
	case errors.Is(err, context.Canceled):
		f.text, f.is = "canceled", context.Canceled
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		f.text, f.is = "timeout", context.DeadlineExceeded
	case errors.As(err, &dns):
		f.text, f.dial = "the host name cannot be resolved", true
	case errors.As(err, &cert):
		f.text, f.dial = "the certificate is not trusted", true
	case errors.As(err, &no):
		f.text = no.Error()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		f.text = "the connection was closed"
	}
	return f
}
