package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"willcall/pos"
	"willcall/pos/httpapi"
	"willcall/pos/skybox"
	"willcall/pos/tevocore"
	"willcall/sim"
)

// account is one kind of POS as it is measured: its simulator, and the adapter to it. Groups 1, 2, … have tickets, one for each
// invoice, so that writers do not fight for seats.
type account struct {
	name  string
	start func(groups int) http.Handler
	open  func(url string, c *http.Client) (pos.Adapter, error) // nil: the adapter's own client
}

func accounts() []account {
	return []account{
		{
			name: "http",
			start: func(int) http.Handler {
				return sim.NewPOS(sim.POSOptions{Token: "bench"})
			},
			open: func(url string, c *http.Client) (pos.Adapter, error) {
				return httpapi.New(httpapi.Config{BaseURL: url, Token: "bench", HTTP: c})
			},
		},
		{
			name: "skybox",
			start: func(groups int) http.Handler {
				o := sim.SkyBoxOptions{APIToken: "bench", ApplicationToken: "bench", Account: "1"}
				for n := range groups {
					o.Inventory = append(o.Inventory, sim.SkyBoxGroup{ID: int64(n + 1), EventID: 1, EventName: "The Sample Play", Section: "A", Row: "1", Seats: []int{1, 2}})
				}
				return sim.NewSkyBox(o)
			},
			open: func(url string, c *http.Client) (pos.Adapter, error) {
				return skybox.New(skybox.Config{BaseURL: url, APIToken: "bench", ApplicationToken: "bench", Account: "1", HTTP: c,
					Address: skybox.Address{City: "Chicago", State: "IL", PostalCode: "60601", Country: "US"}})
			},
		},
		{
			name: "tevocore",
			start: func(int) http.Handler {
				return sim.NewTEvoCore(sim.TEvoCoreOptions{Token: "bench", Secret: "bench", OfficeID: "7"})
			},
			open: func(url string, c *http.Client) (pos.Adapter, error) {
				return tevocore.New(tevocore.Config{BaseURL: url, Token: "bench", Secret: "bench", OfficeID: "7", ReviewerID: "1", HTTP: c, ScanClients: true})
			},
		},
	}
}

// writers is how many write at once.
const writers = 8

// invoices compares each adapter with a bare HTTP client that makes the same calls, in turns, each at a simulator of its own. The
// client sends requests that are made and signed already, and reads of an answer what nobody could do without: that it is JSON, and
// the id of the record.
func invoices(ctx context.Context, o options, out io.Writer) error {
	fmt.Fprintf(out, "Invoices written to a POS by %d at once, %d a round, unthrottled\n", writers, o.invoices)
	for _, a := range accounts() {
		var ratios, rates []float64
		calls := 0
		for n := range o.rounds + 1 {
			written, bare, made, err := a.round(ctx, o.invoices)
			if err != nil {
				return fmt.Errorf("%s: %w", a.name, err)
			}
			if n > 0 { // the first warms up
				ratios, rates, calls = append(ratios, bare.Seconds()/written.Seconds()), append(rates, float64(o.invoices)/written.Seconds()), made
			}
		}
		fmt.Fprintf(out, "  %-10s %6.0f/s, %d calls for each; ratio to a bare client  %.2f\n", a.name, median(rates), calls, median(ratios))
	}
	fmt.Fprintf(out, "  ratio: median of %d rounds; goal: at least 0.90\n\n", o.rounds)
	return nil
}

// round writes n invoices through the adapter, and makes the calls that they take with a bare client. Both speak to one address,
// which is part of some signatures.
func (a account) round(ctx context.Context, n int) (written, bare time.Duration, calls int, err error) {
	var behind atomic.Pointer[http.Handler]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*behind.Load()).ServeHTTP(w, r) }))
	defer server.Close()
	var systems [3]http.Handler // for listening, for the adapter, and for the bare client
	var customer string
	for i := range systems {
		systems[i] = a.start(n)
		behind.Store(&systems[i])
		adapter, err := a.open(server.URL, nil)
		if err != nil {
			return 0, 0, 0, err
		}
		c, err := adapter.CreateCustomer(ctx, pos.Op{Key: "customer"}, pos.CustomerInput{Name: "Ada Sample", Email: "ada@example.com", Phone: "+1 555 0100", Kind: pos.Retail})
		if err != nil {
			return 0, 0, 0, err
		}
		if customer != "" && customer != c.ID {
			return 0, 0, 0, errors.New("the simulators do not number alike")
		}
		customer = c.ID
	}
	write := func(adapter pos.Adapter, i int64) error {
		ref := "bench-" + strconv.FormatInt(i, 10)
		_, err := adapter.CreateInvoice(ctx, pos.Op{Key: ref, Ref: ref}, pos.InvoiceInput{CustomerID: customer, Lines: []pos.InvoiceLine{
			{InventoryID: strconv.FormatInt(i+1, 10), Quantity: 1, Total: pos.Money{Minor: 4500, Currency: "USD"}},
		}})
		return err
	}

	heard := make([]recorder, n)
	behind.Store(&systems[0])
	for i := range heard {
		listened, err := a.open(server.URL, &http.Client{Transport: &heard[i]})
		if err != nil {
			return 0, 0, 0, err
		}
		if err := write(listened, int64(i)); err != nil {
			return 0, 0, 0, err
		}
	}
	adapter, err := a.open(server.URL, nil)
	if err != nil {
		return 0, 0, 0, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: writers}}
	defer client.CloseIdleConnections()
	const turns = 10
	for turn := range turns {
		from, to := int64(turn*n/turns), int64((turn+1)*n/turns)
		behind.Store(&systems[1])
		took, err := together(from, to, func(i int64) error { return write(adapter, i) })
		if err != nil {
			return 0, 0, 0, err
		}
		written += took
		behind.Store(&systems[2])
		took, err = together(from, to, func(i int64) error { return heard[i].replay(ctx, client) })
		if err != nil {
			return 0, 0, 0, err
		}
		bare += took
	}
	return written, bare, len(heard[0].requests), nil
}

// together does what is numbered from … to-1, some of it at once, and returns how long it took.
func together(from, to int64, do func(i int64) error) (time.Duration, error) {
	next := atomic.Int64{}
	next.Store(from)
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	begun := time.Now()
	for range writers {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < to && failed.Load() == nil; i = next.Add(1) - 1 {
				if err := do(i); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return time.Since(begun), nil
}

// recorder remembers the requests that one invoice takes.
type recorder struct {
	requests []*http.Request
	bodies   [][]byte
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	r.requests, r.bodies = append(r.requests, req.Clone(context.Background())), append(r.bodies, body)
	return http.DefaultTransport.RoundTrip(req)
}

// replay makes the same requests again.
func (r *recorder) replay(ctx context.Context, c *http.Client) error {
	for i, req := range r.requests {
		again := req.Clone(ctx)
		if r.bodies[i] != nil {
			again.Body = io.NopCloser(bytes.NewReader(r.bodies[i]))
		}
		resp, err := c.Do(again)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode/100 != 2 {
			return fmt.Errorf("%s %s: %s", req.Method, req.URL.Path, resp.Status)
		}
		if req.Method == http.MethodPost {
			if err := findID(body); err != nil {
				return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
			}
		}
	}
	return nil
}

// findID looks for the id of what was written: in the answer, or in the one record of its list.
func findID(body []byte) error {
	type record struct {
		ID jsontext.Value `json:"id"`
	}
	var answer struct {
		record
		Orders []record `json:"orders"`
	}
	if err := json.Unmarshal(body, &answer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return err
	}
	if answer.ID == nil && (len(answer.Orders) != 1 || answer.Orders[0].ID == nil) {
		return errors.New("the answer has no id")
	}
	return nil
}
