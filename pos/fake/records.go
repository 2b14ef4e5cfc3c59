package fake

import (
	"context"
	"slices"
	"strings"

	"willcall/pos"
)

// FindCustomers matches an e-mail address without regard to letter case, and a telephone number exactly.
func (p *POS) FindCustomers(ctx context.Context, q pos.CustomerQuery) ([]pos.Customer, error) {
	var hits []pos.Customer
	err := p.read(ctx, FindCustomers, func() error {
		if !p.opts.Capabilities.SearchCustomers {
			return refusal(FindCustomers, pos.Unsupported, "customers cannot be searched")
		}
		for _, c := range p.state.Customers {
			if p.visible(c.ID) && (q.Email == "" || strings.EqualFold(c.Email, q.Email)) && (q.Phone == "" || c.Phone == q.Phone) {
				hits = append(hits, c)
			}
		}
		return nil
	})
	return hits, err
}

// CreateCustomer adds a customer; two may share an e-mail address.
func (p *POS) CreateCustomer(ctx context.Context, op pos.Op, in pos.CustomerInput) (pos.Customer, error) {
	return write(p, ctx, CreateCustomer, op.Key, fingerprint(CreateCustomer, in), func() (pos.Customer, error) {
		id, at := p.born("c_")
		c := pos.Customer{
			ID: id, Name: in.Name, Email: in.Email, Phone: in.Phone, Company: in.Company, Kind: in.Kind, CreatedAt: at,
		}
		p.state.Customers = append(p.state.Customers, c)
		return c, nil
	})
}

// UpdateCustomer replaces what is known of a customer but its kind.
func (p *POS) UpdateCustomer(ctx context.Context, op pos.Op, id string, in pos.CustomerInput) (pos.Customer, error) {
	return write(p, ctx, UpdateCustomer, "", "", func() (pos.Customer, error) {
		if !p.opts.Capabilities.UpdateCustomers {
			return pos.Customer{}, refusal(UpdateCustomer, pos.Unsupported, "customers cannot be changed")
		}
		for i := range p.state.Customers {
			if c := &p.state.Customers[i]; c.ID == id {
				c.Name, c.Email, c.Phone, c.Company = in.Name, in.Email, in.Phone, in.Company
				return *c, nil
			}
		}
		return pos.Customer{}, refusal(UpdateCustomer, pos.NotFound, "no such customer")
	})
}

// FindInvoices returns the invoices of one reference that searches see already.
func (p *POS) FindInvoices(ctx context.Context, ref string) ([]pos.Invoice, error) {
	var hits []pos.Invoice
	err := p.read(ctx, FindInvoices, func() error {
		if !p.opts.Capabilities.SearchInvoices {
			return refusal(FindInvoices, pos.Unsupported, "invoices cannot be searched")
		}
		for _, i := range p.state.Invoices {
			if i.Ref == ref && p.visible(i.ID) {
				hits = append(hits, copyInvoice(i))
			}
		}
		return nil
	})
	return hits, err
}

// GetInvoice returns one invoice, at once after it was written.
func (p *POS) GetInvoice(ctx context.Context, id string) (pos.Invoice, error) {
	var hit pos.Invoice
	err := p.read(ctx, GetInvoice, func() error {
		i := p.invoice(id)
		if i == nil {
			return refusal(GetInvoice, pos.NotFound, "no such invoice")
		}
		hit = copyInvoice(*i)
		return nil
	})
	return hit, err
}

// CreateInvoice sells seats.
func (p *POS) CreateInvoice(ctx context.Context, op pos.Op, in pos.InvoiceInput) (pos.Invoice, error) {
	first := true
	return write(p, ctx, CreateInvoice, op.Key, fingerprint(CreateInvoice, op.Ref, in), func() (pos.Invoice, error) {
		again := !first
		first = false
		if !slices.ContainsFunc(p.state.Customers, func(c pos.Customer) bool { return c.ID == in.CustomerID }) {
			return pos.Invoice{}, refusal(CreateInvoice, pos.NotFound, "no such customer")
		}
		if !again && !p.opts.DuplicateRefs && slices.ContainsFunc(p.state.Invoices, func(i pos.Invoice) bool { return i.Ref == op.Ref && !i.Voided }) {
			return pos.Invoice{}, refusal(CreateInvoice, pos.ReferenceConflict, "the reference has a live invoice")
		}
		lines := slices.Clone(in.Lines)
		if !again { // a second copy claims the same tickets
			var err error
			if lines, err = p.sellHeld(in); err != nil {
				return pos.Invoice{}, err
			}
		}
		id, at := p.born("i_")
		inv := pos.Invoice{
			ID: id, Ref: op.Ref, CustomerID: in.CustomerID, HoldID: in.HoldID, Lines: lines,
			Payment: orUnpaid(in.Payment), Fulfillment: pos.Pending, CreatedAt: at,
		}
		for i := range inv.Lines {
			inv.Lines[i].ID, _ = p.born("l_")
		}
		p.state.Invoices = append(p.state.Invoices, inv)
		if in.Sale != "" {
			p.sales[inv.ID] = in.Sale
		}
		return copyInvoice(inv), nil
	})
}

// VoidInvoice makes an invoice void and puts its seats back if it is to.
func (p *POS) VoidInvoice(ctx context.Context, op pos.Op, id string, in pos.VoidInput) (pos.Invoice, error) {
	return write(p, ctx, VoidInvoice, "", "", func() (pos.Invoice, error) {
		i := p.invoice(id)
		if i == nil {
			return pos.Invoice{}, refusal(VoidInvoice, pos.NotFound, "no such invoice")
		}
		if !i.Voided {
			i.Voided, i.VoidReason = true, in.Reason
			if in.Restock {
				p.restock(live(i.Lines))
			}
		}
		return copyInvoice(*i), nil
	})
}

// live are the lines that are not void.
func live(lines []pos.InvoiceLine) []pos.InvoiceLine {
	return slices.DeleteFunc(slices.Clone(lines), func(l pos.InvoiceLine) bool { return l.Voided })
}

// VoidInvoiceLines makes lines of an invoice void and puts their seats back if it is to. Without live lines the invoice is void.
func (p *POS) VoidInvoiceLines(ctx context.Context, op pos.Op, id string, lineIDs []string, in pos.VoidInput) (pos.Invoice, error) {
	return writePartly(p, ctx, VoidInvoiceLines, "", "", func(partly bool) (pos.Invoice, error) {
		if !p.opts.Capabilities.VoidLines {
			return pos.Invoice{}, refusal(VoidInvoiceLines, pos.Unsupported, "lines cannot be made void")
		}
		i := p.invoice(id)
		if i == nil {
			return pos.Invoice{}, refusal(VoidInvoiceLines, pos.NotFound, "no such invoice")
		}
		for _, lineID := range lineIDs {
			if !slices.ContainsFunc(i.Lines, func(l pos.InvoiceLine) bool { return l.ID == lineID }) {
				return pos.Invoice{}, refusal(VoidInvoiceLines, pos.NotFound, "no such line")
			}
		}
		if partly {
			lineIDs = lineIDs[:min(1, len(lineIDs))]
		}
		for n := range i.Lines {
			l := &i.Lines[n]
			if i.Voided || l.Voided || !slices.Contains(lineIDs, l.ID) {
				continue
			}
			l.Voided = true
			if in.Restock {
				p.restock([]pos.InvoiceLine{*l})
			}
		}
		if !i.Voided && len(live(i.Lines)) == 0 {
			i.Voided, i.VoidReason = true, in.Reason
		}
		return copyInvoice(*i), nil
	})
}

// SetDeliveries replaces what is there to be given to the buyer of an invoice.
func (p *POS) SetDeliveries(invoiceID string, all ...pos.Delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.supply[invoiceID] = copyDeliveries(all)
}

// GetDeliveries returns what [POS.SetDeliveries] put there.
func (p *POS) GetDeliveries(ctx context.Context, invoiceID string) ([]pos.Delivery, error) {
	var all []pos.Delivery
	err := p.read(ctx, GetDeliveries, func() error {
		switch {
		case !p.opts.Capabilities.ReadDeliveries:
			return refusal(GetDeliveries, pos.Unsupported, "deliveries cannot be read")
		case p.invoice(invoiceID) == nil:
			return refusal(GetDeliveries, pos.NotFound, "no such invoice")
		}
		all = copyDeliveries(p.supply[invoiceID])
		return nil
	})
	return all, err
}

func copyDeliveries(all []pos.Delivery) []pos.Delivery {
	all = slices.Clone(all)
	for i := range all {
		all[i].TicketIDs, all[i].Content = slices.Clone(all[i].TicketIDs), slices.Clone(all[i].Content)
	}
	return all
}

// SetFulfillment replaces an invoice's state of delivery, and its files if there is a list of them.
func (p *POS) SetFulfillment(ctx context.Context, op pos.Op, id string, in pos.FulfillmentInput) (pos.Invoice, error) {
	return write(p, ctx, SetFulfillment, "", "", func() (pos.Invoice, error) {
		if len(in.Files) > 0 && !p.opts.Capabilities.TicketUpload {
			return pos.Invoice{}, refusal(SetFulfillment, pos.Unsupported, "ticket files are not taken")
		}
		i := p.invoice(id)
		switch {
		case i == nil:
			return pos.Invoice{}, refusal(SetFulfillment, pos.NotFound, "no such invoice")
		case i.Voided:
			return pos.Invoice{}, refusal(SetFulfillment, pos.Invalid, "the invoice is void")
		}
		i.Fulfillment = in.State
		if in.Files != nil {
			p.files[id] = slices.Clone(in.Files)
		}
		return copyInvoice(*i), nil
	})
}

// TicketFiles returns the files of an invoice or a purchase order.
func (p *POS) TicketFiles(id string) []pos.TicketFile {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.files[id])
}

// FindPurchaseOrders returns the purchase orders of one reference that searches see already.
func (p *POS) FindPurchaseOrders(ctx context.Context, ref string) ([]pos.PurchaseOrder, error) {
	var hits []pos.PurchaseOrder
	err := p.read(ctx, FindPurchaseOrders, func() error {
		if !p.opts.Capabilities.SearchPurchaseOrders {
			return refusal(FindPurchaseOrders, pos.Unsupported, "purchase orders cannot be searched")
		}
		for _, o := range p.state.PurchaseOrders {
			if o.Ref == ref && p.visible(o.ID) {
				hits = append(hits, copyPurchaseOrder(o))
			}
		}
		return nil
	})
	return hits, err
}

// CreatePurchaseOrder records a purchase, and its vendor if the name is new.
func (p *POS) CreatePurchaseOrder(ctx context.Context, op pos.Op, in pos.PurchaseInput) (pos.PurchaseOrder, error) {
	first := true
	request := fingerprint(CreatePurchaseOrder, op.Ref, in)
	return write(p, ctx, CreatePurchaseOrder, op.Key, request, func() (pos.PurchaseOrder, error) {
		again := !first
		first = false
		if !again && !p.opts.DuplicateRefs && slices.ContainsFunc(p.state.PurchaseOrders, func(o pos.PurchaseOrder) bool { return o.Ref == op.Ref && !o.Voided }) {
			return pos.PurchaseOrder{}, refusal(CreatePurchaseOrder, pos.ReferenceConflict, "the reference has a live purchase order")
		}
		vendor := in.Vendor
		if vendor.ID == "" {
			if p.vendors[vendor.Name] == "" {
				p.vendors[vendor.Name], _ = p.born("v_")
			}
			vendor.ID = p.vendors[vendor.Name]
		}
		id, at := p.born("p_")
		o := pos.PurchaseOrder{
			ID: id, Ref: op.Ref, Vendor: vendor, Payment: orUnpaid(in.Payment), Fulfillment: pos.Pending, CreatedAt: at,
		}
		for _, l := range in.Lines {
			l.ID, _ = p.born("l_")
			l.Seats = slices.Clone(l.Seats)
			o.Lines = append(o.Lines, l)
		}
		p.state.PurchaseOrders = append(p.state.PurchaseOrders, o)
		return copyPurchaseOrder(o), nil
	})
}

// VoidPurchaseOrder makes a purchase order void.
func (p *POS) VoidPurchaseOrder(ctx context.Context, op pos.Op, id string, in pos.VoidInput) (pos.PurchaseOrder, error) {
	return write(p, ctx, VoidPurchaseOrder, "", "", func() (pos.PurchaseOrder, error) {
		for i := range p.state.PurchaseOrders {
			o := &p.state.PurchaseOrders[i]
			if o.ID != id {
				continue
			}
			if !o.Voided {
				o.Voided, o.VoidReason = true, in.Reason
			}
			return copyPurchaseOrder(*o), nil
		}
		return pos.PurchaseOrder{}, refusal(VoidPurchaseOrder, pos.NotFound, "no such purchase order")
	})
}

// FulfillPurchaseOrder replaces a purchase order's state of delivery, and its files if there is a list of them.
func (p *POS) FulfillPurchaseOrder(ctx context.Context, op pos.Op, id string, in pos.FulfillmentInput) (pos.PurchaseOrder, error) {
	return write(p, ctx, FulfillPurchaseOrder, "", "", func() (pos.PurchaseOrder, error) {
		caps := p.opts.Capabilities
		if !caps.FulfillPurchases || len(in.Files) > 0 && !caps.TicketUpload {
			return pos.PurchaseOrder{}, refusal(FulfillPurchaseOrder, pos.Unsupported, "deliveries of purchases, or files, are not taken")
		}
		for i := range p.state.PurchaseOrders {
			o := &p.state.PurchaseOrders[i]
			if o.ID != id {
				continue
			}
			if o.Voided {
				return pos.PurchaseOrder{}, refusal(FulfillPurchaseOrder, pos.Invalid, "the purchase order is void")
			}
			o.Fulfillment = in.State
			if in.Files != nil {
				p.files[id] = slices.Clone(in.Files)
			}
			return copyPurchaseOrder(*o), nil
		}
		return pos.PurchaseOrder{}, refusal(FulfillPurchaseOrder, pos.NotFound, "no such purchase order")
	})
}

// invoice returns the invoice with this id, or nil.
func (p *POS) invoice(id string) *pos.Invoice {
	for i := range p.state.Invoices {
		if p.state.Invoices[i].ID == id {
			return &p.state.Invoices[i]
		}
	}
	return nil
}

// sell takes the tickets of all lines out of the stock, or none.
func (p *POS) sell(want []pos.InvoiceLine) ([]pos.InvoiceLine, error) {
	before := map[string]pos.Inventory{}
	undo := func() {
		for id, g := range before {
			*p.stock[id] = g
		}
	}
	var sold []pos.InvoiceLine
	for _, l := range want {
		g := p.stock[l.InventoryID]
		if g == nil {
			undo()
			return nil, refusal(CreateInvoice, pos.NotFound, "no such group")
		}
		if _, saved := before[g.ID]; !saved {
			c := *g
			c.Tickets = slices.Clone(g.Tickets)
			before[g.ID] = c
		}
		l.TicketIDs = p.pick(g, l)
		if l.TicketIDs == nil {
			undo()
			return nil, refusal(CreateInvoice, pos.Unavailable, "tickets are gone")
		}
		sold = append(sold, l)
	}
	return sold, nil
}

// pick takes the tickets of a line out of a group and names them; nil means that they are not there. A group
// that does not know single seats is only counted.
func (p *POS) pick(g *pos.Inventory, l pos.InvoiceLine) []string {
	picked := []string{}
	if p.opts.Oversell {
		return append(picked, l.TicketIDs...)
	}
	if g.Quantity < l.Quantity {
		return nil
	}
	if p.opts.Capabilities.SellsSeats && g.Tickets != nil {
		for i := range g.Tickets {
			t := &g.Tickets[i]
			wanted := len(l.TicketIDs) == 0 && len(picked) < l.Quantity || slices.Contains(l.TicketIDs, t.ID)
			if wanted && t.Status == pos.Available {
				t.Status = pos.Sold
				picked = append(picked, t.ID)
			}
		}
		if len(picked) < l.Quantity {
			return nil
		}
	}
	g.Quantity -= l.Quantity
	if g.Quantity == 0 {
		g.Status = pos.Depleted
	}
	return picked
}

func (p *POS) restock(lines []pos.InvoiceLine) {
	if p.opts.Oversell {
		return
	}
	for _, l := range lines {
		g := p.stock[l.InventoryID]
		if g == nil { // of a sale that was booked elsewhere
			continue
		}
		g.Quantity += l.Quantity
		g.Status = pos.Available
		for i := range g.Tickets {
			if slices.Contains(l.TicketIDs, g.Tickets[i].ID) {
				g.Tickets[i].Status = pos.Available
			}
		}
	}
}

func orUnpaid(p pos.Payment) pos.Payment {
	if p == "" {
		return pos.Unpaid
	}
	return p
}

func copyInvoice(i pos.Invoice) pos.Invoice {
	i.Lines = slices.Clone(i.Lines)
	for n := range i.Lines {
		i.Lines[n].TicketIDs = slices.Clone(i.Lines[n].TicketIDs)
	}
	return i
}

func copyPurchaseOrder(o pos.PurchaseOrder) pos.PurchaseOrder {
	o.Lines = slices.Clone(o.Lines)
	for n := range o.Lines {
		o.Lines[n].Seats = slices.Clone(o.Lines[n].Seats)
	}
	return o
}
