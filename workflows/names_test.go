package workflows

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/workflow"

	"willcall/activities"
	"willcall/order"
	"willcall/provider"
)

// TestNamesStayAsTheyAre pins every name that lies in histories, schedules, dashboards and runbooks. A change here breaks
// open orders: add names, never rename them.
func TestNamesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	var r registry
	acts := &activities.Activities{}
	Register(&r)
	r.note("queue " + TaskQueueOrders)
	RegisterLocal(&r, acts)
	r.note("queue " + TaskQueuePOS)
	RegisterPOS(&r, acts)
	r.note("queue " + TaskQueueProvider("tevo"))
	RegisterProvider(&r, acts)
	r.note("signal " + SignalProviderEvent)
	r.note("query " + QueryOrder)
	r.note("update " + UpdateHear)
	for _, u := range UpdateNames() {
		r.note("update " + string(u))
	}
	types := AttributeTypes()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		r.note("search attribute " + name + " " + types[name])
	}
	r.note("sale " + OrderID("tevo", "44442", order.Sale))
	r.note("purchase " + OrderID("tevo", "44442", order.Purchase))
	r.note("news " + NoticeID(NoticeInput{Kind: provider.AboutEvent, Source: "vivenu", Subject: "65f0"}))
	r.note("duplicates " + DuplicatesID("tevo"))
	r.note("looks " + LooksID("tevo"))
	r.note("odd id " + OrderID("tevo", "a/b", order.Sale))
	want := `workflow Order
workflow Sweep
workflow Notice
workflow Duplicates
workflow Looks
queue orders
activity BeginOrder
activity SaveOrder
activity TellOrders
queue pos
activity CreateInvoice
activity FindInvoice
activity VoidInvoice
activity AttachTickets
activity CreatePurchaseOrder
activity VoidPurchaseOrder
activity UpdateCustomer
activity FindDuplicates
activity LookForTickets
activity LookForAllTickets
activity MarkFulfilled
activity ReceiveTickets
activity CreditInvoice
activity HoldTickets
activity ReleaseHold
queue provider-tevo
activity ConfirmOrder
activity AcceptOrder
activity RejectOrder
activity FetchAirbill
activity PollOrders
activity DeliverETickets
activity RevokeETickets
activity TransferTickets
activity LeaveAtWillCall
signal provider-event
query order
update hear
update approve
update reject
update cancel
update retry
update resolve
search attribute OrderAmountMinor Int
search attribute OrderAttention Keyword
search attribute OrderDeadline Datetime
search attribute OrderEventDate Datetime
search attribute OrderEventID Keyword
search attribute OrderPOSInvoice Keyword
search attribute OrderProvider Keyword
search attribute OrderSource Keyword
search attribute OrderState Keyword
sale order:tevo:44442
purchase order:tevo:44442:buyer
news event:vivenu:65f0
duplicates duplicates:tevo
looks looks:tevo
odd id order:tevo:a-b`
	if got := strings.Join(r.names, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// registry notes what is registered with it.
type registry struct{ names []string }

func (r *registry) note(s string)        { r.names = append(r.names, s) }
func (r *registry) RegisterWorkflow(any) {}
func (r *registry) RegisterActivity(any) {}
func (r *registry) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	r.note("workflow " + o.Name)
}
func (r *registry) RegisterDynamicWorkflow(any, workflow.DynamicRegisterOptions) {}
func (r *registry) RegisterActivityWithOptions(_ any, o activity.RegisterOptions) {
	r.note("activity " + o.Name)
}
func (r *registry) RegisterDynamicActivity(any, activity.DynamicRegisterOptions) {}

// TestTimeoutsAndRetriesStayAsTheyAre pins what replay does not see: a changed time-out passes every replay and breaks
// promises all the same.
func TestTimeoutsAndRetriesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	o := order.New(order.Identity{Provider: "tevo", Kind: order.Sale}, order.DefaultPolicy())
	var got []string
	for _, do := range []order.Do{order.DoConfirm, order.DoInvoice, order.DoVoidInvoice, order.DoPurchaseOrder, order.DoVoidPurchaseOrder,
		order.DoAccept, order.DoReject, order.DoAirbill, order.DoLook, order.DoFulfil, order.DoCredit, order.DoHold, order.DoReleaseHold, order.DoReceive,
		order.DoETickets, order.DoRevoke, order.DoTransfer, order.DoWillCall} {
		for _, slow := range []bool{false, true} {
			a := stepOptions(o, order.ID(do, "", 1), slow)
			r := a.RetryPolicy
			got = append(got, fmt.Sprintf("%s slow=%v: %s, attempt %s, heartbeat %s, patience %s, retry %s x%g up to %s, attempts %d, waits for cancellation %v",
				do, slow, a.TaskQueue, a.StartToCloseTimeout, a.HeartbeatTimeout, a.ScheduleToCloseTimeout, r.InitialInterval,
				r.BackoffCoefficient, r.MaximumInterval, r.MaximumAttempts, a.WaitForCancellation))
		}
	}
	lines := func(do, queue, attempt, heartbeat, upTo string) string {
		text := ""
		for _, slow := range []string{"false", "true"} {
			patience := map[string]string{"false": "15m0s", "true": "0s"}[slow]
			text += do + " slow=" + slow + ": " + queue + ", attempt " + attempt + ", heartbeat " + heartbeat + ", patience " + patience +
				", retry 1s x2 up to " + upTo + ", attempts 0, waits for cancellation true\n"
		}
		return text
	}
	line := func(do, queue string) string { return lines(do, queue, "30s", "10s", "1m0s") }
	undo := func(do, queue string) string { return lines(do, queue, "30s", "10s", "10s") }
	give := func(do, queue string) string { return lines(do, queue, "2m0s", "10s", "1m0s") }
	want := line("confirm", "provider-tevo") + line("invoice", "pos") + undo("void_invoice", "pos") + line("purchase_order", "pos") +
		undo("void_purchase_order", "pos") + line("accept", "provider-tevo") + undo("reject", "provider-tevo") + line("airbill", "provider-tevo") +
		lines("look", "pos", "1m0s", "10s", "1m0s") + line("fulfil", "pos") + line("credit", "pos") + line("hold", "pos") + undo("release_hold", "pos") + give("receive", "pos") +
		give("etickets", "provider-tevo") + undo("revoke", "provider-tevo") + give("transfer", "provider-tevo") + give("will_call", "provider-tevo")
	if got := strings.Join(got, "\n") + "\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if DuplicatesHour != 5 {
		t.Errorf("duplicates are looked for at %d; want 5", DuplicatesHour)
	}
	if SweepEvery != 5*time.Minute {
		t.Errorf("a sweep every %s; want every 5 minutes", SweepEvery)
	}
}
