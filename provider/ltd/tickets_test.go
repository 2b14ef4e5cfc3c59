package ltd

import (
	"reflect"
	"testing"

	"willcall/provider"
)

func TestTicketsAreBarcodesWithTheirSeats(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]provider.Ticket{
		"scheduled_eticket_delivery": {
			{Line: "2023-12-07T1930-N40-7d9ab2", Key: "2023-12-07T1930-N40-7d9ab2", Code: "Balcony row N seat 40: 00000015125182882200 (QRCode)"},
			{Line: "2023-12-07T1930-N39-7d9ab2", Key: "2023-12-07T1930-N39-7d9ab2", Code: "Balcony row N seat 39: 00000015125182882200 (QRCode)"},
			{Line: "2023-12-07T1930-N38-7d9ab2", Key: "2023-12-07T1930-N38-7d9ab2", Code: "Balcony row N seat 38: 00000015125182882200 (QRCode)"},
		},
		"unknown_type": nil,
	} {
		got, err := Tickets(delivery("1", sample(t, name)), gbp)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v %v; want %+v", name, got, err, want)
		}
	}
}

// TestTicketsAreThoseOfTheEvent: what is put on the invoice is looked up by what the event says that it brought.
func TestTicketsAreThoseOfTheEvent(t *testing.T) {
	t.Parallel()
	some := 0
	for name, body := range samples(t) {
		dec, err := Decode(delivery("1", body), gbp)
		all, again := Tickets(delivery("1", body), gbp)
		if (err == nil) != (again == nil) {
			t.Errorf("%s: Decode gives %v, Tickets %v; want both alike", name, err, again)
		}
		if err != nil || dec.Event == nil {
			continue
		}
		var want, got [][2]string
		for _, l := range dec.Event.Lines {
			for _, key := range l.Tickets {
				if !l.Cancelled {
					want = append(want, [2]string{l.LineID, key})
				}
			}
		}
		for _, ticket := range all {
			got = append(got, [2]string{ticket.Line, ticket.Key})
		}
		some += len(got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v; want %v", name, got, want)
		}
	}
	if some < 5 {
		t.Errorf("got %d tickets in all fixtures; want some", some)
	}
}
