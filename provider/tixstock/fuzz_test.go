package tixstock

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
)

// FuzzDecode varies the bytes on the wire and checks what is true of any delivery.
func FuzzDecode(f *testing.F) {
	for _, x := range fixtures(f) {
		f.Add(x.wire().Body)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := provider.Delivery{ID: "1", Body: raw, Received: received}
		out, err := providertest.Holds(t, d, func(d provider.Delivery) (provider.Decoded, error) { return Decode(d, Settings{MaxTicket: 4096}) })
		files := out.Files
		out.Files = nil
		for _, x := range files {
			if len(x.Body) == 0 || x.MediaType != "application/json" && len(x.Body) > 4096 || strings.ContainsAny(x.Name, `/\`) {
				t.Fatalf("got file %q of %d bytes", x.Name, len(x.Body))
			}
		}
		if e := out.Event; e != nil {
			if (out.OrderID == "") == (out.About == provider.About{}) {
				t.Fatalf("got %+v; want an order or an event", out)
			}
			if e.Unusable != "" && (len(e.Lines) > 0 || len(files) > 0) {
				t.Fatalf("got %+v; want nothing of a ticket that cannot be used", out)
			}
			if len(e.Lines) > 0 != (len(files) > 0) {
				t.Fatalf("got %d lines and %d files; want files with every ticket", len(e.Lines), len(files))
			}
		}
		a, answerErr := Answer(d, out, Standing{Status: "Approved", Success: true})
		if answerErr != nil || (a != nil) != out.Ask {
			t.Fatalf("got answer %+v, %v; want one: %t", a, answerErr, out.Ask)
		}
		if b, jsonErr := json.Marshal(a); jsonErr != nil || err != nil && strings.Contains(string(b), `"success":true`) {
			t.Fatalf("got answer %s, %v", b, jsonErr)
		}
	})
}

// FuzzUnpack holds our base64 against the standard library's.
func FuzzUnpack(f *testing.F) {
	for _, s := range []string{"", "JVBERi0=", "JVBERi0", "JV BE\nRi0=", "A", "AA", "A===", "AA==A", "_-+/", "JVBERi0x\r\nLjQK", "AAAA="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, ",") {
			return // a data URI, which the standard library does not know
		}
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		got, fault := unpack(quoted[1:len(quoted)-1], 1<<20)
		plain := strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", "-", "+", "_", "/").Replace(s)
		bare := strings.TrimRight(plain, "=")
		pads := len(plain) - len(bare)
		want, err := base64.RawStdEncoding.DecodeString(bare)
		ok := err == nil && (pads == 0 || pads <= 2 && len(bare)%4 >= 2)
		if (fault == "") != ok || ok && !bytes.Equal(got, want) {
			t.Errorf("%q: got %q, %q; want %q, %v", s, got, fault, want, ok)
		}
	})
}

// FuzzVerify holds the proof against its definition.
func FuzzVerify(f *testing.F) {
	f.Add("token", vectorSignature, []byte(vectorBody))
	f.Add(vectorToken, vectorSignature, []byte(vectorBody))
	f.Add(vectorToken, strings.ToUpper(vectorSignature), []byte(vectorBody))
	f.Add("", "", []byte{})
	f.Fuzz(func(t *testing.T, token, signature string, body []byte) {
		d := provider.Delivery{Header: http.Header{SignatureHeader: {signature}}, Body: body}
		err := Verifier{Tokens: []string{"", token}}.Verify(d, netip.Addr{})
		h := hmac.New(sha256.New, []byte(token))
		h.Write(body)
		want := provider.ErrSignature
		switch {
		case token == "":
			want = provider.ErrNoSecret
		case strings.EqualFold(strings.TrimSpace(signature), hex.EncodeToString(h.Sum(nil))):
			want = nil
		}
		if !errors.Is(err, want) {
			t.Fatalf("got %v; want %v", err, want)
		}
	})
}
