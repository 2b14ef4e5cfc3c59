package tevo

import (
	"cmp"
	"slices"
	"strings"

	"willcall/order"
	"willcall/provider/wire"
)

// known lists the values of state, seller_state and buyer_state (public: listOrders of the PHP client, Orders/Show),
// those that begin with "canceled" excepted: see canceled.
var known = map[string]bool{
	"":                     true, // says nothing
	"pending":              true, // the seller's move
	"open":                 true, // the buyer's fraud review; the seller cannot see the order yet
	"pending_substitution": true, // the seller rejected; the buyer looks for other tickets
	"pending_consignment":  true, // the seller's move
	"accepted":             true,
	"rejected":             true,
	"completed":            true,
	"cancel_proposed":      true, // one side wants out, and the other has not agreed
}

// canceled reports whether w is one of canceled, canceled_open, canceled_post_acceptance, also in the spelling of 2012.
func canceled(w string) bool {
	return strings.HasPrefix(w, "canceled") || strings.HasPrefix(w, "cancelled")
}

// standing says where an order body stands as seen from our side, and the first of its state words that we do not
// know. Each party has a state of its own beside the common one:
//
//   - canceled in the common state or in ours is a cancellation; in the other party's alone it is their proposal, and so
//     is ours while the common state still says "cancel_proposed": an invoice must not be voided before both agreed.
//   - The seller's state decides about acceptance, for it is the seller who accepts.
//   - pending_substitution tells a seller that the order went elsewhere, and a buyer to wait.
func (b *body) standing(kind order.Kind) (s order.Status, unknown string) {
	state, own, other := b.State.Word(), b.SellerState.Word(), b.BuyerState.Word()
	if kind == order.Purchase {
		own, other = other, own
	}
	for _, w := range []string{state, own, other} {
		if !known[w] && !canceled(w) && unknown == "" {
			unknown = wire.Cut(w)
		}
	}
	is := func(word string, among ...string) bool { return slices.Contains(among, word) }
	seller := cmp.Or(b.SellerState.Word(), state)
	switch {
	case state == "" && own == "" && other == "":
		return "", unknown
	case canceled(state), canceled(own) && state != "cancel_proposed":
		return order.StatusCancelled, unknown
	case kind == order.Purchase && b.substituting():
		return order.StatusPending, unknown
	case is("rejected", state, own, seller), b.substituting():
		return order.StatusRejected, unknown
	case is("cancel_proposed", state, own, other), canceled(own), canceled(other), other == "rejected":
		return order.StatusCancelProposed, unknown
	case is("completed", state, own):
		return order.StatusCompleted, unknown
	case is("accepted", seller), is("completed", seller):
		return order.StatusAccepted, unknown
	}
	return order.StatusPending, unknown
}

// substituting reports whether the seller has refused and the buyer looks for other tickets.
func (b *body) substituting() bool {
	const w = "pending_substitution"
	return b.State.Word() == w || b.SellerState.Word() == w || b.BuyerState.Word() == w
}

// over reports whether the status is news that must get through whatever else is wrong with the document.
func over(s order.Status) bool {
	return s == order.StatusCancelled || s == order.StatusRejected || s == order.StatusCancelProposed
}

// rank orders statuses by how much they bind us.
func rank(s order.Status) int {
	switch s {
	case order.StatusCancelled:
		return 6
	case order.StatusRejected:
		return 5
	case order.StatusCancelProposed:
		return 4
	case order.StatusCompleted:
		return 3
	case order.StatusAccepted:
		return 2
	case order.StatusPending:
		return 1
	}
	return 0
}

// agree joins what the event type says with what the body says. The stronger counts, except where the body is more exact:
// "order canceled" may announce a proposal, and "order rejected" a search for a substitute.
func agree(byType, byBody order.Status, substituted bool) order.Status {
	switch {
	case byType == order.StatusCancelled && byBody == order.StatusCancelProposed,
		byType == order.StatusRejected && substituted:
		return byBody
	case rank(byType) > rank(byBody):
		return byType
	}
	return byBody
}
