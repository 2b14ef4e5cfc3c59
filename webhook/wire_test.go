package webhook

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestOverTheWire(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, r *rig) string {
		srv := httptest.NewUnstartedServer(nil)
		srv.Config = Server("", Handler(r.Options))
		srv.Start()
		t.Cleanup(srv.Close)
		return srv.Listener.Addr().String()
	}
	exchange := func(t *testing.T, addr string, send func(net.Conn)) *http.Response {
		t.Helper()
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		go send(conn)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	head := func(extra string) string {
		return "POST /webhooks/toy HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + extra + "\r\n"
	}
	t.Run("SlowBodyIsCutOff", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.BodyTimeout = 30 * time.Millisecond
		resp := exchange(t, start(t, r), func(c net.Conn) { fmt.Fprint(c, head("Content-Length: 100\r\n")+"only a part") })
		if resp.StatusCode != http.StatusRequestTimeout || !resp.Close {
			t.Errorf("status = %d, close = %v; want 408 and close", resp.StatusCode, resp.Close)
		}
	})
	t.Run("DeclaredOversizeIsRefusedBeforeItIsSent", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		resp := exchange(t, start(t, r), func(c net.Conn) { fmt.Fprint(c, head("Content-Length: 200001\r\n")) })
		if resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
			t.Errorf("status = %d, close = %v; want 413 and close", resp.StatusCode, resp.Close)
		}
	})
	t.Run("EndlessChunksAreRefused", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		resp := exchange(t, start(t, r), func(c net.Conn) {
			_, err := fmt.Fprint(c, head("Transfer-Encoding: chunked\r\n"))
			for err == nil {
				_, err = fmt.Fprintf(c, "1000\r\n%s\r\n", strings.Repeat("x", 0x1000))
			}
		})
		if resp.StatusCode != http.StatusRequestEntityTooLarge || !resp.Close {
			t.Errorf("status = %d, close = %v; want 413 and close", resp.StatusCode, resp.Close)
		}
	})
	t.Run("ChunkedBodyIsStoredWhole", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		body := toy("order", "7", "") + strings.Repeat(" ", 150_000)
		req, err := http.NewRequest("POST", "http://"+start(t, r)+"/webhooks/toy", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = post(body).Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 || string(r.rows[0].Body) != body {
			t.Errorf("status = %d, stored %d bytes; want 200 and %d", resp.StatusCode, len(r.rows[0].Body), len(body))
		}
	})
	t.Run("ConnectionServesTheNextRequest", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		body := toy("order", "7", "")
		addr := start(t, r)
		one := head(fmt.Sprintf("Content-Length: %d\r\nX-Toy-Signature: %s\r\n", len(body), toySign([]byte(body)))) + body
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for range 3 {
			fmt.Fprint(conn, one)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			if resp.StatusCode != 200 {
				t.Errorf("status = %d; want 200", resp.StatusCode)
			}
		}
	})
	t.Run("HugeHeaderIsRefused", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		resp := exchange(t, start(t, r), func(c net.Conn) { fmt.Fprint(c, head("X-Large: "+strings.Repeat("x", 40_000)+"\r\n")) })
		if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("status = %d; want 431", resp.StatusCode)
		}
	})
}

func TestServerHasLimits(t *testing.T) {
	t.Parallel()
	s := Server("127.0.0.1:0", nil)
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("server = %+v; want every limit set", s)
	}
}
