package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
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

// ShipmentBody is the body of webhooks about a shipment, the order's first, as in the airbill_uploaded and delivery_updated
// samples.
func (o TEvoOrder) ShipmentBody() map[string]any {
	o = o.filled()
	return o.shipmentBody(o.parcels()[0])
}

func (o TEvoOrder) shipmentBody(sh TEvoShipment) object {
	items := []any{}
	for _, it := range o.Items {
		if !slices.Contains(sh.Items, it.OrderItemID) {
			continue
		}
		group := o.groupInShipment(it)
		for _, k := range []string{"section", "row", "seats", "external_notes"} {
			delete(group, k)
		}
		group["url"], group["retail_price"], group["quantity"] = "/ticket_groups/"+it.TicketGroupID, nil, nil
		event := group["event"].(object)
		event["event_tbd"], event["url"] = nil, "/events/"+o.EventID
		event["venue"].(object)["url"] = "/venues/" + o.VenueID
		items = append(items, object{
			"id": o.id(it.OrderItemID), "order_item_link_id": o.id(it.ID), "quantity": it.Quantity,
			"price": decimal(it.PriceMinor), "ticket_group": group,
		})
	}
	airbill, carrier := o.blank(), any(nil)
	if o.AirbillURL != "" {
		airbill, carrier = o.AirbillURL, "fedex"
	}
	return object{
		"id": o.id(sh.ID), "url": "/shipment/" + sh.ID, "order": object{"id": o.id(o.ID), "url": "/orders/" + o.ID},
		"type": sh.Type, "state": sh.State, "available": o.AirbillURL != "", "airbill": airbill, "carrier": carrier,
		"tracking_number": orNull(o.Tracking), "service_type": "LEAST_EXPENSIVE", "service_type_display": "",
		"created_at": stamp(o.CreatedAt), "updated_at": stamp(o.UpdatedAt), "cost": "0.0",
		"email_address": object{
			"id": o.id(o.derivedID(81)), "address": o.BuyerEmail, "label": nil, "url": nil, "updated_at": stamp(o.UpdatedAt),
		},
		"phone_number": nil, "broker_phone_number": nil, "address": nil, "courier_company": nil, "signature_type": "",
		"ship_to_name": nil, "ship_to_company_name": nil, "name": nil, "notes": nil, "residential": nil,
		"shipment_snapshot": o.shipmentSnapshot(sh), "items": items,
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
	updated, size := any(nil), any(nil)
	var done any
	if it.Finalized {
		at := cmp.Or(it.FinalizedAt, o.UpdatedAt)
		finalized, updated, pages, done = stamp(at), stamp(at), it.Quantity, true
		if len(it.Kept) > 0 {
			pages = len(it.Kept)
		}
	} else if len(it.Uploaded) > 0 && !o.hideUploads {
		updated, pages, size = stamp(o.UpdatedAt), len(it.Uploaded), 1000*len(it.Uploaded)
	}
	downloaded := o.null()
	if !it.DownloadedAt.IsZero() {
		downloaded = stamp(it.DownloadedAt)
	}
	eticket := o.way(it.OrderItemID) == "Eticket"
	return object{
		"id": o.id(it.ID), "order_item_link_id": o.id(it.ID), "order_item_id": o.id(it.OrderItemID), "order_id": o.id(o.ID),
		"quantity": it.Quantity, "price": decimal(it.PriceMinor), "cost": o.blank(), "seats": []any{},
		"created_at": stamp(o.CreatedAt), "updated_at": stamp(o.UpdatedAt),
		"needs_sub": false, "has_spec_tickets": false, "needs_eticket": !it.Finalized, "eticket_delivery": eticket,
		"eticket_available": it.Finalized, "eticket_finalized": done, "eticket_finalized_at": finalized,
		"eticket_updated_at": updated, "eticket_pdf_pages": pages, "eticket_file_size": size, "eticket_thumbnails": []any{},
		"eticket_downloaded_at": downloaded, "eticket_downloaded_by": nil,
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
		"in_hand": o.flag(!it.NotInHand), "in_hand_on": it.InHandOn, "format": o.Format, "instant_delivery": o.Format == "Eticket",
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

func (o TEvoOrder) shipmentSnapshots() []any {
	list := []any{}
	for _, sh := range o.parcels() {
		list = append(list, o.shipmentSnapshot(sh))
	}
	return list
}

func (o TEvoOrder) shipmentSnapshot(sh TEvoShipment) object {
	return object{
		"id": o.id(sh.ID), "type": sh.Type, "email_address": o.BuyerEmail, "name": nil, "company": nil,
		"region": nil, "street_address": nil, "extended_address": nil, "country_code": nil, "locality": nil, "postal_code": nil,
		"label": nil, "available": nil, "carrier": nil, "po_box": nil, "phone_number": nil,
	}
}

func (o TEvoOrder) shipmentList() []any {
	list := []any{}
	for _, sh := range o.parcels() {
		list = append(list, o.shipmentInOrder(sh))
	}
	return list
}

func (o TEvoOrder) shipmentInOrder(sh TEvoShipment) object {
	items := []any{}
	for _, it := range o.Items {
		if !slices.Contains(sh.Items, it.OrderItemID) {
			continue
		}
		downloaded := o.blank()
		if !it.DownloadedAt.IsZero() {
			downloaded = stamp(it.DownloadedAt)
		}
		items = append(items, object{
			"id": o.id(it.OrderItemID), "quantity": it.Quantity, "price": decimal(it.PriceMinor),
			"eticket_available": it.Finalized, "eticket_delivery": sh.Type == "Eticket",
			"eticket_downloaded_at": downloaded, "eticket_downloaded_by": nil,
			"updated_at": stamp(o.UpdatedAt), "ticket_group": o.groupInShipment(it),
		})
	}
	airbill := any("/airbills/original/missing.png")
	if o.AirbillURL != "" {
		airbill = o.AirbillURL
	}
	return object{
		"id": o.id(sh.ID), "url": "/shipments/" + sh.ID, "type": sh.Type, "state": sh.State, "airbill": airbill,
		"available": o.AirbillURL != "", "tracking_number": orNull(o.Tracking), "tracking_url": nil, "carrier": nil,
		"service_type": "LEAST_EXPENSIVE", "service_type_display": nil, "signature_type": "", "cost": "0.0",
		"courier_company": nil, "phone_number": nil, "name": nil, "ship_to_name": nil, "ship_to_company_name": nil,
		"updated_at": stamp(o.UpdatedAt), "shipment_snapshot": o.shipmentSnapshot(sh), "items": items,
	}
}
