package sim

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// FormContentType is the content type of every webhook of Ticket Evolution.
const FormContentType = "application/x-www-form-urlencoded"

// Webhook is the order as one webhook tells it: a form with order_group_id, recipient, event_type and body
// ("Order Notifications (Webhooks)", Description). The body is the order, its shipment or its first item, as the
// event type wants. Use [TEvoOrder.ItemWebhook] for another item.
func (o TEvoOrder) Webhook(recipient, eventType string) (contentType string, body []byte) {
	return o.ItemWebhook(0, recipient, eventType)
}

// ItemWebhook is Webhook about item i. For event types that are not about an item it is the same.
func (o TEvoOrder) ItemWebhook(i int, recipient, eventType string) (contentType string, body []byte) {
	o = o.filled()
	var about object
	switch {
	case strings.HasPrefix(eventType, "airbill_"), strings.HasPrefix(eventType, "delivery_"):
		about = o.ShipmentBody()
	case eventType == "etickets_finalized", eventType == "in-hand_updated":
		about = o.ItemBody(i)
	default:
		about = o.Body()
	}
	text, err := json.Marshal(about)
	if err != nil {
		panic(fmt.Sprintf("sim: order is not JSON: %v", err))
	}
	form := url.Values{"order_group_id": {o.GroupID}, "recipient": {recipient}, "event_type": {eventType}, "body": {string(text)}}
	return FormContentType, []byte(form.Encode())
}

// ShipmentBody is the body of webhooks about a shipment, as in the airbill_uploaded and delivery_updated samples.
func (o TEvoOrder) ShipmentBody() map[string]any {
	o = o.filled()
	items := make([]any, len(o.Items))
	for i, it := range o.Items {
		group := o.groupInShipment(it)
		for _, k := range []string{"section", "row", "seats", "external_notes"} {
			delete(group, k)
		}
		group["url"], group["retail_price"], group["quantity"] = "/ticket_groups/"+it.TicketGroupID, nil, nil
		event := group["event"].(object)
		event["event_tbd"], event["url"] = nil, "/events/"+o.EventID
		event["venue"].(object)["url"] = "/venues/" + o.VenueID
		items[i] = object{
			"id": o.id(it.OrderItemID), "order_item_link_id": o.id(it.ID), "quantity": it.Quantity,
			"price": decimal(it.PriceMinor), "ticket_group": group,
		}
	}
	airbill, carrier := o.blank(), any(nil)
	if o.AirbillURL != "" {
		airbill, carrier = o.AirbillURL, "fedex"
	}
	return object{
		"id": o.id(o.ShipmentID), "url": "/shipment/" + o.ShipmentID, "order": object{"id": o.id(o.ID), "url": "/orders/" + o.ID},
		"type": o.Delivery, "state": "pending", "available": o.AirbillURL != "", "airbill": airbill, "carrier": carrier,
		"tracking_number": orNull(o.Tracking), "service_type": "LEAST_EXPENSIVE", "service_type_display": "",
		"created_at": stamp(o.CreatedAt), "updated_at": stamp(o.UpdatedAt), "cost": "0.0",
		"email_address": object{
			"id": o.id(o.derivedID(81)), "address": o.BuyerEmail, "label": nil, "url": nil, "updated_at": stamp(o.UpdatedAt),
		},
		"phone_number": nil, "broker_phone_number": nil, "address": nil, "courier_company": nil, "signature_type": "",
		"ship_to_name": nil, "ship_to_company_name": nil, "name": nil, "notes": nil, "residential": nil,
		"shipment_snapshot": o.shipmentSnapshot(), "items": items,
	}
}

// ItemBody is the body of webhooks about item i. Assumption: the item as it stands in the order; the stored
// documents name order_id and id in it, and a url of the form /orders/{order}/items/{order item}.
func (o TEvoOrder) ItemBody(i int) map[string]any {
	o = o.filled()
	it := o.Items[min(max(i, 0), len(o.Items)-1)]
	b := o.item(it)
	b["url"] = "/orders/" + o.ID + "/items/" + it.OrderItemID
	return b
}

func (o TEvoOrder) itemList() []any {
	list := make([]any, len(o.Items))
	for i, it := range o.Items {
		list[i] = o.item(it)
	}
	return list
}

func (o TEvoOrder) item(it TEvoItem) object {
	finalized, pages := any(nil), any(nil)
	if it.Finalized {
		finalized, pages = stamp(o.UpdatedAt), it.Quantity
	}
	var done any
	if it.Finalized {
		done = true
	}
	return object{
		"id": o.id(it.ID), "order_item_link_id": o.id(it.ID), "order_item_id": o.id(it.OrderItemID), "order_id": o.id(o.ID),
		"quantity": it.Quantity, "price": decimal(it.PriceMinor), "cost": o.blank(), "seats": []any{},
		"created_at": stamp(o.CreatedAt), "updated_at": stamp(o.UpdatedAt),
		"needs_sub": false, "has_spec_tickets": false, "needs_eticket": !it.Finalized, "eticket_delivery": o.Delivery == "Eticket",
		"eticket_available": it.Finalized, "eticket_finalized": done, "eticket_finalized_at": finalized,
		"eticket_updated_at": finalized, "eticket_pdf_pages": pages, "eticket_file_size": nil, "eticket_thumbnails": []any{},
		"eticket_downloaded_at": o.null(), "eticket_downloaded_by": nil,
		"ticket_group": o.group(it),
	}
}

func (o TEvoOrder) group(it TEvoItem) object {
	tickets, seats := make([]any, it.Quantity), []any{}
	for i := range tickets {
		var seat any
		if i < len(it.Seats) {
			seat = it.Seats[i]
			seats = append(seats, number(it.Seats[i]))
		}
		tickets[i] = object{"purchase_order_id": nil, "seat": seat}
	}
	office, brokerage, name := o.sellerOffice()
	event := o.event()
	event["url"] = "/events/" + o.EventID
	return object{
		"id": o.groupID(it.TicketGroupID), "remote_id": it.RemoteID, "url": "/ticket_groups/" + it.TicketGroupID,
		"quantity": it.Quantity, "tickets": tickets, "seats": seats, "section": it.Section, "row": it.Row,
		"wholesale_price": decimal(it.PriceMinor), "retail_price": decimal(it.PriceMinor),
		"in_hand": o.flag(!it.NotInHand), "in_hand_on": it.InHandOn, "format": o.Delivery, "instant_delivery": o.Delivery == "Eticket",
		"external_notes": "Simulated.", "office_id": o.groupID(office), "office_name": "Main Office",
		"brokerage_id": o.groupID(brokerage), "brokerage_name": name, "event": event,
	}
}

// groupInShipment is the shorter ticket group that shipments carry; unknown seats are nulls there, not [].
func (o TEvoOrder) groupInShipment(it TEvoItem) object {
	office, _, _ := o.sellerOffice()
	seats := make([]any, it.Quantity)
	for i := range seats {
		if i < len(it.Seats) {
			seats[i] = it.Seats[i]
		}
	}
	return object{
		"id": o.groupID(it.TicketGroupID), "remote_id": it.RemoteID, "quantity": it.Quantity, "section": it.Section, "row": it.Row,
		"seats": seats, "wholesale_price": decimal(it.PriceMinor), "retail_price": decimal(it.PriceMinor),
		"external_notes": "Simulated.", "office_id": o.groupID(office), "event": o.event(),
	}
}

func (o TEvoOrder) event() object {
	return object{
		"id": o.groupID(o.EventID), "name": o.EventName, "occurs_at": stamp(o.OccursAt),
		"venue": object{
			"id": o.groupID(o.VenueID), "name": o.VenueName, "address": object{"region": o.Region, "locality": o.Locality},
		},
	}
}

func (o TEvoOrder) shipmentSnapshot() object {
	return object{
		"id": o.id(o.ShipmentID), "type": o.Delivery, "email_address": o.BuyerEmail, "name": nil, "company": nil,
		"region": nil, "street_address": nil, "extended_address": nil, "country_code": nil, "locality": nil, "postal_code": nil,
		"label": nil, "available": nil, "carrier": nil, "po_box": nil, "phone_number": nil,
	}
}

func (o TEvoOrder) shipmentInOrder() object {
	items := make([]any, len(o.Items))
	for i, it := range o.Items {
		items[i] = object{
			"id": o.id(it.OrderItemID), "quantity": it.Quantity, "price": decimal(it.PriceMinor),
			"eticket_available": it.Finalized, "eticket_delivery": o.Delivery == "Eticket",
			"eticket_downloaded_at": o.blank(), "eticket_downloaded_by": nil,
			"updated_at": stamp(o.UpdatedAt), "ticket_group": o.groupInShipment(it),
		}
	}
	airbill := any("/airbills/original/missing.png")
	if o.AirbillURL != "" {
		airbill = o.AirbillURL
	}
	return object{
		"id": o.id(o.ShipmentID), "url": "/shipments/" + o.ShipmentID, "type": o.Delivery, "state": "pending", "airbill": airbill,
		"available": o.AirbillURL != "", "tracking_number": orNull(o.Tracking), "tracking_url": nil, "carrier": nil,
		"service_type": "LEAST_EXPENSIVE", "service_type_display": nil, "signature_type": "", "cost": "0.0",
		"courier_company": nil, "phone_number": nil, "name": nil, "ship_to_name": nil, "ship_to_company_name": nil,
		"updated_at": stamp(o.UpdatedAt), "shipment_snapshot": o.shipmentSnapshot(), "items": items,
	}
}
