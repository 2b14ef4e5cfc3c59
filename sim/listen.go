package sim

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Listen serves h on addr in the background and returns the address that it got, for port 0, and a function that stops it.
// Calls that hang on purpose are cut off then.
func Listen(addr string, h http.Handler) (listening string, stop func(), err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = serveOn(ctx, l, h) }) // it ends with ctx, and a listener of ours does not fail
	return l.Addr().String(), func() { cancel(); serving.Wait() }, nil
}
