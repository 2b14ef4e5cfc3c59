package order

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the want parts of testdata/*.txtar; read the difference before you commit it")

// TestScripts runs testdata/*.txtar: what happens to an order, line by line, and what must follow. The language is
// described in testdata/README.md.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Files) != 2 || a.Files[0].Name != "script" || a.Files[1].Name != "want" || len(a.Comment) == 0 {
				t.Fatalf("%s: want a comment that says why, then the files script and want", file)
			}
			got := runScript(t, string(a.Files[0].Data))
			if *update {
				a.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(a.Files[1].Data); got != want {
				t.Errorf("%s:\ngot:\n%s\nwant:\n%s", file, got, want)
			}
		})
	}
}

// day is when every script begins; an event of a script gives its version as a time of day.
var day = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func runScript(t *testing.T, script string) string {
	t.Helper()
	o := New(Identity{ID: "order:tevo:44442", Source: "tevo", Provider: "tevo", ProviderOrderID: "44442", Kind: Sale}, DefaultPolicy())
	now := day
	var out strings.Builder
	for n, line := range strings.Split(strings.TrimSpace(script), "\n") {
		words := split(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		refused, err := perform(o, &now, words)
		if err != nil {
			t.Fatalf("line %d %q: %v", n+1, line, err)
		}
		fmt.Fprintf(&out, "%s\n", line)
		if refused != nil {
			fmt.Fprintf(&out, "    %v\n", refused)
			continue
		}
		p := o.Plan(now)
		o.Settle(p, now)
		describe(&out, o, p)
	}
	return out.String()
}

func describe(out *strings.Builder, o *Order, p Plan) {
	fmt.Fprintf(out, "    %s, awaits %s\n", p.State, p.Awaits)
	for _, id := range p.Steps {
		dead := ""
		if id.Do() == DoVoidInvoice && !o.Restock() {
			dead = ", its tickets are not sold again"
		}
		fmt.Fprintf(out, "    do %s%s\n", id, dead)
	}
	if p.Attention != nil {
		fmt.Fprintf(out, "    attention %s: %s %s\n", p.Attention.Reason, p.Attention.Detail, p.Attention.Advice)
	}
	if !p.Deadline.IsZero() {
		fmt.Fprintf(out, "    by %s\n", p.Deadline.Format("2006-01-02 15:04"))
	}
	if id := o.InvoiceID(); id != "" {
		fmt.Fprintf(out, "    invoice %s\n", id)
	}
	if i := o.Facts.Intent; i != nil && i.Becomes != "" {
		fmt.Fprintf(out, "    became order %s\n", i.Becomes)
	}
	if id := o.PurchaseOrderID(); id != "" {
		fmt.Fprintf(out, "    purchase order %s\n", id)
	}
	if p.Close {
		fmt.Fprintf(out, "    the run may end\n")
	}
}

// perform does what one line of a script says, and returns the refusal of a decision.
func perform(o *Order, now *time.Time, words []string) (refused, err error) {
	verb, rest := words[0], words[1:]
	if slices.Contains([]string{"slow", "start", "done", "fail", "stopped"}, verb) && !strings.Contains(rest[0], "/") {
		// A step that is named by a digest is told by what stands before that.
		known := slices.Concat(o.Plan(*now).Steps, o.StepIDs())
		i := slices.IndexFunc(known, func(id StepID) bool { return strings.HasPrefix(string(id), rest[0]) })
		if i < 0 {
			return nil, fmt.Errorf("no step %s is wanted or known", rest[0])
		}
		rest = slices.Concat([]string{string(known[i])}, rest[1:])
	}
	arg := func(key string) string {
		for _, w := range rest {
			if k, v, ok := strings.Cut(w, "="); ok && k == key {
				return v
			}
		}
		return ""
	}
	switch verb {
	case "purchase":
		o.Kind = Purchase
	case "policy":
		return nil, setPolicy(&o.Policy, rest)
	case "wait":
		d, err := time.ParseDuration(rest[0])
		*now = now.Add(d)
		return nil, err
	case "event":
		e, err := parseEvent(rest, *now)
		if err == nil {
			o.Apply(e)
		}
		return nil, err
	case "slow":
		o.Record(StepID(rest[0]), Result{Outcome: Running, At: *now, Slow: true})
	case "start":
		o.Record(StepID(rest[0]), Result{Outcome: Running, At: *now})
	case "done":
		r := Result{Outcome: Done, At: *now, Ref: arg("ref"), Customer: arg("customer")}
		if StepID(rest[0]).Do() == DoInvoice || StepID(rest[0]).Do() == DoPurchaseOrder {
			r.Amount, r.Lines = o.Total(), lineIDs(o.LiveLines())
			for _, ability := range strings.Split(arg("can"), ",") {
				r.Can = append(r.Can, Ability(ability))
			}
		}
		switch do := StepID(rest[0]).Do(); {
		case do.Gives():
			for _, s := range o.ToDeliver(StepID(rest[0])) {
				r.Lines = append(r.Lines, s.LineID)
			}
		case do == DoCredit:
			r.Ref, r.Amount, r.Lines = o.InvoiceID(), o.Total(), lineIDs(o.LiveLines())
			if left := arg("lines"); left != "" { // as they were when it began
				r.Lines, r.Amount = strings.Split(left, ","), Money{}
				for _, l := range o.Lines() {
					if slices.Contains(r.Lines, l.ID) {
						r.Amount = r.Amount.Add(l.Amount())
					}
				}
			}
		case do == DoHold && arg("holds") != "":
			r.Holds = strings.Split(arg("holds"), ",")
		}
		o.Record(StepID(rest[0]), r)
	case "fail":
		o.Record(StepID(rest[0]), Result{Outcome: Failed, At: *now, Class: rest[1], Detail: strings.Join(rest[2:], " ")})
	case "stopped":
		o.Record(StepID(rest[0]), Result{Outcome: Unsure, At: *now})
	case "approve", "reject", "cancel", "retry", "resolve":
		d := Decision{Command: Command(verb), By: arg("by"), Reason: arg("reason"), Reference: arg("reference"), At: *now}
		if err := o.Check(d, *now); err != nil {
			return err, nil
		}
		o.Decide(d)
	default:
		return nil, fmt.Errorf("no such verb %q", verb)
	}
	return nil, nil
}

func setPolicy(p *Policy, words []string) error {
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		on := value == "on"
		switch key {
		case "fraud_service":
			p.FraudService = on
		case "auto_accept":
			p.AutoAccept = on
		case "invoice":
			p.Invoice = on
		case "confirm":
			p.Confirm = on
		case "provider_api":
			p.ProviderAPI = on
		case "adopt":
			p.Adopt = on
		case "attach":
			p.Attach = on
		case "deliver":
			p.Deliver = on
		case "hold":
			p.Hold = on
		default:
			return fmt.Errorf("no such policy %q", key)
		}
	}
	return nil
}

// parseEvent reads "w1 order_created at=14:40 buyer=client fraud=pending line=id:inventory:quantity:price[:currency] …".
func parseEvent(words []string, now time.Time) (Event, error) {
	e := Event{ID: words[0], Type: words[1], At: now, Received: now}
	var snap Snapshot
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		part := append(strings.Split(value, ":"), "", "", "", "", "", "")
		switch key {
		case "at":
			t, err := time.Parse("15:04", value)
			if err != nil {
				return e, err
			}
			e.At = time.Date(2026, 6, 1, t.Hour(), t.Minute(), 0, 0, time.UTC)
		case "buyer":
			e.Snapshot, snap.Buyer = &snap, BuyerClass(value)
		case "event":
			snap.Show = Show{ID: "915177", Name: "Rovers at Athletic"}
			if value != "unknown" {
				t, err := time.Parse("2006-01-02T15:04", value)
				if err != nil {
					return e, err
				}
				snap.Show.StartsAt = t
			}
		case "line":
			q, err := strconv.Atoi(part[2])
			if err != nil {
				return e, err
			}
			m, err := ParseMoney(part[3], cmp.Or(part[4], "USD"))
			if err != nil {
				return e, err
			}
			snap.Lines = append(snap.Lines, Line{ID: part[0], Inventory: part[1], Quantity: q, Unit: m})
		case "by": // how a line of the snapshot travels
			for i := range snap.Lines {
				if snap.Lines[i].ID == part[0] {
					snap.Lines[i].Delivery = Delivery(part[1])
				}
			}
		case "hint":
			e.Hint = true
		case "holds": // invoice
			e.Supply = supplyOf(e.Supply)
			e.Supply.Invoice = value
		case "voided":
			e.Supply = supplyOf(e.Supply)
			e.Supply.Void = true
		case "has": // line:form:tickets:digest[:why it is unclear[:ordered]]
			n, err := strconv.Atoi(part[2])
			if err != nil {
				return e, err
			}
			e.Supply = supplyOf(e.Supply)
			e.Supply.Lines = append(e.Supply.Lines, Supplied{LineID: part[0], Form: Form(part[1]), Tickets: n, Digest: part[3], Unclear: part[4], Ordered: part[5] != ""})
		case "fraud":
			e.Fraud = Fraud(value)
		case "status":
			e.Status = Status(value)
		case "word":
			e.Unknown = value
		case "delivered":
			e.Lines = append(e.Lines, LineFact{LineID: value, Delivered: e.At})
		case "ticket":
			e.Lines = append(e.Lines, LineFact{LineID: part[0], Tickets: []string{part[1]}})
		case "line_cancelled":
			e.Lines = append(e.Lines, LineFact{LineID: value, Cancelled: true})
		case "payment":
			e.Payment = Payment(value)
		case "intent":
			t, err := time.Parse("15:04", value)
			if err != nil {
				return e, err
			}
			e.Intent = &Intent{ExpiresAt: time.Date(2026, 6, 1, t.Hour(), t.Minute(), 0, 0, time.UTC)}
		case "becomes":
			e.Intent = &Intent{Becomes: value}
		case "part", "revoked", "reread", "free":
			e.Part, e.Revoked, e.Reread, snap.Free = e.Part || key == "part", e.Revoked || key == "revoked", e.Reread || key == "reread", snap.Free || key == "free"
		case "seat": // a ticket that is a line: id:state[:the ticket that took its place]
			e.Lines = append(e.Lines, LineFact{LineID: part[0], Ticket: TicketState(part[1]), Became: part[2]})
		case "used":
			e.Lines = append(e.Lines, LineFact{LineID: value, Used: true})
		case "moved", "off", "changed":
			e.News = &News{ShowID: "915177", Off: key == "off", Unsaid: key == "changed"}
			if key == "moved" {
				t, err := time.Parse("2006-01-02T15:04", value)
				if err != nil {
					return e, err
				}
				e.News.StartsAt = t
			}
		case "case":
			e.Case = value
		case "unusable":
			e.Unusable = value
		case "airbill_asked":
			e.Shipment = append(e.Shipment, ShipmentFact{ID: value, AirbillAsked: true})
		case "reclassified":
			e.Shipment = append(e.Shipment, ShipmentFact{ID: value, Reclassified: true})
		case "in_transit": // shipment:line
			e.Shipment = append(e.Shipment, ShipmentFact{ID: part[0], Shipped: true, Lines: []string{part[1]}})
		case "airbill":
			e.Shipment = append(e.Shipment, ShipmentFact{ID: value, AirbillReady: true})
		case "recipient":
			e.Shipment = append(e.Shipment, ShipmentFact{ID: value, Changed: true})
		case "in_hand":
			t, err := time.Parse("2006-01-02", part[1])
			if err != nil {
				return e, err
			}
			e.Lines = append(e.Lines, LineFact{LineID: part[0], InHandOn: t})
		default:
			return e, fmt.Errorf("an event has no %q", key)
		}
	}
	return e, nil
}

func supplyOf(s *Supply) *Supply {
	if s == nil {
		return &Supply{}
	}
	return s
}

// split parts a line into words; a quoted stretch belongs to its word.
func split(line string) (words []string) {
	quoted := false
	for _, w := range strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	}) {
		words = append(words, strings.ReplaceAll(w, `"`, ""))
	}
	return words
}
