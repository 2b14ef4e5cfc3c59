package pos

import (
	"slices"
	"time"
	"unicode/utf8"
)

// maxText is how long a key, a reference or a reason may be. 255 is the shortest limit on a reference that a
// known POS documents.
const maxText = 255

func checkOp(what string, op Op) error {
	if err := checkKey(what, op.Key); err != nil {
		return err
	}
	return checkRef(what, op.Ref)
}

func checkKey(what, key string) error {
	if key == "" || len(key) > maxText || !printable(key) {
		return &Error{Class: Invalid, Op: what, Message: "the key is empty, too long or not printable ASCII"}
	}
	return nil
}

func checkRef(what, ref string) error {
	if ref == "" || len(ref) > maxText || !utf8.ValidString(ref) {
		return &Error{Class: Invalid, Op: what, Message: "the reference is empty, too long or not UTF-8"}
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (in InvoiceInput) check(what string) error {
	invalid := func(message string) error { return &Error{Class: Invalid, Op: what, Message: message} }
	if in.CustomerID == "" {
		return invalid("the invoice has no customer")
	}
	if len(in.Lines) == 0 {
		return invalid("the invoice has no lines")
	}
	for _, l := range in.Lines {
		if l.InventoryID == "" {
			return invalid("a line names no group")
		}
		if len(l.TicketIDs) != 0 && len(l.TicketIDs) != l.Quantity {
			return invalid("a line names more or fewer tickets than it sells")
		}
		if message := checkLine(l.Quantity, l.Total); message != "" {
			return invalid(message)
		}
	}
	return nil
}

func (in PurchaseInput) check(what string) error {
	invalid := func(message string) error { return &Error{Class: Invalid, Op: what, Message: message} }
	if in.Vendor.Name == "" {
		return invalid("the purchase order has no vendor")
	}
	if len(in.Lines) == 0 {
		return invalid("the purchase order has no lines")
	}
	for _, l := range in.Lines {
		if l.Event.Name == "" {
			return invalid("a line names no event")
		}
		if message := checkLine(l.Quantity, l.Total); message != "" {
			return invalid(message)
		}
	}
	return nil
}

func checkLine(quantity int, total Money) string {
	if quantity < 1 {
		return "a line sells no tickets"
	}
	if _, err := total.Amount(); err != nil || total.Minor < 0 {
		return "a line's total is negative or has no currency"
	}
	return ""
}

// sameContent reports whether got is the sale that in asks for: the customer, and the live lines in any order, for a part of the
// sale may have been voided. Payment, delivery, descriptions and the marketplace's number change in the POS and are not compared;
// tickets are only where the input names them and the POS sells single seats.
func (in InvoiceInput) sameContent(got Invoice, seats bool) bool {
	left, all := unmatched(in.Lines, got.live(), seats)
	return in.CustomerID == got.CustomerID && all && len(left) == 0
}

// sameContent reports whether got is the purchase that in asks for: the vendor, and the lines in any order.
// What the input leaves open (vendor id, seats, start of the event) the POS may have filled in.
func (in PurchaseInput) sameContent(got PurchaseOrder) bool {
	if in.Vendor.ID != "" && in.Vendor.ID != got.Vendor.ID ||
		in.Vendor.ID == "" && in.Vendor.Name != got.Vendor.Name || len(in.Lines) != len(got.Lines) {
		return false
	}
	// Lines that say more choose first.
	want := slices.Clone(in.Lines)
	slices.SortStableFunc(want, func(a, b PurchaseLine) int { return b.said() - a.said() })
	left := slices.Clone(got.Lines)
	for _, w := range want {
		i := slices.IndexFunc(left, func(g PurchaseLine) bool {
			return w.Event.Name == g.Event.Name && (w.Event.StartsAt.IsZero() || sameInstant(w.Event.StartsAt, g.Event.StartsAt)) &&
				w.Section == g.Section && w.Row == g.Row && w.Quantity == g.Quantity && w.Total == g.Total &&
				(len(w.Seats) == 0 || sameSet(w.Seats, g.Seats))
		})
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

// said counts what a line pins down.
func (l PurchaseLine) said() int {
	n := 2 * min(len(l.Seats), 1)
	if !l.Event.StartsAt.IsZero() {
		n++
	}
	return n
}

// sameInstant compares to the second: a POS need not keep more.
func sameInstant(a, b time.Time) bool {
	return a.Truncate(time.Second).Equal(b.Truncate(time.Second))
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
