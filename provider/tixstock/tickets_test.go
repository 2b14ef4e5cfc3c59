package tixstock

import (
	"reflect"
	"testing"

	"willcall/provider"
)

// TestTicketsAreThoseOfTheEvent: what is put on the invoice is looked up by what the event says that it brought, and is the very
// file; proofs are links.
func TestTicketsAreThoseOfTheEvent(t *testing.T) {
	t.Parallel()
	files, links := 0, 0
	for _, f := range fixtures(t) {
		dec, err := Decode(f.wire(), settings)
		all, again := Tickets(f.wire(), settings)
		if (err == nil) != (again == nil) {
			t.Errorf("%s: Decode gives %v, Tickets %v; want both alike", f.Name, err, again)
		}
		if err != nil || dec.Event == nil || len(dec.Event.Lines) == 0 {
			if len(all) > 0 {
				t.Errorf("%s: got %d tickets; want none", f.Name, len(all))
			}
			continue
		}
		l := dec.Event.Lines[0]
		if len(all) != 1 || all[0].Line != l.LineID || all[0].Key != l.Tickets[0] {
			t.Errorf("%s: got %+v; want the one ticket of line %s", f.Name, all, l.LineID)
			continue
		}
		var want []provider.File
		for _, file := range dec.Files {
			if file.MediaType != "application/json" {
				want = append(want, file)
			}
		}
		if !reflect.DeepEqual(all[0].Files, want) {
			t.Errorf("%s: got %d files; want the %d that came", f.Name, len(all[0].Files), len(want))
		}
		if len(all[0].Files)+len(all[0].Links) == 0 {
			t.Errorf("%s: got neither file nor link for a ticket", f.Name)
		}
		for _, link := range all[0].Links {
			if link.Name == "" || link.URL == "" {
				t.Errorf("%s: got a link %+v; want name and address", f.Name, link)
			}
		}
		files, links = files+len(all[0].Files), links+len(all[0].Links)
	}
	if files < 3 || links < 3 {
		t.Errorf("got %d files and %d links in all fixtures; want some", files, links)
	}
}
