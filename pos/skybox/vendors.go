package skybox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"willcall/pos"
)

type vendorBody struct {
	ID                    json.Number  `json:"id,omitempty"`
	AccountID             json.Number  `json:"accountId,omitempty"`
	Email                 string       `json:"email"`
	DisplayName           string       `json:"displayName"`
	Type                  string       `json:"type"`
	PaymentMethod         string       `json:"paymentMethod"`
	PurchaseTerm          string       `json:"purchaseTerm"`
	DefaultDeliveryMethod string       `json:"defaultDeliveryMethod"`
	Address               *addressBody `json:"address,omitempty"`
	Deleted               bool         `json:"deleted,omitempty"`
}

// vendorNote begins the last line of the internal notes of a purchase that [Config.VendorID] stands in for: whom it was really from.
const vendorNote = "vendor: "

// vendor finds the SkyBox vendor of a purchase: by its id, else the oldest of exactly this name, else the one that stands in for all
// others, else one that it creates. A vendor that is created twice is cheap, a purchase that is booked twice is not.
func (c *Client) vendor(ctx context.Context, op string, v pos.Vendor) (string, error) {
	if v.ID != "" {
		if !isID(v.ID) {
			return "", unknownID(op, "a vendor")
		}
		return v.ID, nil
	}
	if v.Name == "" {
		return "", invalid(op, "the purchase order has no vendor")
	}
	id, err := c.findVendor(ctx, op, v.Name)
	if err != nil || id != "" {
		return id, err
	}
	if c.cfg.VendorID != "" {
		return c.cfg.VendorID, nil
	}
	if c.cfg.VendorEmail == "" {
		return "", invalid(op, "SkyBox does not know the vendor, and neither one to stand in (Config.VendorID) nor what a new one needs "+
			"(Config.VendorEmail) is set")
	}
	select {
	case c.adding <- struct{}{}:
		defer func() { <-c.adding }()
	case <-ctx.Done():
		return "", &pos.Error{Class: pos.Transient, Op: op, Message: "stopped before the request", Err: ctx.Err()}
	}
	// Another purchase may have created it while this one waited.
	if id, err := c.findVendor(ctx, op, v.Name); err != nil || id != "" {
		return id, err
	}
	return c.addVendor(ctx, op, v.Name)
}

// findVendor returns the oldest vendor of a name, or "" (SkyBox OpenAPI 1.0.0, vendors, search).
func (c *Client) findVendor(ctx context.Context, op, name string) (string, error) {
	c.mu.Lock()
	made := c.made[name]
	c.mu.Unlock()
	if made != "" {
		return made, nil
	}
	records, err := c.search(ctx, op, "/vendors", url.Values{"displayName": {name}})
	if err != nil {
		return "", err
	}
	oldest := ""
	for _, r := range records {
		var b vendorBody
		if err := decode(r, &b); err != nil {
			return "", call{op: op, method: http.MethodGet}.unfit(err)
		}
		id := b.ID.String()
		if b.DisplayName == name && !b.Deleted && (oldest == "" || len(id) < len(oldest) || len(id) == len(oldest) && id < oldest) {
			oldest = id
		}
	}
	return oldest, nil
}

// maxVendors is how many names are remembered of each kind; beyond that they are asked for again.
const maxVendors = 1000

func remember(m map[string]string, key, value string) {
	if len(m) >= maxVendors {
		clear(m)
	}
	m[key] = value
}

// addVendor creates a vendor (SkyBox OpenAPI 1.0.0, vendors, insert: its declared answer is a list). An answer that is lost is
// [pos.OutcomeUnknown]: the next attempt finds the vendor.
func (c *Client) addVendor(ctx context.Context, op, name string) (string, error) {
	k := call{op: op, method: http.MethodPost, path: "/vendors", body: vendorBody{
		AccountID:             c.account,
		Email:                 c.cfg.VendorEmail,
		DisplayName:           name,
		Type:                  c.cfg.VendorType,
		PaymentMethod:         c.cfg.PurchaseMethod,
		PurchaseTerm:          c.cfg.PurchaseTerm,
		DefaultDeliveryMethod: c.cfg.DeliveryMethod,
		Address:               c.address(""),
	}}
	body, err := c.do(ctx, k)
	if err != nil {
		return "", err
	}
	record, err := one(body)
	if err != nil {
		return "", k.unfit(err)
	}
	id, err := idOf(record)
	if err != nil {
		return "", k.unfit(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	remember(c.made, name, id)
	remember(c.vendors, id, name)
	return id, nil
}

// vendorName asks for the name of a vendor, once: purchases name their vendors by id only.
func (c *Client) vendorName(ctx context.Context, op, id string) (string, error) {
	c.mu.Lock()
	name := c.vendors[id]
	c.mu.Unlock()
	if name != "" {
		return name, nil
	}
	var b vendorBody
	if err := c.get(ctx, op, "/vendors/"+id, &b); err != nil {
		return "", lost(err)
	}
	if b.ID.String() != id || b.DisplayName == "" {
		return "", call{op: op, method: http.MethodGet}.unfit(errors.New("a vendor is another, or has no name"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	remember(c.vendors, id, b.DisplayName)
	return b.DisplayName, nil
}
