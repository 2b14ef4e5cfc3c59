package skybox

import "testing"

func TestReadEvent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want Event
		none bool // no event at all
	}{
		"TopicAndId":              {`{"topic":"INVOICE","id":77}`, Event{"invoice", "77"}, false},
		"TopicWithAVerb":          {`{"eventType":"invoice_updated","id":"77"}`, Event{"invoice", "77"}, false},
		"IdOfWhatIsInside":        {`{"topic":"INVOICE","id":900001,"data":{"id":77}}`, Event{"invoice", "77"}, false},
		"InvoiceIdOfALine":        {`{"topic":"LINE","id":5,"line":{"id":6,"invoiceId":77}}`, Event{"line", "77"}, false},
		"SameInvoiceTwice":        {`{"lines":[{"invoiceId":77},{"invoiceId":"77"}]}`, Event{"", "77"}, false},
		"TwoInvoices":             {`{"topic":"LINE","lines":[{"invoiceId":77},{"invoiceId":78}]}`, Event{"line", ""}, false},
		"IdOfAnotherTopic":        {`{"topic":"PURCHASE","id":77}`, Event{"purchase", ""}, false},
		"NothingThatIsKnown":      {`{"hello":"world"}`, Event{}, false},
		"LargerThanAFloatIsExact": {`{"invoiceId":9007199254740993}`, Event{"", "9007199254740993"}, false},
		"NoWholeNumber":           {`{"invoiceId":7.5}`, Event{}, false},
		"LessThanNothing":         {`{"invoiceId":-7}`, Event{}, false},
		"Zero":                    {`{"invoiceId":0}`, Event{}, false},
		"TooLong":                 {`{"invoiceId":123456789012345678901}`, Event{}, false},
		"AnObjectForAnId":         {`{"topic":"INVOICE","id":{"id":[]}}`, Event{"invoice", ""}, false},
		"AListForATopic":          {`{"topic":["INVOICE"],"id":77}`, Event{}, false},
		"AnEmptyObject":           {`{}`, Event{}, false},
		"AList":                   {`[{"invoiceId":77}]`, Event{}, true},
		"Null":                    {`null`, Event{}, true},
		"Nothing":                 {``, Event{}, true},
		"MoreBehindIt":            {`{"invoiceId":77}{}`, Event{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadEvent([]byte(c.body))
			if got != c.want || (err != nil) != c.none {
				t.Errorf("got %+v, %v; want %+v, and an error: %v", got, err, c.want, c.none)
			}
		})
	}
}
