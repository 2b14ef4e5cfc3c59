package providertest

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"willcall/order"
	"willcall/provider"
)

const (
	most     = 6    // deliveries are tried in every order; of more there are too many orders
	shuffles = 2000 // of more deliveries
)

// EveryOrder decodes and applies the deliveries of one order in every order of arrival, or in a great many where there are too
// many of those, without repetitions and with some. It fails unless each of them is decoded alike whenever it comes, is of the
// same order and side, and the order's facts are the same in the end. It returns the order that got each of them once, as listed.
func EveryOrder(t testing.TB, policy order.Policy, decode Decode, hooks ...provider.Delivery) *order.Order {
	t.Helper()
	var id order.Identity
	wants := make([]provider.Decoded, len(hooks))
	for i, d := range hooks {
		out, err := decode(d)
		if err != nil || out.Event == nil || out.Disposition != provider.Forward {
			t.Fatalf("delivery %d: got %+v, %v; want an event", i, out, err)
		}
		if about := out.About != (provider.About{}); out.OrderID == "" && out.Concern == "" && !about || out.Kind == "" && !about {
			t.Fatalf("delivery %d: got %+v; want an order and a side, or what else it is about", i, out)
		}
		if id.ProviderOrderID != "" && out.OrderID != "" && id.ProviderOrderID != out.OrderID || id.Kind != "" && out.Kind != "" && id.Kind != out.Kind {
			t.Fatalf("delivery %d: got %s %s; want %s %s", i, out.Kind, out.OrderID, id.Kind, id.ProviderOrderID)
		}
		if out.OrderID != "" {
			id.ProviderOrderID = out.OrderID
		}
		if out.Kind != "" {
			id.Kind = out.Kind
		}
		wants[i] = out
	}
	var first *order.Order
	var want string
	Arrivals(len(hooks), func(arrival []int) {
		o := order.New(id, policy)
		for _, i := range arrival {
			out, err := decode(hooks[i])
			if err != nil || !reflect.DeepEqual(out, wants[i]) {
				t.Fatalf("order %v: delivery %d: got %s, %v\nwant %s", arrival, i, Marshal(t, out), err, Marshal(t, wants[i]))
			}
			o.Apply(*out.Event)
		}
		got := Marshal(t, o.Facts)
		if first == nil {
			first, want = o, got
		}
		if got != want {
			t.Fatalf("order %v: got facts\n%s\nwant\n%s", arrival, got, want)
		}
	})
	return first
}

// Arrivals calls f with the orders in which n deliveries can arrive, the sorted one first: each permutation of up to six, alone,
// with repetitions in between, and with some in the end; of more, shuffles of a fixed seed with up to three repetitions.
func Arrivals(n int, f func(arrival []int)) {
	if n > most {
		f(sorted(n))
		random := rand.New(rand.NewPCG(1, 2))
		for range shuffles {
			arrival := random.Perm(n)
			for range random.IntN(4) {
				arrival = slices.Insert(arrival, random.IntN(len(arrival)+1), random.IntN(n))
			}
			f(arrival)
		}
		return
	}
	Permutations(n, func(perm []int) {
		f(perm)
		var twice []int
		for k, i := range perm {
			twice = append(twice, i, perm[k/2])
		}
		f(twice)
		f(append(slices.Clone(perm), perm[0], perm[n/2]))
	})
}

// Permutations calls f with every permutation of 0 to n-1, the sorted one first.
func Permutations(n int, f func(perm []int)) {
	var rec func(perm, left []int)
	rec = func(perm, left []int) {
		if len(left) == 0 {
			f(perm)
		}
		for k, i := range left {
			rec(append(slices.Clip(perm), i), slices.Delete(slices.Clone(left), k, k+1))
		}
	}
	rec(nil, sorted(n))
}

func sorted(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}
