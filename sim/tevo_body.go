package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object. encoding/json writes its keys sorted, so equal orders are equal bytes.
type object = map[string]any

// Body is the order as Orders/Show answers it and as webhooks about orders carry it: every key of the order_created
// sample in "Order Notifications (Webhooks)", with that sample's types or, by Variant, those of the other samples.
//
// The shape of buyer and client for a Client sale is an assumption: the document has no sample of one; the one
// published before it (2012) has client {id, name, url, email_addresses, phone_numbers}. That isPO tells the
// buyer's copy of an order from the seller's is an assumption too.
func (o TEvoOrder) Body() map[string]any {
	o = o.filled()
	b := object{
		"id": o.id(o.ID), "oid": o.OID(), "url": "/orders/" + o.ID,
		"state": o.State, "seller_state": o.SellerState, "buyer_state": o.BuyerState,
		"created_at": stamp(o.CreatedAt), "updated_at": stamp(o.UpdatedAt),
		"order_type": "direct", "patron_type": o.BuyerType, "isPO": o.Purchase,
		"partner": false, "consignment": false, "spec": false, "spec_fulfilled": false, "oth_created": false,
		"seller_is_pos": false, "is_new_inventory": false,
		"was_auto_pended": nil, "was_auto_accepted": nil, "was_auto_canceled": nil,
		"seller_rejection_reason": orNull(o.RejectionReason), "seller_rejection_notes": nil,
		"seller_cancellation_reason": nil, "seller_cancellation_notes": nil,
		"buyer_rejection_reason": nil, "buyer_rejection_notes": nil,
		"buyer_cancellation_reason": orNull(o.CancellationReason), "buyer_cancellation_notes": nil,
		"kount_score": nil, "kount_status": nil, "kount_notifications": nil, "kount_transactions": nil,
		"minfraud_response": nil, "created_by_ip_address": nil,
		"substitutions": []any{}, "substitute_order_link_id": nil, "child_orders": []any{}, "notes": []any{},
		"reference": nil, "instructions": orNull(o.Instructions), "shipping_address": nil,
		"created_by": object{
			"type": "UserCredential", "label": "Token 1372882898", "office_id": 1752, "brokerage_id": 11752,
		},
		"billing_address": address("NY", "Millbrook", 8506),
		"buyer":           o.buyer(), "client": o.client(), "seller": o.seller(), "placer": o.placer(),
		"shipment_snapshot": o.shipmentSnapshots(),
		"shipments":         o.shipmentList(),
		"items":             o.itemList(),
	}
	maps.Copy(b, o.money())
	if o.Fraud != "" {
		b["fraud_check_status"] = o.Fraud
	} else if o.Variant&8 != 0 {
		b["fraud_check_status"] = nil
	}
	return b
}

// money follows the two samples: an order that is pending has total "0.0" and owes pending_balance, one that
// was accepted has its total and a payment. Only the items tell the price in both.
func (o TEvoOrder) money() object {
	sum := decimal(o.AmountMinor())
	m := object{
		"subtotal": "0.0", "total": "0.0", "balance": "0.0", "pending_balance": sum,
		"tax": "0.0", "shipping": "0.0", "service_fee": "0.0", "discount": "0.0", "refunded": "0.0", "additional_expense": "0.0",
		"fee":           decimal(o.AmountMinor() * 3 / 100),
		"returns_total": json.Number("0.0"), "penalties_total": json.Number("0.0"),
		"pending_non_refund_payments_total": 0, "completed_non_refund_payments_total": 0,
		"payments": []any{},
	}
	if o.State != tevoAccepted && o.State != tevoCompleted && o.State != tevoCanceledAfter {
		return m
	}
	m["subtotal"], m["total"], m["balance"], m["pending_balance"] = sum, sum, sum, "0.0"
	m["completed_non_refund_payments_total"] = sum
	at := stamp(o.CreatedAt.Add(4 * time.Second))
	m["payments"] = []any{object{
		"id": o.id(o.derivedID(80)), "type": "evopay", "state": "completed", "amount": sum, "is_refund": false,
		"created_at": at, "updated_at": at, "url": "/payments/" + o.derivedID(80), "order_link_id": o.id(o.ID),
		"credit_card": nil, "check_number": nil, "performed_by": nil, "refunded_from_id": nil,
		"credit_memo_id": nil, "payment_for_credit_memo_id": nil,
		"cvv_response": "", "cvv_response_code": "", "avs_response": "", "avs_response_code": "",
		"avs_street_address_response": "", "avs_street_address_response_code": "",
		"avs_postal_code_response": "", "avs_postal_code_response_code": "",
	}}
	return m
}

func (o TEvoOrder) buyer() object {
	if o.BuyerType == "Client" {
		c := o.client().(object)
		c["type"] = "Client"
		c["email_address"] = o.BuyerEmail
		c["phone"] = o.BuyerPhone
		return c
	}
	return o.office(o.BuyerID, "Main Office", o.BuyerName, o.BuyerEmail, o.BuyerPhone)
}

func (o TEvoOrder) client() any {
	if o.BuyerType != "Client" {
		return nil
	}
	return object{
		"id": o.id(o.BuyerID), "name": o.BuyerName, "url": "/clients/" + o.BuyerID,
		"email_addresses": []any{object{"id": o.id(o.BuyerID + "1"), "label": nil, "address": o.BuyerEmail}},
		"phone_numbers":   []any{object{"id": o.id(o.BuyerID + "2"), "label": nil, "country_code": "+1", "extension": nil, "number": o.BuyerPhone}},
	}
}

func (o TEvoOrder) seller() object {
	if o.Purchase {
		return o.office(otherOfficeID, "Main Office", brokerNames[0], "office5120@example.com", "201-555-0177")
	}
	return o.office(ourOfficeID, "Main Office", ourOfficeName, "sales@harborlane.example.com", "201-555-0150")
}

func (o TEvoOrder) office(id, name, brokerage, email, phone string) object {
	return object{
		"type": "Office", "id": o.id(id), "url": "/offices/" + id, "name": name, "email_address": email, "phone": phone,
		"pcc_code": nil, "evopay": true, "address": address("OH", "Lakeside", 7509),
		"brokerage": brokerageOf("1"+id, brokerage, email, id == tevoOfficeID),
	}
}

func brokerageOf(id, name, email string, master bool) object {
	return object{
		"id": number(id), "created_at": "2010-08-06T19:28:41Z", "updated_at": "2016-06-01T14:38:08Z", "url": "/brokerages/" + id,
		"abbreviation": strings.Fields(name)[0], "name": name, "email": email, "master": master, "natb_member": true,
	}
}

func (o TEvoOrder) placer() object {
	return object{
		"id": 2335, "url": "/users/2335", "name": "T. Placer", "email": "placer@example.com",
		"created_at": "2013-07-03T20:21:38Z", "updated_at": "2016-06-01T14:33:49Z",
		"phone":     object{"extension": nil, "number": "201-555-0133"},
		"office":    o.office("1752", "Core", "Core Tickets", "core@example.com", "201-555-0133"),
		"brokerage": brokerageOf("11752", "Core Tickets", "core@example.com", false),
	}
}

func address(region, locality string, id int) object {
	return object{
		"id": id, "region": region, "locality": locality, "street_address": "1 Sample Street", "extended_address": nil,
		"country_code": "US", "postal_code": "00001", "label": nil, "latitude": nil, "longitude": nil,
		"po_box": false, "primary": false,
	}
}

// id writes an order's own ids: numbers in the samples, strings with Variant bit 2.
func (o TEvoOrder) id(s string) any {
	if o.Variant&4 != 0 {
		return s
	}
	return number(s)
}

// groupID writes ids inside a ticket group: strings in the samples, numbers with Variant bit 2.
func (o TEvoOrder) groupID(s string) any {
	if o.Variant&4 != 0 {
		return number(s)
	}
	return s
}

func (o TEvoOrder) flag(b bool) any {
	if o.Variant&1 != 0 {
		return b
	}
	return strconv.FormatBool(b)
}

// null is the empty value where the sample has null, blank where it has "".
func (o TEvoOrder) null() any {
	if o.Variant&2 != 0 {
		return ""
	}
	return nil
}

func (o TEvoOrder) blank() any {
	if o.Variant&2 != 0 {
		return nil
	}
	return ""
}

// number is s as a JSON number if it is one.
func number(s string) any {
	if _, err := strconv.ParseInt(s, 10, 64); err != nil || (len(s) > 1 && s[0] == '0') {
		return s
	}
	return json.Number(s)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// stamp is a time as Ticket Evolution writes it: whole seconds, Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// decimal writes cents as the samples do: at least one decimal and no trailing zero beyond it ("27.0", "1.62").
func decimal(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	s := fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
	return strings.TrimSuffix(s, "0")
}
