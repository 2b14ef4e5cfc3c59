package sim

import (
	"context"
	"flag"
	"net"
	"net/http"
	"reflect"
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
	o := ServeOptions{POSAddr: free(), TEvoAddr: free(), VivenuAddr: free(), LTDAddr: free()}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, o) }()
	for _, path := range []string{o.POSAddr + "/admin/state", o.TEvoAddr + "/admin/orders", o.VivenuAddr + "/admin/transactions", o.LTDAddr + "/admin/bookings"} {
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

func TestFlagsHaveTheSecretsOfDevelopment(t *testing.T) {
	t.Parallel()
	var o ServeOptions
	fs := flag.NewFlagSet("simd", flag.ContinueOnError)
	o.Flags(fs)
	if err := fs.Parse([]string{"-seed=7", "-vivenu-webhooks=http://inbox.invalid/v"}); err != nil {
		t.Fatal(err)
	}
	want := ServeOptions{
		POSAddr: "127.0.0.1:8090", TEvoAddr: "127.0.0.1:8091", VivenuAddr: "127.0.0.1:8092", LTDAddr: "127.0.0.1:8093",
		POS:    POSOptions{Token: "dev-pos-token", Events: POSEvents{Secret: "whsec_d2lsbGNhbGwtZGV2LXBvcy1ldmVudHMtc2VjcmV0ISE="}},
		TEvo:   TEvoOptions{Token: "dev-tevo-api-token", Secret: "dev-tevo-api-secret"},
		Vivenu: VivenuOptions{APIKey: "dev-vivenu-api-key", Mode: "dev"},
		LTD: LTDOptions{
			APIKey: "dev-ltd-api-key", BasketPath: "/rest/v2/Baskets/{basket}", AffiliateID: "281ffaaa-a70b-4cd2-a401-9e50b00a1204",
		},
		Sender:         SenderOptions{Seed: 7},
		VivenuTarget:   Target{"http://inbox.invalid/v", "dev-vivenu-key"},
		TixstockTarget: Target{Secret: "dev-tixstock-token"},
	}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("got %+v\nwant %+v", o, want)
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
