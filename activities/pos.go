package activities

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
	"willcall/provider"
)

// CreateInvoice finds or creates the buyer's customer and books the sale, each exactly once. The two are one activity
// because they cost six events fewer than apart; they are two operations, so that either is found done when the other
// must be tried again.
func (a *Activities) CreateInvoice(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		done, err := a.createInvoice(ctx, s, src)
		if err == nil && s.Look && slices.Contains(done.Can, order.CanReadDeliveries) {
			done.Event = a.glance(ctx, s, src, done.Ref)
		}
		return done, err
	})
}

// glance looks for tickets of the invoice that are there already, for a sale that is too near its event to wait for the next look.
// That one comes all the same, so nothing is lost where this finds nothing out.
func (a *Activities) glance(ctx context.Context, s Step, src Source, invoice string) *order.Event {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // the attempt must end with what it has done
	defer cancel()
	held, err := a.held(ctx, src, invoice, s.Lines)
	if err != nil || len(held.Lines) == 0 {
		return nil
	}
	e, err := a.storeSupply(ctx, src, s.Order, held, postgres.ViaReread)
	if err != nil {
		return nil
	}
	return e
}

func (a *Activities) createInvoice(ctx context.Context, s Step, src Source) (Done, error) {
	lines, err := InvoiceLines(s.Lines)
	if err != nil {
		return Done{}, err
	}
	body, err := a.document(ctx, s)
	if err != nil {
		return Done{}, err
	}
	buyer, err := src.Buyer(body)
	if err != nil {
		return Done{}, err
	}
	if src.CustomerID != "" && strings.TrimSpace(buyer.Email) == "" && digits(buyer.Phone) == "" {
		return a.invoice(ctx, s, src, src.CustomerID, lines)
	}
	customer, err := a.customer(ctx, s, src, buyer, "")
	if err != nil {
		return Done{}, err
	}
	done, err := a.invoice(ctx, s, src, customer, lines)
	if class, _ := classify(err); err == nil || class != pos.NotFound {
		return done, err
	}
	// Customers are merged and deleted in a POS by people. If that is what is missing, the buyer gets a new one.
	fresh, again := a.customer(ctx, s, src, buyer, customer)
	if again != nil {
		return done, errors.Join(err, again)
	}
	return a.invoice(ctx, s, src, fresh, lines)
}

func (a *Activities) invoice(ctx context.Context, s Step, src Source, customer string, lines []pos.InvoiceLine) (Done, error) {
	return once(ctx, a, a.operation(s, src), func(ctx context.Context, attempt int) (Done, error) {
		can, err := abilities(ctx, src.POS) // before the write, behind which a failure would lose them
		if err != nil {
			return Done{}, err
		}
		in := pos.InvoiceInput{CustomerID: customer, Lines: lines, Payment: payment(s), Sale: src.sale(s)}
		if len(s.Holds) == 1 && len(lines) == 1 {
			in.HoldID = s.Holds[0]
		}
		op := pos.Op{Key: s.key(), Ref: s.ref()}
		inv, booked, err := pos.EnsureInvoice(ctx, src.POS, op, in, pos.Options{Attempt: attempt})
		if class := pos.ClassOf(err); in.HoldID != "" && (class == pos.NotFound || class == pos.Unavailable) {
			in.HoldID, op.Key = "", op.Key+"/unheld" // it may have run out, and the tickets are for sale all the same
			inv, booked, err = pos.EnsureInvoice(ctx, src.POS, op, in, pos.Options{Attempt: attempt})
		}
		if err != nil {
			return Done{}, err
		}
		if booked {
			a.Metrics.invoiced(s.Order.Source, time.Since(s.Received))
		}
		return Done{Ref: inv.ID, Customer: customer, Amount: s.Total, Lines: ids(s.Lines), Can: can}, nil
	})
}

// sale is the number under which other tools may have booked the order.
func (s Source) sale(of Step) string {
	if s.Sale == nil {
		return of.Order.ProviderOrderID
	}
	return s.Sale(of.Order, of.APIID)
}

// abilities are what a POS can do beyond what every one can, sorted.
func abilities(ctx context.Context, adapter pos.Adapter) (can []order.Ability, err error) {
	caps, err := adapter.Capabilities(ctx)
	for ability, has := range map[order.Ability]bool{
		order.CanReadDeliveries: caps.ReadDeliveries, order.CanVoidLines: caps.VoidLines,
		order.CanTakeFiles: caps.TicketUpload, order.CanFulfillPurchases: caps.FulfillPurchases,
	} {
		if has && err == nil {
			can = append(can, ability)
		}
	}
	slices.Sort(can)
	return can, err
}

// payment is what the invoice says of the money: that it is there, if the buyer has paid the provider.
func payment(s Step) pos.Payment {
	if s.Paid {
		return pos.Paid
	}
	return pos.Unpaid
}

func ids(lines []order.Line) (out []string) {
	for _, l := range lines {
		out = append(out, l.ID)
	}
	return out
}

// VoidInvoice voids every invoice that bears the order's reference, also one whose creation had no answer, and the one that is
// known to be the order's, whether a search still finds it or not. There may be none.
func (a *Activities) VoidInvoice(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, attempt int) (Done, error) {
			if err := a.DB.NoneUnderWay(ctx, s.Order.ID, string(order.DoInvoice), string(order.DoCredit)); err != nil {
				return Done{}, err
			}
			op, in := pos.Op{Key: s.key(), Ref: s.ref()}, s.voiding()
			if s.Adopted && s.Invoice != "" { // not ours by its reference, which an operator may have overlooked
				inv, err := pos.VoidInvoiceByID(ctx, src.POS, op, s.Invoice, in)
				return Done{Ref: inv.ID}, err
			}
			voided, _, err := pos.VoidInvoiceByRef(ctx, src.POS, op, in, pos.Options{Attempt: attempt})
			var ids []string
			for _, inv := range voided {
				ids = append(ids, inv.ID)
			}
			if err == nil && s.Invoice != "" && !slices.Contains(ids, s.Invoice) {
				var inv pos.Invoice
				if inv, err = pos.VoidInvoiceByID(ctx, src.POS, op, s.Invoice, in); err == nil {
					ids = append(ids, inv.ID)
				} else if pos.ClassOf(err) == pos.NotFound {
					err = nil // neither by reference nor by id: somebody has removed it
				}
			}
			return Done{Ref: strings.Join(ids, ",")}, err
		})
	})
}

// CreditInvoice makes the lines of the invoice s.Invoice void that are not of s.Lines, which are the order's lines that are left.
func (a *Activities) CreditInvoice(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		keep, err := InvoiceLines(s.Lines)
		if err != nil {
			return Done{}, err
		}
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, _ int) (Done, error) {
			inv, err := pos.KeepInvoiceLines(ctx, src.POS, pos.Op{Key: s.key(), Ref: s.ref()}, s.Invoice, keep, s.voiding())
			return Done{Ref: inv.ID, Amount: s.Total, Lines: ids(s.Lines)}, err
		})
	})
}

// CreatePurchaseOrder records a purchase of ours, exactly once.
func (a *Activities) CreatePurchaseOrder(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		body, err := a.document(ctx, s)
		if err != nil {
			return Done{}, err
		}
		seller, err := src.Seller(body)
		if err != nil {
			return Done{}, err
		}
		in := pos.PurchaseInput{Vendor: pos.Vendor{Name: seller.Name}}
		for _, l := range s.Lines {
			in.Lines = append(in.Lines, pos.PurchaseLine{
				Event:   pos.Event{Name: s.Show.Name, StartsAt: s.Show.StartsAt},
				Section: l.Section, Row: l.Row, Seats: l.Seats, Quantity: l.Quantity, Total: pos.Money(l.Amount()),
			})
		}
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, attempt int) (Done, error) {
			can, err := abilities(ctx, src.POS)
			if err != nil {
				return Done{}, err
			}
			po, _, err := pos.EnsurePurchaseOrder(ctx, src.POS, pos.Op{Key: s.key(), Ref: s.ref()}, in, pos.Options{Attempt: attempt})
			return Done{Ref: po.ID, Amount: s.Total, Can: can}, err
		})
	})
}

// VoidPurchaseOrder voids every purchase order that bears the order's reference; there may be none.
func (a *Activities) VoidPurchaseOrder(ctx context.Context, s Step) (Done, error) {
	return a.step(ctx, s, func(ctx context.Context, src Source) (Done, error) {
		return once(ctx, a, a.operation(s, src), func(ctx context.Context, attempt int) (Done, error) {
			_, _, err := pos.VoidPurchaseOrderByRef(ctx, src.POS, pos.Op{Key: s.key(), Ref: s.ref()},
				pos.VoidInput{Ref: s.ref(), Reason: s.Reason}, pos.Options{Attempt: attempt})
			return Done{}, err
		})
	})
}

// step wraps what every activity that leaves the house has in common: the source, the metrics, the log, the mapping of errors.
func (a *Activities) step(ctx context.Context, s Step, do func(context.Context, Source) (Done, error)) (Done, error) {
	begun := time.Now()
	src, err := a.source(s.Order.Source)
	var done Done
	if err == nil {
		done, err = do(pos.WithCorrelation(ctx, s.Order.ID), src)
	}
	outcome := "done"
	if err != nil {
		class, _ := classify(err)
		outcome = string(class)
		if errors.Is(err, context.Canceled) {
			outcome = "stopped"
		}
		a.log(s).Warn("step did not succeed", "outcome", outcome, "error", toTemporal(err))
	} else {
		a.log(s).Info("step done", "ref", done.Ref)
	}
	a.Metrics.step(s.Order.Source, s.ID.Do(), outcome, time.Since(begun))
	return done, toTemporal(err)
}

func (a *Activities) operation(s Step, src Source) postgres.Operation {
	return postgres.Operation{Key: s.key(), OrderID: s.Order.ID, Do: string(s.ID.Do()), Adapter: src.POSName, Ref: s.ref()}
}

// document reads the stored webhook that describes the order.
func (a *Activities) document(ctx context.Context, s Step) ([]byte, error) {
	w, err := a.DB.Webhook(ctx, s.Document)
	if errors.Is(err, postgres.ErrNotFound) {
		return nil, &pos.Error{Class: pos.Invalid, Op: "read the order's document", Message: "webhook " + s.Document + " is not stored any more"}
	}
	return w.Body, err
}

// customer finds or creates the buyer in the POS. Its operation is keyed by who the buyer is, not by the order: two orders
// of one new buyer at once wait for each other, and create one customer. gone names a customer that was the buyer and that
// the POS does not know any more; finding its successor is an intent of its own, and is remembered for later orders.
func (a *Activities) customer(ctx context.Context, s Step, src Source, buyer provider.Buyer, gone string) (string, error) {
	identity, err := identify(s.Order.Provider, buyer)
	if err != nil {
		return "", err
	}
	first := "customer/" + src.POSName + "/" + identity
	key := first
	if gone != "" {
		key += "/after/" + gone
	}
	op := postgres.Operation{Key: key, OrderID: s.Order.ID, Do: "customer", Adapter: src.POSName}
	done, err := once(ctx, a, op, func(ctx context.Context, attempt int) (Done, error) {
		if gone != "" {
			attempt = 0 // search first: it may be there after all
		}
		c, created, err := pos.EnsureCustomer(ctx, src.POS, pos.Op{Key: key}, customerInput(buyer), pos.Options{Attempt: attempt})
		if err != nil {
			return Done{}, err
		}
		a.Metrics.customer(s.Order.Source, created)
		return Done{Customer: c.ID}, nil
	})
	if err == nil && gone != "" {
		err = a.DB.ReviseOperation(ctx, first, done)
	}
	if err == nil && src.Customer != nil && buyer.ID != "" {
		err = a.DB.LinkCustomer(ctx, src.POSName, src.Kind, buyer.ID, done.Customer) // for news of the buyer
	}
	return done.Customer, err
}

// identify gives a digest of what tells a buyer from others: the e-mail address, else the telephone number, else the
// provider's own id of the buyer. It is a digest because keys are shown to operators.
func identify(providerName string, b provider.Buyer) (string, error) {
	var who string
	switch phone := digits(b.Phone); {
	case strings.TrimSpace(b.Email) != "":
		who = "email:" + strings.ToLower(strings.TrimSpace(b.Email))
	case phone != "":
		who = "phone:" + phone
	case b.ID != "":
		who = providerName + ":" + string(b.Class) + ":" + b.ID
	default:
		return "", &pos.Error{Class: pos.Invalid, Op: "find the customer", Message: "the order's document names neither e-mail, telephone nor id of the buyer"}
	}
	sum := sha256.Sum256([]byte(who))
	return hex.EncodeToString(sum[:16]), nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

func customerInput(b provider.Buyer) pos.CustomerInput {
	kind, name := pos.Retail, cmp.Or(b.Name, b.Company)
	if b.Class == order.Office {
		kind, name = pos.Broker, cmp.Or(b.Company, b.Name) // an office's own name is often "Main Office"
	}
	return pos.CustomerInput{Name: name, Email: strings.TrimSpace(b.Email), Phone: b.Phone, Company: b.Company, Kind: kind}
}

// InvoiceLines are the lines of an order as they are invoiced, one for one. It returns [pos.Invalid] for a line that names no ticket group.
func InvoiceLines(lines []order.Line) ([]pos.InvoiceLine, error) {
	var out []pos.InvoiceLine
	for _, l := range lines {
		if l.Inventory == "" {
			return nil, &pos.Error{Class: pos.Invalid, Op: "create invoice",
				Message: fmt.Sprintf("line %s names no ticket group of the POS; list the tickets from the POS, or invoice by hand", l.ID)}
		}
		out = append(out, pos.InvoiceLine{InventoryID: l.Inventory, Quantity: l.Quantity, Total: pos.Money(l.Amount()),
			Description: strings.TrimSpace("Section " + l.Section + " Row " + l.Row)})
	}
	return out, nil
}
