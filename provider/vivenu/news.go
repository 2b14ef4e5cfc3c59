package vivenu

import (
	"willcall/order"
	"willcall/provider"
	"willcall/provider/wire"
)

// checkout reads the id alone: a checkout says nothing that its transaction does not say more surely, and must not be
// delivered for. The transaction that has it among its names notes that it came.
func (m *message) checkout() error {
	m.sale()
	id, err := m.identify("checkout")
	m.out.Concern = checkoutRef + id
	if err != nil {
		m.out.Concern = ""
	}
	return err
}

// customer reads the id alone; see [Customer].
func (m *message) customer() error {
	id, err := m.identify("customer")
	if err != nil {
		return err
	}
	m.out.About = provider.About{Kind: provider.AboutCustomer, ID: id}
	return nil
}

func (m *message) identify(name string) (string, error) {
	var o identified
	if !m.data.object(name, &o) {
		return "", provider.Malformed("data."+name, "want an object")
	}
	if o.ID.ID() == "" {
		return "", provider.Malformed("data."+name+"._id", "want an id")
	}
	return o.ID.ID(), nil
}

// show reads a performance. A date that cannot be read is one that is not known yet.
func (m *message) show() error {
	id, err := m.identify("event")
	if err != nil {
		return err
	}
	var s show
	m.data.object("event", &s)
	m.out.About = provider.About{Kind: provider.AboutEvent, ID: id}
	m.event.News = &order.News{ShowID: id, Name: wire.Cut(s.Name.Text), Off: m.rule.typ == eventDeleted}
	m.event.News.StartsAt, _ = s.Start.Moment()
	return nil
}

// support reads a case that vivenu's own support has passed on to us. One that names no transaction is answered where it
// lies, by people.
func (m *message) support() error {
	id, err := m.identify("support")
	if err != nil {
		return err
	}
	var s support
	m.data.object("support", &s)
	if !s.TransactionID.Given() {
		m.out.Disposition = provider.Recorded
		return nil
	}
	m.sale()
	if m.out.OrderID = s.TransactionID.ID(); m.out.OrderID == "" {
		return provider.Malformed("data.support.transactionId", "want an id")
	}
	m.event.Case = id
	return nil
}
