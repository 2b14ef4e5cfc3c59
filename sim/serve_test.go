package sim

import (
	"context"
	"net"
	"net/http"
	"testing"
)

func TestServeServesUntilItIsToldToStop(t *testing.T) {
	t.Parallel()
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	o := ServeOptions{POSAddr: free(), TEvoAddr: free()}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, o) }()
	for _, path := range []string{o.POSAddr + "/admin/state", o.TEvoAddr + "/admin/orders"} {
		for {
			resp, err := http.Get("http://" + path)
			if err != nil {
				continue // not listening yet
			}
			resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("%s: got %d; want 200", path, resp.StatusCode)
			}
			break
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("got %v; want nil", err)
	}
}

func TestServeReportsAnAddressInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := Serve(t.Context(), ServeOptions{POSAddr: l.Addr().String()}); err == nil {
		t.Error("got nil; want an error")
	}
}
