package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"willcall/activities"
	"willcall/config"
	"willcall/pos"
	"willcall/provider"
)

// Finding is what came of asking one of the systems that the configuration names.
type Finding struct {
	Key string `json:"key"` // of the configuration: "pos.main", "sources.tevo.api"
	OK  bool   `json:"ok"`
	// Warning: it works, but the configuration asks for something that the system cannot do, and what happens instead stands in Detail.
	Warning bool   `json:"warning,omitempty"`
	Detail  string `json:"detail"` // what it can do, or what is wrong and what to do about it
}

// nobody is an id that no record bears: asking for it costs one call and shows that the credentials are taken.
const nobody = "999999999999"

// errEnough ends a poll at its first answer.
var errEnough = errors.New("enough was seen")

// Check asks every POS and every provider of the configuration whether they take our credentials and can do what the sources
// need. It writes nothing, anywhere. The findings are in the order of their keys, first of the POSes, then of the sources.
func Check(ctx context.Context, o Options) ([]Finding, error) {
	sources, err := activitySources(o.Config)
	if err != nil {
		return nil, err
	}
	adapters, err := adapters(o.Config)
	if err != nil {
		return nil, err
	}
	var out []Finding
	able := map[string]pos.Capabilities{} // of the POSes that answer
	for _, name := range slices.Sorted(maps.Keys(adapters)) {
		f, caps := checkPOS(ctx, "pos."+name, adapters[name])
		if f.OK {
			f.Detail += tells(name, o.Config.POS[name])
			able[name] = caps
		}
		out = append(out, f)
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		s := o.Config.Sources[name]
		out = append(out, checkSource(ctx, "sources."+name, s, sources[name])...)
		if caps, ok := able[s.POS]; ok {
			out = append(out, checkPolicy("sources."+name+".policy", s, caps)...)
		}
	}
	return out, ctx.Err()
}

func checkPOS(ctx context.Context, key string, a pos.Adapter) (Finding, pos.Capabilities) {
	if err := a.Ping(ctx); err != nil {
		return bad(key, err, posAdvice(key, pos.ClassOf(err))), pos.Capabilities{}
	}
	caps, err := a.Capabilities(ctx)
	if err == nil {
		// Health and capabilities may be told to anybody; a record is not.
		if _, err = a.GetInvoice(ctx, nobody); pos.ClassOf(err) == pos.NotFound {
			err = nil
		}
	}
	if err != nil {
		return bad(key, err, posAdvice(key, pos.ClassOf(err))), caps
	}
	var lacks []string
	for what, has := range map[string]bool{
		"invoices by reference: no sale can be invoiced safely": caps.SearchInvoices || caps.NativeKey,
		"purchase orders by reference":                          caps.SearchPurchaseOrders || caps.NativeKey,
		"customers: no sale can be invoiced safely":             caps.SearchCustomers || caps.NativeKey,
	} {
		if !has {
			lacks = append(lacks, what)
		}
	}
	if len(lacks) > 0 {
		slices.Sort(lacks)
		return Finding{Key: key, Detail: "cannot find " + strings.Join(lacks, ", nor ") + ". See what its settings say about searches."}, caps
	}
	return Finding{Key: key, OK: true, Detail: "takes our credentials; " + able(caps)}, caps
}

// able says in a person's words what the POS is like, what it can do with tickets, and what it cannot.
func able(c pos.Capabilities) string {
	is := []string{"sells whole groups"}
	if c.SellsSeats {
		is[0] = "sells seats"
	}
	if c.NativeKey {
		is = append(is, "knows repeated writes by their key")
	}
	if c.UpdateCustomers {
		is = append(is, "changes customers")
	}
	if c.SettleDelay > 0 {
		is = append(is, "searches lag by "+c.SettleDelay.String())
	}
	var can, cannot []string
	for _, x := range []struct {
		has  bool
		what string
	}{
		{c.Holds, "hold tickets for an order that is not certain"}, {c.ReadDeliveries, "tell which tickets it has for a buyer"},
		{c.TicketUpload, "take ticket files"}, {c.VoidLines, "void single lines of an invoice"},
		{c.FulfillPurchases, "be told that the tickets of a purchase have come"},
	} {
		if x.has {
			can = append(can, x.what)
		} else {
			cannot = append(cannot, x.what)
		}
	}
	out := strings.Join(is, ", ")
	if can != nil {
		out += "; can " + strings.Join(can, ", ")
	}
	if cannot != nil {
		out += "; cannot " + strings.Join(cannot, ", ")
	}
	return out
}

// checkPolicy warns of what a source wants done with tickets and its POS says that it cannot do. Its orders go on all the same.
func checkPolicy(key string, s config.Source, c pos.Capabilities) (out []Finding) {
	warn := func(name, wants, instead string) {
		out = append(out, Finding{Key: key + "." + name, OK: true, Warning: true,
			Detail: wants + ", which pos." + s.POS + " cannot do: " + instead + ". Set " + name + ": false if that is meant"})
	}
	p := s.Policy
	if *p.Attach {
		switch {
		case s.Kind == "tevo" && !c.FulfillPurchases:
			warn("attach", "wants tickets of purchases put on their purchase order", "they stay at the provider, and people fetch them there")
		case !c.TicketUpload:
			warn("attach", "wants ticket files put into the POS", "it is told that the tickets are there, and the files are kept here")
		}
	}
	if *p.Deliver && !c.ReadDeliveries {
		warn("deliver", "wants buyers given the tickets that the POS has for them", "people deliver at the provider, as without it")
	}
	if *p.Hold && !c.Holds {
		warn("hold", "wants tickets held while a sale is not certain", "they stay on sale until the invoice is written")
	}
	return out
}

// tells says whether we hear of what changes in the POS.
func tells(name string, p config.POS) string {
	switch {
	case p.Events != nil:
		return "; posts its events to /webhooks/" + name
	case posDoors[p.Kind].prove == nil:
		return "" // it has none
	}
	return "; no events are configured"
}

func posAdvice(key string, class pos.Class) string {
	switch class {
	case pos.Unauthorized:
		return "look at the credentials in " + key
	case pos.RateLimited:
		return "it takes no more calls now: check again later"
	}
	return "look at " + key + ".url, and whether the POS can be reached from here"
}

func checkSource(ctx context.Context, key string, s config.Source, src activities.Source) []Finding {
	var out []Finding
	if s.Verify == "off" {
		out = append(out, Finding{Key: key + ".verify", Detail: `is "off": anybody may post orders. Give secrets, and take it out`})
	}
	for _, id := range slices.Sorted(maps.Keys(s.Inventory)) {
		if _, err := src.POS.GetInventory(ctx, s.Inventory[id]); pos.ClassOf(err) == pos.NotFound {
			out = append(out, Finding{Key: key + ".inventory." + id, Detail: "pos." + s.POS + " has no ticket group " + s.Inventory[id]})
		} else if err != nil {
			out = append(out, bad(key+".inventory."+id, err, "see what is said of pos."+s.POS))
		}
	}
	if src.API == nil {
		return append(out, Finding{Key: key, OK: true, Detail: "takes webhooks; without an api nothing can be read again, accepted or swept"})
	}
	// A poll is all reading; of a provider that lists no changes it asks for the order that nobody has.
	err := src.API.Poll(ctx, activities.PollAsk{Since: time.Now().Add(-time.Minute), Open: func(_ context.Context, each func(_, _ string) error) error {
		return each(nobody, nobody)
	}}, func([]byte) error { return errEnough })
	if err != nil && !errors.Is(err, errEnough) {
		return append(out, bad(key+".api", err, sourceAdvice(key+".api", provider.ClassOf(err))))
	}
	can := []string{"takes our credentials; reads orders"}
	if src.API.Accept != nil {
		can = append(can, "accepts and rejects them")
	}
	if src.Policy.Confirm {
		can = append(can, "each is read before it is invoiced")
	}
	return append(out, Finding{Key: key + ".api", OK: true, Detail: strings.Join(can, ", ")})
}

func sourceAdvice(key, class string) string {
	switch class {
	case provider.Unauthorized:
		return "look at the credentials in " + key
	case provider.RateLimited:
		return "it takes no more calls now: check again later, or lower " + key + ".per_second"
	case provider.Invalid:
		return "it does not take the question as it is: look at the settings in " + key
	}
	return "look at " + key + ".url, and whether the provider can be reached from here"
}

func bad(key string, err error, todo string) Finding {
	return Finding{Key: key, Detail: fmt.Sprintf("%v: %s", err, todo)}
}
