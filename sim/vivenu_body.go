package sim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
)

// vivenuShapes has one whole object of each kind, with the keys and the types of the document's examples and invented values.
//
//go:embed vivenu_shapes.json
var vivenuShapes []byte

var vivenuShapeTexts = sync.OnceValue(func() map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(vivenuShapes, &m); err != nil {
		panic(fmt.Sprintf("sim: vivenu_shapes.json: %v", err))
	}
	return m
})

// vivenuShape is a fresh object of this kind.
func vivenuShape(kind string) object {
	var o object
	if err := json.Unmarshal(vivenuShapeTexts()[kind], &o); err != nil {
		panic(fmt.Sprintf("sim: vivenu_shapes.json: %s: %v", kind, err))
	}
	return o
}

// vivenuBody lays what is known over the shape. The keys in none do not apply: they are null or, by variant, missing.
func vivenuBody(kind string, variant int, known object, none ...string) object {
	b := vivenuShape(kind)
	for _, k := range none {
		b[k] = nil
	}
	maps.Copy(b, known)
	if variant&1 != 0 {
		maps.DeleteFunc(b, func(_ string, v any) bool { return v == nil })
	}
	return b
}

// fees is no fee at all, in the shape of the samples.
func fees(key string) object {
	return object{"_id": vivenuID("fees", key), "fix": []any{}, "var": []any{}}
}

// The keys of the sample that an online sale without vouchers, discounts or a POS has no use for.
var (
	noneOfTransaction = []string{
		"cancellationFee", "userId", "posId", "posInfo", "vouchers", "redeemedVouchers", "appliedCoupons", "appliedDiscountGroups",
		"posDiscounts", "appliedDiscountInfo", "coupons", "cancellationReason", "deliveryAddress",
	}
	noneOfTicket = []string{
		"posId", "slotId", "triggeredBy", "expiresAt", "batch", "batchCounter", "customMessage", "excludedEventIds", "originTicketId",
		"seat", "seatingInfo",
	}
	noneOfCheckout = []string{"redeemedVouchers", "posId", "userId", "deliveryAddress"}
	noneOfIntent   = []string{"rejectionReason", "transactionId", "outcome", "deliveryAddress", "vouchers", "deposit", "restrictedCompletion"}
)

// Body is the transaction as GET /api/transactions/{id} answers it and as webhooks about it carry it: every key of the
// document's transaction.complete example.
func (t VivenuTransaction) Body() map[string]any {
	t = t.filled()
	items, lines := []any{}, []any{}
	for _, it := range t.Tickets {
		if it.OriginID != "" {
			continue
		}
		item := object{
			"cartItemId": it.CartItemID, "type": "ticket", "name": it.Name, "price": vivenuAmount(it.PriceMinor), "taxRate": 0.19,
			"origin": object{"fee": nil}, "cancellationFee": nil, "refundId": nil, "cancelledAt": nil,
		}
		if it.canceled() {
			item["cancelledAt"] = vivenuStamp(it.CanceledAt)
			if t.RefundMinor > 0 {
				item["refundId"] = vivenuID("refund", t.ID, vivenuStamp(it.CanceledAt))
			}
		} else if t.Variant&1 != 0 {
			delete(item, "cancelledAt")
			delete(item, "refundId")
		}
		items = append(items, item)
		lines = append(lines, it.line())
	}
	sum := vivenuAmount(t.TicketsMinor())
	known := object{
		"_id": t.ID, "sellerId": t.SellerID, "customerId": t.Buyer.CustomerID, "eventId": t.Event.ID, "company": t.Buyer.Company,
		"name": t.Buyer.name(), "prename": t.Buyer.FirstName, "lastname": t.Buyer.LastName, "email": t.Buyer.Email,
		"tickets": lines, "products": []any{}, "additionalItems": []any{}, "currency": t.Currency,
		"regularPrice": sum, "realPrice": vivenuAmount(t.AmountMinor()), "paymentCharge": 0, "innerCharge": 0,
		"outerCharge": vivenuAmount(t.ChargeMinor), "innerFeeComponents": fees("inner" + t.ID), "outerFeeComponents": fees("outer" + t.ID),
		"cancellationInfo": object{"cancellableItems": items},
		"createdAt":        vivenuStamp(t.CreatedAt), "updatedAt": vivenuStamp(t.UpdatedAt), "status": t.Status,
		"paymentMethod": t.PaymentMethod, "paymentInfoMethod": t.PaymentMethod, "paymentStatus": t.PaymentStatus, "origin": t.Origin,
		"history": history(t.History), "historyEntries": historyEntries(t.History),
		"secret": t.Secret, "channel": "online", "extraFields": object{},
	}
	if t.CancellationReason != "" {
		known["cancellationReason"] = t.CancellationReason
	}
	return vivenuBody("transaction", t.Variant, known, noneOfTransaction...)
}

// history is the older of a transaction's two lists of what happened to it.
func history(entries []VivenuEntry) []any {
	list := []any{}
	for i, e := range entries {
		line := e.line(i)
		line["type"], line["title"], line["message"] = "YOURTICKET", e.Type, e.Type
		list = append(list, line)
	}
	return list
}

func historyEntries(entries []VivenuEntry) []any {
	list := []any{}
	for i, e := range entries {
		line := e.line(i)
		line["userId"], line["data"] = nil, object{}
		list = append(list, line)
	}
	return list
}

func (e VivenuEntry) line(i int) object {
	id := vivenuID("history", vivenuStamp(e.At), e.Type, strconv.Itoa(i))
	return object{"_id": id, "date": vivenuStamp(e.At), "type": e.Type, "risk": "NEUTRAL"}
}

// line is the ticket as carts have it: what is bought, before it is a ticket.
func (t VivenuTicket) line() object {
	price := vivenuAmount(t.PriceMinor)
	return object{
		"type": "ticket", "_id": t.CartItemID, "name": t.Name, "amount": 1, "price": price, "netPrice": float64(t.PriceMinor*100/119) / 100,
		"taxRate": 0.19, "triggeredBy": nil, "bundleInfo": nil, "ticketTypeId": t.TypeID, "categoryRef": vivenuID("category", t.Section),
		"seatingInfo": t.seating(), "asHardTicket": false, "triggeredAutomations": false, "meta": object{},
	}
}

func (t VivenuTicket) seating() any {
	if t.Section == "" {
		return nil
	}
	return object{
		"_id": vivenuID("seating", t.ID), "_type": 6, "categoryId": vivenuID("category", t.Section), "statusId": vivenuID("seat", t.ID),
		"name": t.Seat, "seatType": "normal", "sectionName": t.Section, "groupName": "", "rowName": t.Row, "seatName": t.Seat, "gate": "A",
	}
}

// TicketBodies is the transaction's tickets as GET /api/transactions/{id}/tickets lists them and as its webhooks carry them.
func (t VivenuTransaction) TicketBodies() []any {
	t = t.filled()
	list := []any{}
	for i := range t.Tickets {
		list = append(list, t.TicketBody(i))
	}
	return list
}

// TicketBody is ticket i, with every key of the document's ticket.created example. A ticket that replaces another names
// that, and no transaction.
func (t VivenuTransaction) TicketBody(i int) map[string]any {
	t = t.filled()
	it := t.Tickets[min(max(i, 0), len(t.Tickets)-1)]
	known := object{
		"_id": it.ID, "sellerId": t.SellerID, "company": t.Buyer.Company, "email": t.Buyer.Email, "name": t.Buyer.name(),
		"firstname": t.Buyer.FirstName, "lastname": t.Buyer.LastName, "eventId": t.Event.ID, "rootEventId": t.Event.ID,
		"transactionId": t.ID, "categoryRef": vivenuID("category", it.Section), "categoryName": it.Section, "ticketTypeId": it.TypeID,
		"cartItemId": it.CartItemID, "ticketName": it.Name, "currency": t.Currency, "regularPrice": vivenuAmount(it.PriceMinor),
		"realPrice": vivenuAmount(it.PriceMinor), "completed": t.Status == vivenuComplete || t.Status == vivenuCanceled,
		"createdAt": vivenuStamp(t.CreatedAt), "updatedAt": vivenuStamp(it.UpdatedAt), "status": it.Status, "secret": it.Secret,
		"barcode": it.Barcode, "origin": t.Origin, "extraFields": object{}, "deliveryType": "VIRTUAL", "readyForDelivery": true,
		"entryPermissions": []any{}, "customerId": t.Buyer.CustomerID, "history": []any{}, "personalized": false, "__v": 0,
	}
	if it.Section != "" {
		known["seat"], known["seatingInfo"] = it.place(), it.seating()
	}
	b := vivenuBody("ticket", t.Variant, known, noneOfTicket...)
	if it.OriginID != "" {
		b["originTicketId"], b["origin"] = it.OriginID, "transfer"
		delete(b, "transactionId")
	}
	return b
}

// CheckoutBody is the checkout that led to the transaction. It does not name it: that is how the document has it.
func (t VivenuTransaction) CheckoutBody() map[string]any {
	t = t.filled()
	status := "NEW"
	switch t.Status {
	case vivenuComplete, vivenuCanceled:
		status = "COMPLETE"
	case vivenuAborted:
		status = "ABORTED"
	}
	return t.checkout(status)
}

func (t VivenuTransaction) checkout(status string) object {
	kind := "transaction"
	if t.IntentID != "" {
		kind = "purchaseintent"
	}
	b := vivenuBody("checkout", t.Variant, object{
		"_id": t.CheckoutID, "secret": t.CheckoutSecret, "status": status, "type": kind, "company": t.Buyer.Company,
		"firstname": t.Buyer.FirstName, "lastname": t.Buyer.LastName, "name": t.Buyer.name(), "email": t.Buyer.Email, "phone": t.Buyer.Phone,
		"customerId": t.Buyer.CustomerID, "sellerId": t.SellerID, "realPrice": vivenuAmount(t.AmountMinor()), "currency": t.Currency,
		"origin": t.Origin, "channel": "online", "expiresAt": vivenuStamp(t.CreatedAt.AddDate(0, 0, 1)),
		"createdAt": vivenuStamp(t.CreatedAt), "updatedAt": vivenuStamp(t.UpdatedAt), "extraFields": object{},
	}, noneOfCheckout...)
	item := b["items"].([]any)[0].(object)
	for _, k := range []string{"redeemedVouchers", "appliedCoupons", "appliedDiscountInfo", "subscriptionId"} {
		item[k] = nil
	}
	lines := []any{}
	for _, it := range t.Tickets {
		if it.OriginID == "" {
			lines = append(lines, it.line())
		}
	}
	maps.Copy(item, object{
		"_id": vivenuID("checkout item", t.ID), "eventId": t.Event.ID, "regularPrice": vivenuAmount(t.TicketsMinor()),
		"realPrice": vivenuAmount(t.AmountMinor()), "innerFeeComponents": fees("inner" + t.ID), "innerCharge": 0,
		"outerFeeComponents": fees("outer" + t.ID), "outerCharge": vivenuAmount(t.ChargeMinor), "tickets": lines,
		"products": []any{}, "additionalItems": []any{},
	})
	return b
}

// CancellationsBody is what GET /api/transactions/{id}/cancellations answers.
func (t VivenuTransaction) CancellationsBody() map[string]any {
	return t.Body()["cancellationInfo"].(object)
}

// CustomerBody is who bought.
func (t VivenuTransaction) CustomerBody() map[string]any {
	t = t.filled()
	b := vivenuBody("customer", t.Variant, object{
		"_id": t.Buyer.CustomerID, "company": t.Buyer.Company, "name": t.Buyer.name(), "prename": t.Buyer.FirstName,
		"lastname": t.Buyer.LastName, "primaryEmail": t.Buyer.Email, "number": 1000 + spread(t.Buyer.Email)%9000, "phone": t.Buyer.Phone,
		"transactions": []any{t.ID}, "sellerId": t.SellerID, "extraFields": object{}, "tags": []any{}, "blocked": false, "verified": true,
		"createdAt": vivenuStamp(t.CreatedAt), "updatedAt": vivenuStamp(t.UpdatedAt),
	})
	return b
}

// Body is the event, with every key of the document's event.created example.
func (e VivenuEvent) Body() map[string]any {
	e = e.filled(e.UpdatedAt)
	created := e.Start.AddDate(0, 0, -56)
	return vivenuBody("event", 0, object{
		"_id": e.ID, "sellerId": vivenuSellerID, "name": e.Name, "locationName": e.Venue, "locationCity": e.City,
		"start": vivenuStamp(e.Start), "end": vivenuStamp(e.End), "createdAt": vivenuStamp(created), "updatedAt": vivenuStamp(e.UpdatedAt),
		"sellStart": vivenuStamp(created), "sellEnd": vivenuStamp(e.Start), "visibleAfter": vivenuStamp(created),
		"timezone": "Europe/Berlin", "rootId": e.ID, "childEvents": []any{},
	})
}

// transferBody is the transfer of ticket i. Who it goes to is invented.
func (t VivenuTransaction) transferBody(i int, status string) object {
	t = t.filled()
	it := t.Tickets[min(max(i, 0), len(t.Tickets)-1)]
	outcome := []any{}
	for _, next := range t.Tickets {
		if next.OriginID == it.ID && status == "TRANSFERRED" {
			outcome = append(outcome, object{"ticketId": next.ID, "originTicketId": it.ID})
		}
	}
	to := fullName(spread(it.ID))
	return vivenuBody("ticketTransfer", t.Variant, object{
		"_id": vivenuID("transfer", it.ID), "secret": vivenuSecret("transfer", it.ID), "ticketIds": []any{it.ID}, "eventId": t.Event.ID,
		"groupEventId": nil, "sellerId": t.SellerID, "status": status, "origin": "customer",
		"recipient": object{
			"email": strings.ToLower(strings.ReplaceAll(to, " ", ".")) + "@example.com", "phone": "+49 30 5550199", "customerId": vivenuID("customer", to),
		},
		"sender": object{}, "outcome": object{"tickets": outcome},
		"history": []any{object{
			"_id": vivenuID("history", it.ID, status), "date": vivenuStamp(t.UpdatedAt), "userId": nil, "type": strings.ToLower(status),
		}},
		"expiresAt": vivenuStamp(t.Event.Start), "createdAt": vivenuStamp(t.UpdatedAt), "updatedAt": vivenuStamp(t.UpdatedAt),
	})
}

// scanBody is the entry of ticket i. Assumption: a ticket that is not valid is declined.
func (t VivenuTransaction) scanBody(i int) object {
	t = t.filled()
	it := t.Tickets[min(max(i, 0), len(t.Tickets)-1)]
	result := "approved"
	if it.Status != vivenuValid {
		result = "declined"
	}
	return vivenuBody("scan", t.Variant, object{
		"ticketId": it.ID, "time": vivenuStamp(t.UpdatedAt), "eventId": t.Event.ID, "parentEventId": nil, "barcode": it.Barcode,
		"name": t.Buyer.name(), "ticketTypeId": it.TypeID, "ticketName": it.Name, "deviceId": "GATE-1", "type": "checkin",
		"scanResult": result, "sellerId": t.SellerID,
	})
}

// supportBody is a question of the buyer's about the transaction.
func (t VivenuTransaction) supportBody() object {
	t = t.filled()
	return vivenuBody("support", t.Variant, object{
		"_id": vivenuID("support", t.ID), "transactionId": t.ID, "name": t.Buyer.name(), "firstname": t.Buyer.FirstName,
		"lastname": t.Buyer.LastName, "email": t.Buyer.Email, "status": "NEW", "priority": "MEDIUM",
		"messages": []any{object{
			"_id": vivenuID("message", t.ID), "userId": nil, "senderName": t.Buyer.name(), "message": "I cannot open my tickets.",
			"createdAt": vivenuStamp(t.UpdatedAt),
		}},
		"secret": vivenuSecret("support", t.ID), "assignee": nil, "assignedToSeller": true, "lastInteraction": vivenuStamp(t.UpdatedAt),
		"sellerId": t.SellerID, "createdAt": vivenuStamp(t.UpdatedAt), "updatedAt": vivenuStamp(t.UpdatedAt),
	})
}

// jobBody is a job in a status. Jobs, bundles and products have nothing to do with a transaction; its seller has them.
func (t VivenuTransaction) jobBody(status string) object {
	t = t.filled()
	b := object{
		"_id": vivenuID("job", t.ID), "sellerId": t.SellerID, "title": "Invalidate tickets", "status": status,
		"runAfter": vivenuStamp(t.CreatedAt), "startedAt": vivenuStamp(t.UpdatedAt), "finishedAt": nil,
	}
	if status != "RUNNING" {
		b["finishedAt"] = vivenuStamp(t.UpdatedAt)
	}
	return vivenuBody("job", t.Variant, b)
}

func (t VivenuTransaction) catalogueBody(kind string) object {
	t = t.filled()
	return vivenuBody(kind, t.Variant, object{
		"_id": vivenuID(kind, t.SellerID), "name": "Programme", "sellerId": t.SellerID,
		"createdAt": vivenuStamp(t.CreatedAt), "updatedAt": vivenuStamp(t.UpdatedAt),
	})
}

// Body is the intent as GET /api/purchaseintents/{id} answers it and as its webhooks carry it: every key of the document's
// purchaseIntent.created example.
func (p VivenuIntent) Body() map[string]any {
	p = p.filled()
	lines, sum := []any{}, int64(0)
	for _, it := range p.Tickets {
		lines, sum = append(lines, it.line()), sum+it.PriceMinor
	}
	known := object{
		"_id": p.ID, "status": p.Status, "approvalStatus": p.ApprovalStatus, "company": p.Buyer.Company, "firstname": p.Buyer.FirstName,
		"lastname": p.Buyer.LastName, "name": p.Buyer.name(), "email": p.Buyer.Email, "customerId": p.Buyer.CustomerID,
		"sellerId": p.SellerID, "eventId": p.Event.ID, "regularPrice": vivenuAmount(sum), "realPrice": vivenuAmount(sum),
		"currency": p.Currency, "innerFeeComponents": []any{}, "innerCharge": 0, "outerFeeComponents": []any{}, "outerCharge": 0,
		"appliedCoupons": []any{}, "tickets": lines, "products": []any{}, "additionalItems": []any{}, "extraFields": object{},
		"expiresAt": vivenuStamp(p.ExpiresAt), "secret": p.Secret, "cancellationStrategy": p.Strategy, "meta": object{},
		"history": historyEntries(p.History), "createdAt": vivenuStamp(p.CreatedAt), "updatedAt": vivenuStamp(p.UpdatedAt), "__v": 0,
	}
	if p.RejectionReason != "" {
		known["rejectionReason"] = p.RejectionReason
	}
	if p.TransactionID != "" {
		known["transactionId"], known["outcome"] = p.TransactionID, object{"checkoutId": p.CheckoutID}
	}
	return vivenuBody("purchaseIntent", p.Variant, known, noneOfIntent...)
}
