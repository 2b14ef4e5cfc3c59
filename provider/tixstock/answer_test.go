package tixstock

import (
	"encoding/json"
	"errors"
	"testing"

	"willcall/provider"
	"willcall/provider/providertest"
)

// TestAnswerRefusesToSetNoStatus: Tixstock would set the order to an empty status.
func TestAnswerRefusesToSetNoStatus(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		out, _ := Decode(f.wire(), settings)
		kind := types[out.Type]
		want := kind == eticket || kind == mobile || kind == update
		a, err := Answer(f.wire(), out, Standing{Success: true})
		if errors.Is(err, ErrNoStatus) != want || want && a != nil || !want && err != nil {
			t.Errorf("%s: got %v, %v; want ErrNoStatus: %t", f.Name, a, err, want)
		}
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	hold := `{"data":{"external_id":"15000042","id":"1"},"meta":{"type":"Ticket.Hold"}}`
	for _, c := range []struct {
		name, body string
		s          Standing
		want       string
	}{
		{"Hold", hold, Standing{Success: true}, `{"listing_id":"15000042","success":true,"message":"Ticket quantity successfully decreased."}`},
		{"HoldFailed", hold, Standing{}, `{"listing_id":"15000042","success":false,"message":"Failed to decrease listing quantity.","errors":["Failed to decrease listing quantity."]}`},
		{"HoldOfNothing", `{"meta":{"type":"ticket.hold"}}`, Standing{Success: true}, `{"listing_id":"","success":true,"message":"Ticket quantity successfully decreased."}`},
		{"Release", `{"data":{"external_id":15000042},"meta":{"type":"ticket.release"}}`, Standing{Success: true}, `{"listing_id":"15000042","success":true,"message":"Ticket quantity successfully increased."}`},
		{"Delete", `{"data":{"listing_id":"15000042"},"meta":{"type":"ticket.delete"}}`, Standing{Success: true, Message: "Gone."}, `{"listing_id":"15000042","success":true,"message":"Gone."}`},
		{"EventFailed", `{"data":{"id":"7"},"meta":{"type":"event.update"}}`, Standing{}, `{"event_id":"7","success":false,"message":"Event details failed to be updated.","errors":["Event details failed to be updated."]}`},
		{"EventWithoutID", `{"data":{},"meta":{"type":"event.update"}}`, Standing{Success: true}, `{"event_id":"","success":false,"message":"Event details failed to be updated.","errors":["Event details failed to be updated."]}`},
		{"CancelWithoutID", `{"data":{},"meta":{"type":"event.cancel"}}`, Standing{Success: true}, `{"event_found":false}`},
		{"BrokerFailed", `{"data":{"broker_id":"8"},"meta":{"type":"broker.closed"}}`, Standing{}, `{"broker_id":"8","success":"false","message":"Broker failed to disconnect"}`},
		{"UpdateWithoutID", `{"data":{},"meta":{"type":"order.update"}}`, Standing{Status: "Approved", Success: true}, `{"order_status":"Approved","success":false}`},
		{"ListingUnreadable", `{"data":{"order_id":"1","id":{}},"meta":{"type":"order.eticket_fulfilment"}}`, Standing{Status: "Approved", Success: true, Message: "Thanks."},
			`{"external_id":"1","order_status":"Approved","message":"Listing failed to be fulfilled for the order.","success":false}`},
		{"Unknown", `{"meta":{"type":"ticket.sold"}}`, Standing{Success: true}, `null`},
		{"NoType", `{}`, Standing{Success: true}, `null`},
		{"NoJSON", `{`, Standing{Success: true}, `null`},
		{"BrokenBehindItsType", `{"meta":{"type":"order.eticket_fulfilment"},"data":{"order_id":"1","file":"JVBE`, Standing{Status: "Approved", Success: true},
			`{"external_id":"","order_status":"Approved","message":"Listing failed to be fulfilled for the order.","success":false}`},
	} {
		d := delivery("1", c.body)
		out, _ := Decode(d, settings)
		a, err := Answer(d, out, c.s)
		if got := providertest.Marshal(t, a); err != nil || got != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

// TestEveryAskHasAnAnswer, and nothing else has one.
func TestEveryAskHasAnAnswer(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t) {
		out, _ := Decode(f.wire(), settings)
		a, err := Answer(f.wire(), out, Standing{Status: "Approved", Success: true})
		if err != nil || (a != nil) != out.Ask {
			t.Errorf("%s: got %v, %v; want an answer: %t", f.Name, a, err, out.Ask)
		}
	}
}

// TestAFailureIsNeverAnsweredAsASuccess whatever the caller believes: Tixstock would think that the ticket is with us.
func TestAFailureIsNeverAnsweredAsASuccess(t *testing.T) {
	t.Parallel()
	failures := 0
	for _, f := range fixtures(t) {
		out, err := Decode(f.wire(), settings)
		if err == nil && (out.Event == nil || out.Event.Unusable == "") {
			continue
		}
		failures++
		a, answerErr := Answer(f.wire(), out, Standing{Status: "Delivered", Success: true, Message: "Thanks."})
		var got struct {
			Success bool
			Message string
		}
		if jsonErr := json.Unmarshal([]byte(providertest.Marshal(t, a)), &got); jsonErr != nil || answerErr != nil || got.Success || got.Message == "Thanks." {
			t.Errorf("%s: got %+v, %v; want a failure", f.Name, got, answerErr)
		}
	}
	if failures < 5 {
		t.Errorf("got %d failures among the fixtures; want at least 5, or this test proves nothing", failures)
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	const want = `{"success":false,"status":401,"message":"not authentic"}`
	if got := providertest.Marshal(t, Refusal(401, provider.ErrSignature.Error())); got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}
