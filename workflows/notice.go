package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"willcall/activities"
	"willcall/order"
	"willcall/provider"
)

// NoticeInput names what the news is of: a performance, or a buyer. Kind is one of provider.AboutEvent and AboutCustomer.
type NoticeInput struct {
	Source   string `json:"source"`
	Provider string `json:"provider"`
	Kind     string `json:"kind"`
	Subject  string `json:"subject"` // the provider's id
}

// NoticeID is the workflow id of news about one performance or buyer: "event:<source>:<id>".
func NoticeID(in NoticeInput) string { return in.Kind + ":" + in.Source + ":" + in.Subject }

// Notice spreads news that concern no single order: of a performance to every open order of it, of a buyer to the POS. It
// takes one piece after the other and ends when there is none left.
func Notice(ctx workflow.Context, in NoticeInput) error {
	heard := workflow.GetSignalChannelWithOptions(ctx, SignalProviderEvent, workflow.SignalChannelOptions{
		Description: "What a provider's webhook said. Sent by webhookd; replay a webhook there instead of sending one by hand."})
	var e order.Event
	for heard.ReceiveAsync(&e) {
		step := activities.NoticeStep{Source: in.Source, Subject: in.Subject, Event: e}
		spread := any(do.TellOrders)
		options := workflow.ActivityOptions{
			TaskQueue:           TaskQueueOrders,
			StartToCloseTimeout: time.Hour, // an event may have many thousands of orders
			HeartbeatTimeout:    30 * time.Second,
			Summary:             "tell the open orders: " + e.Type,
			RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		}
		if in.Kind == provider.AboutCustomer {
			spread = do.UpdateCustomer
			options.TaskQueue, options.StartToCloseTimeout, options.HeartbeatTimeout = TaskQueuePOS, 30*time.Second, 10*time.Second
			options.Summary = "bring the POS's customer up to date"
		}
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), spread, step).Get(ctx, nil)
		if err != nil {
			// Retrying cannot mend it, and later news must not wait for it.
			workflow.GetLogger(ctx).Error("news could not be spread", "kind", in.Kind, "source", in.Source, "webhook", e.ID, "error", err)
		}
		e = order.Event{}
	}
	return nil
}
