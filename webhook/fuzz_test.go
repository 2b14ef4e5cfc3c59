package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"willcall/postgres"
)

func FuzzDoor(f *testing.F) {
	f.Add("POST", "/webhooks/toy", "application/json", []byte(toy("order", "7", "e-1")), true)
	f.Add("POST", "/webhooks/toy/%00", "application/json; charset=\xff", []byte("{"), true)
	f.Add("GET", "//webhooks//toy/../x", "", []byte(nil), false)
	f.Fuzz(func(t *testing.T, method, path, media string, body []byte, signed bool) {
		r := newRig(t)
		req := httptest.NewRequest("POST", "/webhooks/toy", bytes.NewReader(body))
		req.Method, req.URL.Path = method, path
		req.Header.Set("Content-Type", media)
		if signed {
			req.Header.Set("X-Toy-Signature", toySign(body))
		}
		w := serve(Handler(r.Options), req)
		switch {
		case w.Code >= 500:
			t.Errorf("status = %d: %s", w.Code, w.Body)
		case w.Code < 300 && (len(r.rows) != 1 || !bytes.Equal(r.rows[0].Body, body) || !signed):
			t.Errorf("acknowledged %d without keeping the very bytes of an authentic webhook", w.Code)
		case w.Code >= 300 && len(r.rows) != 0:
			t.Errorf("refused with %d but kept", w.Code)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("answer is no JSON: %q", w.Body)
		}
	})
}

func BenchmarkDoor(b *testing.B) {
	for _, size := range []int{1 << 10, 20 << 10, 150 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			r := newRig(b)
			r.put = func(_ context.Context, w postgres.Webhook) (postgres.Stored, error) {
				return postgres.Stored{ID: w.ID}, nil
			}
			r.Forward = func(Signal) {}
			h := Handler(r.Options)
			body := toy("order", "7", "e-1")
			body += strings.Repeat(" ", size-len(body))
			template := post(body)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				req := template.Clone(b.Context())
				req.Body = io.NopCloser(strings.NewReader(body))
				h.ServeHTTP(httptest.NewRecorder(), req)
			}
		})
	}
}
