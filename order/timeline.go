package order

import "time"

// Entry is one line of an order's timeline, for people. It holds no buyer data.
type Entry struct {
	At        time.Time `json:"at"`
	What      string    `json:"what"`
	WebhookID string    `json:"webhook_id,omitempty"`
	Detail    string    `json:"detail,omitempty"`
}

// TakeTimeline returns what was added to the timeline since it was last called. The entries are not part of the stored
// order: whoever takes them keeps them.
func (o *Order) TakeTimeline() []Entry {
	out := o.pending
	o.pending = nil
	return out
}

func (o *Order) note(at time.Time, what, webhookID, detail string) {
	o.pending = append(o.pending, Entry{At: at.UTC(), What: what, WebhookID: webhookID, Detail: detail})
}
