package ltd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"willcall/provider"
	"willcall/provider/providertest"
)

const basketID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

// summary is a submitted basket as far as the public data types go; what stands around Items is an assumption.
const summary = `{
  "Success": true,
  "GetBasketContentResult": {
    "BasketId": "7C9E6679-7425-40DE-944B-E07FC1F90AE7",
    "Items": [
      {
        "BasketItemId": 1, "EventId": 4100, "EventName": "Midwinter, Properly", "PerformanceDate": "2024-12-20T19:30:00",
        "AreaName": "Circle", "Seats": ["AA12"], "VenueName": "Harbour Hall",
        "Tickets": [
          {"TicketId": 9, "TicketName1": "AA", "TicketName2": "12", "FaceValue": 80.0, "SellingPrice": 83.34, "Barcode": "", "BarcodeType": null, "ScheduledOn": "2024-12-13T09:00:00"}
        ]
      },
      {
        "BasketItemId": 2, "EventId": 3868, "EventName": "The Clockmaker's Daughter", "PerformanceDate": "2024-07-17T13:00:00",
        "AreaName": "Stalls", "VenueName": "Lantern Theatre",
        "Tickets": [
          {"TicketId": 7, "TicketName1": "N", "TicketName2": 40, "Barcode": "00009177", "BarcodeType": "QRCode", "ScheduledOn": "2024-07-10T09:00:00"},
          {"TicketId": 8, "TicketName1": "N", "TicketName2": 41, "Barcode": null, "BarcodeType": "QRCode", "ScheduledOn": "2024-07-11T09:00:00"}
        ]
      }
    ]
  },
  "Customer": {"FullName": "Ines Okonjo-Vale", "Email": "ines@example.org"}
}`

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return &Client{BaseURL: srv.URL + "/rest/v2", APIKey: "a-key", BasketPath: "/Baskets/{basket}/Summary", AffiliateID: affiliate, HTTP: srv.Client()}
}

func answers(t *testing.T, body string) *Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
}

func TestBasketAsksAsThePortalSays(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "GET" || r.URL.Path != "/rest/v2/Baskets/"+basketID+"/Summary" || r.Header.Get("Api-Key") != "a-key" {
			t.Errorf("got %s %s with key %q", r.Method, r.URL, r.Header.Get("Api-Key"))
		}
		io.WriteString(w, summary)
	})
	for _, slash := range []string{"", "/"} {
		c.BaseURL += slash
		raw, err := c.Basket(t.Context(), basketID)
		if err != nil || string(raw) != summary {
			t.Errorf("got %s, %v; want the answer as it is", raw, err)
		}
	}
}

func TestShowIsReadAsAWebhook(t *testing.T) {
	t.Parallel()
	c := answers(t, summary)
	body, err := c.Show(t.Context(), basketID, "CSK50001")
	if err != nil {
		t.Fatal(err)
	}
	if want := sample(t, "basket_polled"); string(body) != want {
		t.Errorf("got\n%s\nwant\n%s", body, want)
	}
	again, err := c.Show(t.Context(), basketID, "CSK50001")
	if err != nil || string(again) != string(body) {
		t.Errorf("got %s, %v; want the same bytes again", again, err)
	}
	for _, private := range []string{"Okonjo", "ines@", "83.34"} {
		if strings.Contains(string(body), private) {
			t.Errorf("got %s; want nothing but tickets", body)
		}
	}
	out, err := Decode(delivery("1", string(body)), gbp)
	if err != nil || len(out.Event.Lines) != 1 || len(out.Files) != 1 {
		t.Errorf("got %+v, %v; want the one ticket that is available", out, err)
	}
}

func TestShowFindsTicketsWhereverTheyStand(t *testing.T) {
	t.Parallel()
	item := `{"EventName":"The Clockmaker's Daughter","PerformanceDate":"2024-07-17T13:00:00","AreaName":"Stalls","VenueName":"Lantern Theatre","Tickets":[{"TicketName1":"N","TicketName2":40.0,"Barcode":"00009177","BarcodeType":"QRCode"}]}`
	for _, answer := range []string{
		item, "[" + item + "]", `{"Items":[` + item + `]}`, `{"Basket":{"BasketItems":[null,` + item + `,7]}}`,
		`{"EventName":"Another","Items":[` + item + `]}`,
	} {
		body, err := answers(t, answer).Show(t.Context(), basketID, "CSK50001")
		if want := sample(t, "basket_polled"); err != nil || string(body) != want {
			t.Errorf("%s: got %s, %v; want %s", answer, body, err, want)
		}
	}
}

func TestShowOfTicketsThatAreNotAvailableYet(t *testing.T) {
	t.Parallel()
	body, err := answers(t, strings.Replace(summary, `"00009177"`, `""`, 1)).Show(t.Context(), basketID, "CSK50001")
	if want := sample(t, "basket_polled_nothing_yet"); err != nil || string(body) != want {
		t.Errorf("got %s, %v; want %s", body, err, want)
	}
}

func TestClientRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Client)
		basket string
		class  string
		detail string
	}{
		"NoPath":         {func(c *Client) { c.BasketPath = "" }, basketID, provider.Unsupported, "BasketPath is not configured"},
		"PathWithoutID":  {func(c *Client) { c.BasketPath = "/Baskets" }, basketID, provider.Invalid, "{basket}"},
		"PathOfAnother":  {func(c *Client) { c.BasketPath = "@evil.example/{basket}" }, basketID, provider.Invalid, "begin with /"},
		"NoKey":          {func(c *Client) { c.APIKey = "" }, basketID, provider.Unauthorized, "no API key"},
		"NoBase":         {func(c *Client) { c.BaseURL = "" }, basketID, provider.Invalid, "base URL"},
		"BrokenBase":     {func(c *Client) { c.BaseURL = "http://a b" }, basketID, provider.Invalid, "base URL"},
		"NoBasket":       {func(*Client) {}, "", provider.Invalid, "no id"},
		"BasketOfASlash": {func(*Client) {}, "../" + basketID, provider.Invalid, "no id"},
		"NoAffiliate":    {func(c *Client) { c.AffiliateID = "" }, basketID, provider.Invalid, "affiliate"},
		"AnotherBasket":  {func(*Client) {}, "33de23ee-5e42-4aba-b941-6546e57fec28", provider.Conflict, "another basket"},
	} {
		client := answers(t, summary)
		c.change(client)
		body, err := client.Show(t.Context(), c.basket, "CSK50001")
		providertest.ClassIs(t, name, err, c.class)
		if err == nil || !strings.Contains(err.Error(), c.detail) || body != nil {
			t.Errorf("%s: got %s, %v; want %q", name, body, err, c.detail)
		}
	}
	for answer, class := range map[string]string{
		"<html>": provider.Transient, "": provider.Transient, "{}": provider.Unsupported, "null": provider.Unsupported,
		`{"Items":[]}`: provider.Unsupported, `{"Items":[{"Tickets":"none"}]}`: provider.Unsupported,
	} {
		_, err := answers(t, answer).Show(t.Context(), basketID, "CSK50001")
		providertest.ClassIs(t, fmt.Sprintf("%q", answer), err, class)
	}
}

// api is the one call that the client has.
var api = providertest.API{
	Calls: func(base string, h *http.Client) providertest.Calls {
		c := &Client{BaseURL: base, APIKey: "a-key", BasketPath: "/{basket}", AffiliateID: affiliate, HTTP: h}
		return providertest.Calls{Reads: map[string]func(context.Context) error{
			"Show": func(ctx context.Context) error {
				_, err := c.Show(ctx, basketID, "CSK50001")
				return err
			},
		}}
	},
	Answer: summary, Limit: maxAnswer, Secrets: []string{"Okonjo", "a-key"},
}

func TestStatusClasses(t *testing.T) {
	t.Parallel()
	api.StatusClasses(t)
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	api.NoAnswer(t)
}

func TestScheduledOn(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]time.Time{
		summary: time.Date(2024, 7, 11, 8, 0, 0, 0, time.UTC), // N41; N40 has its barcode already
		strings.Replace(summary, "2024-07-11T09:00:00", "", 1): time.Date(2024, 12, 13, 9, 0, 0, 0, time.UTC),
		strings.ReplaceAll(summary, "ScheduledOn", "Other"):    {},
		strings.ReplaceAll(summary, "T09:00:00", "?"):          {},
		"{}": {}, "": {}, "<html>": {}, `{"TicketName1":null,"ScheduledOn":"2024-01-02T03:04:05Z"}`: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC),
	} {
		if got := ScheduledOn([]byte(raw)); !got.Equal(want) {
			t.Errorf("%.40q: got %s; want %s", raw, got, want)
		}
	}
}
