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
	Key    string `json:"key"` // of the configuration: "pos.main", "sources.tevo.api"
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // what it can do, or what is wrong and what to do about it
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
	for _, name := range slices.Sorted(maps.Keys(adapters)) {
		f := checkPOS(ctx, "pos."+name, adapters[name])
		if f.OK {
			f.Detail += tells(name, o.Config.POS[name])
		}
		out = append(out, f)
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		out = append(out, checkSource(ctx, "sources."+name, o.Config.Sources[name], sources[name])...)
	}
	return out, ctx.Err()
}

func checkPOS(ctx context.Context, key string, a pos.Adapter) Finding {
	if err := a.Ping(ctx); err != nil {
		return bad(key, err, posAdvice(key, pos.ClassOf(err)))
	}
	caps, err := a.Capabilities(ctx)
	if err == nil {
		// Health and capabilities may be told to anybody; a record is not.
		if _, err = a.GetInvoice(ctx, nobody); pos.ClassOf(err) == pos.NotFound {
			err = nil
		}
	}
	if err != nil {
		return bad(key, err, posAdvice(key, pos.ClassOf(err)))
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
		return Finding{Key: key, Detail: "cannot find " + strings.Join(lacks, ", nor ") + ". See what its settings say about searches."}
	}
	return Finding{Key: key, OK: true, Detail: "takes our credentials; " + able(caps)}
}

func able(c pos.Capabilities) string {
	out := []string{"sells whole groups"}
	if c.SellsSeats {
		out[0] = "sells seats"
	}
	for _, x := range []struct {
		has  bool
		what string
	}{{c.NativeKey, "knows repeated writes by their key"}, {c.UpdateCustomers, "changes customers"}, {c.Holds, "holds seats"}, {c.TicketUpload, "takes ticket files"},
		{c.ReadDeliveries, "tells what is there for buyers"}, {c.VoidLines, "voids single lines"}, {c.FulfillPurchases, "takes tickets of purchases"}} {
		if x.has {
			out = append(out, x.what)
		}
	}
	if c.SettleDelay > 0 {
		out = append(out, "searches lag by "+c.SettleDelay.String())
	}
	return strings.Join(out, ", ")
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
