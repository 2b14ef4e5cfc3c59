package tevo

import (
	"strings"
	"time"

	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// decodeNews reads a catalogue webhook. Those of performances alone change what somebody has bought. The document names their
// types and the field event_id (public: Catalog Notifications), and no body: an update then does not say what has changed, so
// that the orders are to be read again. Assumption: a body, if there is one, is the event as orders have it.
//
// It never fails. What bears no id that can be read is recorded, and a body that cannot be read is one that says nothing.
func decodeNews(f form, d provider.Delivery, out provider.Decoded) provider.Decoded {
	r, ok := rules[strings.ToLower(f.eventType)]
	if !ok || !wire.IsID(f.eventID) {
		out.Disposition = provider.Recorded
		return out
	}
	e := order.Event{ID: d.ID, Type: out.Type, At: d.Received.UTC(), Received: d.Received.UTC()}
	news := r.news
	news.ShowID = f.eventID
	var p performance
	if parseBody(f.body, &p) != nil || p.ID.Given() && p.ID.ID() != f.eventID {
		p = performance{} // it is of another one, or none
	}
	news.Name = wire.Cut(p.Name.Text)
	news.StartsAt, _ = p.OccursAt.Moment()
	if news.Name != "" && !news.StartsAt.IsZero() {
		news.Unsaid = false // all that orders hold of a performance
	}
	e.News, e.Reread = &news, news.Unsaid
	if at, ok := p.UpdatedAt.Moment(); ok {
		e.At = at
	} else {
		// Two changes of one performance are the same bytes then, and the second must not pass for a repeat of the first. That a
		// repeat passes for a change costs one reading of the order.
		out.DedupeKey = out.Type + "/" + f.eventID + "/" + e.Received.Format(time.RFC3339Nano)
	}
	out.Disposition, out.Event = provider.Forward, &e
	out.About = provider.About{Kind: provider.AboutEvent, ID: f.eventID}
	return out
}
