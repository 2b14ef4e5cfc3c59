package sim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// acceptedSale is a sale of two lines, of two tickets and of one, that its seller has accepted.
func acceptedSale(delivery string) TEvoOrder {
	return TEvoOrder{Delivery: delivery, Items: []TEvoItem{
		{ID: "11", OrderItemID: "21", Quantity: 2}, {ID: "12", OrderItemID: "22", Quantity: 1},
	}}.Accepted(testNow)
}

func filesOf(files ...[]byte) string {
	text, _ := json.Marshal(object{"files": files})
	return string(text)
}

// want makes a call that must be answered so.
func (a *api) want(status int, method, path, body string) map[string]any {
	a.t.Helper()
	got, m := a.call(method, path, body)
	if got != status {
		a.t.Errorf("%s %s %.60s: got %d %v; want %d", method, path, body, got, m["error"], status)
	}
	return m
}

func TestTEvoFilesAreJoinedAndPagesKept(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	a.Put(acceptedSale("Eticket"))
	const item = "/v9/orders/147277/items/11/"
	var told []TEvoChange
	a.OnChange(func(c TEvoChange) { told = append(told, c) })

	a.want(404, "POST", "/v9/orders/147277/items/21/add_etickets", filesOf(PDF("1"))) // the order_item_id
	a.want(422, "POST", item+"add_etickets", `{"files":[]}`)
	a.want(422, "POST", item+"add_etickets", filesOf([]byte("no PDF")))
	a.want(422, "POST", item+"add_etickets", filesOf(PDF()))
	if m := a.want(200, "POST", item+"add_etickets", filesOf(PDF("a", "b"), PDF("c"))); m["order_item_id"] != 21.0 || m["eticket_pdf_pages"] != 3.0 || m["eticket_finalized_at"] != nil {
		t.Errorf("got %v, %v pages, final %v; want item 21 with 3 pages that are not final", m["order_item_id"], m["eticket_pdf_pages"], m["eticket_finalized_at"])
	}
	a.want(200, "POST", item+"add_etickets", filesOf(PDF("d (e)")))
	for _, keep := range []string{`[]`, `[1]`, `[1,2,3]`, `[0,1]`, `[1,5]`} {
		a.want(422, "POST", item+"finalize_etickets", `{"keep_pages":`+keep+`}`)
	}
	if m := a.want(200, "POST", item+"finalize_etickets", `{"keep_pages":[4,2]}`); m["eticket_finalized_at"] != "2026-06-02T09:00:00Z" || m["eticket_available"] != true {
		t.Errorf("got %v; want final", m["eticket_finalized_at"])
	}
	a.want(422, "POST", item+"add_etickets", filesOf(PDF("f")))
	a.want(200, "POST", "/v9/orders/147277/items/12/add_etickets", filesOf(PDF("g", "h")))
	a.want(200, "POST", "/v9/orders/147277/items/12/finalize_etickets", `{"keep_pages":[1,2],"ignore_quantity":true}`)
	o, _ := a.Order("147277")
	if got := o.Items[0].Kept; len(got) != 2 || got[0].Text != "d (e)" || got[1].Text != "b" || got[1].Page != 2 || got[0].File == got[1].File || o.State != "accepted" {
		t.Errorf("got %+v of an order that is %s; want the fourth and the second page", got, o.State)
	}
	if len(told) != 2 || told[0].EventType != "etickets_finalized" || told[0].Recipient != "seller" || told[0].Item != 0 || told[1].Item != 1 {
		t.Errorf("told %+v; want the seller, of both items", told)
	}
	if m := formOf(t, told[1]); m["order_id"] != 147277.0 || m["id"] != 12.0 || m["order_item_id"] != 22.0 {
		t.Errorf("told of item %v, %v of order %v; want the second of the sale", m["id"], m["order_item_id"], m["order_id"])
	}
	for query, want := range map[string]string{"": "d \\(e\\) b g h", "?item_id=22": "g h"} {
		_, body, _ := a.send(a.request("GET", "/v9/orders/147277/print_etickets"+query, ""))
		if got := printedTexts(body); got != want {
			t.Errorf("print_etickets%s: got %q; want %q", query, got, want)
		}
	}
	if status, _ := a.call("GET", "/v9/orders/147277/print_etickets?item_id=12", ""); status != 404 {
		t.Errorf("print_etickets of items[].id: got %d; want 404", status)
	}
	if _, body, _ := a.send(a.request("GET", item+"print_etickets", "")); printedTexts(body) != "d \\(e\\) b" {
		t.Errorf("the item's print_etickets: got %q", printedTexts(body))
	}

	// Removing is a GET.
	a.want(200, "GET", item+"remove_etickets", "")
	if o, _ := a.Order("147277"); o.Items[0].Finalized || o.Items[0].Kept != nil || !o.Items[1].Finalized {
		t.Errorf("got %+v; want the files of the first item gone, and of it alone", o.Items)
	}
	a.want(200, "POST", item+"add_etickets", filesOf(PDF("i", "j")))
	a.want(200, "POST", item+"finalize_etickets", `{"keep_pages":[1,2]}`)
	if o, _ := a.Order("147277"); len(o.Items[0].Kept) != 2 || o.Items[0].Kept[0].Text != "i" {
		t.Errorf("got %+v; want what was added after the removal", o.Items[0].Kept)
	}
}

func formOf(t *testing.T, c TEvoChange) (m map[string]any) {
	t.Helper()
	_, body := c.Order.ItemWebhook(c.Item, c.Recipient, c.EventType)
	for pair := range strings.SplitSeq(string(body), "&") {
		if text, ok := strings.CutPrefix(pair, "body="); ok {
			r, _ := http.NewRequest("GET", "/?b="+text, nil)
			if err := json.Unmarshal([]byte(r.URL.Query().Get("b")), &m); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m
}

func printedTexts(pdf []byte) string {
	var all []string
	for _, m := range pdfSet.FindAllSubmatch(pdf, -1) {
		all = append(all, string(m[1]))
	}
	return strings.Join(all, " ")
}

func TestTEvoDeliversWholeFilesByTheOrderItemID(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	a.Put(acceptedSale("Eticket"))
	one := func(id string, pages ...string) string {
		return fmt.Sprintf(`{"etickets":[{"item_id":%s,"eticket":%q}]}`, id, base64.StdEncoding.EncodeToString(PDF(pages...)))
	}
	const path = "/v9/orders/147277/deliver_etickets"
	a.want(422, "POST", path, one("11", "a", "b")) // items[].id
	a.want(422, "POST", path, one("21", "a"))      // not all
	a.want(422, "POST", path, one("22", "a", "b")) // not only all
	if m := a.want(200, "POST", path, one("21", "a", "b")); m["result"] != "success" {
		t.Errorf("got %v; want success", m)
	}
	o, _ := a.Order("147277")
	if !o.Items[0].Finalized || len(o.Items[0].Kept) != 2 || o.Items[1].Finalized {
		t.Errorf("got %+v; want the first item final", o.Items)
	}
}

func TestTEvoChangesAndCompletesShipments(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	o := acceptedSale("TBD")
	a.Put(o)
	old := "/v9/shipments/" + o.ShipmentID
	a.want(422, "PUT", old, `{"mobile_transfer_type":"FedEx"}`)
	a.want(422, "PUT", old+"/complete", `{}`) // TBD
	m := a.want(200, "PUT", old, `{"mobile_transfer_type":"TMMobileLink"}`)
	fresh := fmt.Sprintf("/v9/shipments/%.0f", m["id"])
	if fresh == old || m["type"] != "TMMobileLink" || m["state"] != "pending" {
		t.Errorf("got %v %v %v; want a pending TMMobileLink with a new id", m["id"], m["type"], m["state"])
	}
	a.want(404, "GET", old, "")
	if m := a.want(200, "PUT", fresh, `{"mobile_transfer_type":"TMMobileLink"}`); fmt.Sprintf("/v9/shipments/%.0f", m["id"]) == fresh {
		t.Error("the same change again: got the same shipment; want another")
	} else {
		fresh = fmt.Sprintf("/v9/shipments/%.0f", m["id"])
	}
	a.want(422, "PUT", fresh+"/complete", `{}`)
	a.want(422, "PUT", fresh+"/complete", `{"tm_mobile_link":"https://claim.example.com/1","transfer_source":"Ticketmaster"}`)
	a.want(200, "PUT", fresh+"/complete", `{"tm_mobile_link":"https://claim.example.com/1","transfer_source":"TM"}`)
	a.want(422, "PUT", fresh+"/complete", `{"tm_mobile_link":"https://claim.example.com/1"}`)
	shown := a.want(200, "GET", "/v9/orders/147277", "")
	list := shown["shipments"].([]any)
	if sh := list[0].(map[string]any); len(list) != 1 || sh["state"] != "delivered" || len(sh["items"].([]any)) != 2 || shown["state"] != "completed" {
		t.Errorf("got %d shipments, %v, the order %v; want one that is delivered, completed", len(list), sh["state"], shown["state"])
	}
	if got, _ := a.Order("147277"); got.Shipments[0].Link != "https://claim.example.com/1" || got.Shipments[0].Source != "TM" {
		t.Errorf("got %+v; want the link and its source", got.Shipments[0])
	}

	flash := acceptedSale("FlashSeats")
	a.Put(flash)
	a.want(422, "PUT", "/v9/shipments/"+flash.ShipmentID+"/complete", `{"tm_mobile_link":"https://claim.example.com/1"}`)
	a.want(200, "PUT", "/v9/shipments/"+flash.ShipmentID+"/complete", `{}`)

	// One item of two becomes an e-ticket; the other goes on as it was.
	a.Put(acceptedSale("FedEx"))
	a.want(422, "POST", "/v9/orders/147277/items/12/add_etickets", filesOf(PDF("1")))
	for range 2 {
		a.want(200, "GET", "/v9/orders/147277/items/12/convert_to_etickets", "")
	}
	got, _ := a.Order("147277")
	if len(got.Shipments) != 2 || got.way("21") != "FedEx" || got.way("22") != "Eticket" || got.Shipments[0].ID != o.ShipmentID {
		t.Errorf("got %+v; want the second item alone in a new shipment", got.Shipments)
	}
	a.want(200, "POST", "/v9/orders/147277/items/12/add_etickets", filesOf(PDF("1")))

	// Delivering is a GET, too.
	a.Put(acceptedSale("WillCall"))
	a.want(200, "GET", old+"/deliver", "")
	a.want(422, "GET", old+"/deliver", "")
	if got, _ := a.Order("147277"); got.Shipments[0].State != "delivered" || got.State != "accepted" {
		t.Errorf("got %s, the order %s; want delivered, accepted", got.Shipments[0].State, got.State)
	}
	strict := newAPI(t, TEvoOptions{TransferTBDAlone: true})
	strict.Put(acceptedSale("FedEx"))
	strict.want(422, "PUT", old, `{"mobile_transfer_type":"TMMobile"}`)
}

func TestTEvoDeliversOnlyWhatIsSold(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{RemoveRefusesNone: true})
	purchase, cancelled, hidden := acceptedSale("Eticket"), acceptedSale("Eticket").Canceled(testNow), acceptedSale("Eticket")
	purchase.Purchase = true
	hidden.State, hidden.SellerState, hidden.BuyerState = "open", "open", "open"
	for name, c := range map[string]struct {
		order  TEvoOrder
		status int
	}{"Pending": {OfficeSale(0), 422}, "Purchase": {purchase, 422}, "Cancelled": {cancelled, 422}, "Invisible": {hidden, 404}} {
		a.Put(c.order)
		o, _ := a.Order("147277")
		item := "/v9/orders/147277/items/" + o.Items[0].ID
		for method, path := range map[string]string{
			"GET": item + "/convert_to_etickets", "POST": item + "/add_etickets", "PUT": "/v9/shipments/" + o.ShipmentID + "/complete",
		} {
			body := "{}"
			if method == "GET" {
				body = ""
			}
			if status, m := a.call(method, path, body); status != c.status {
				t.Errorf("%s: %s: got %d %v; want %d", name, path, status, m, c.status)
			}
		}
	}
	// What was given to a buyer can be taken back when the order is off.
	cancelled.Items[0].Finalized = true
	a.Put(cancelled)
	a.want(200, "GET", "/v9/orders/147277/items/11/remove_etickets", "")
	a.want(422, "GET", "/v9/orders/147277/items/11/remove_etickets", "")
	a.want(404, "GET", "/v9/shipments/1/deliver", "")
}

func TestTEvoLogTalliesDeliveries(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{HideUploads: true})
	o := OfficeSale(0)
	o.Items = o.Items[:1]
	o.Items[0].ID, o.Items[0].Quantity = "11", 1
	a.Put(o)
	const item = "/v9/orders/147277/items/11/"
	a.want(200, "POST", "/v9/orders/147277/accept", `{"reviewer_id":7}`)
	if m := a.want(200, "POST", item+"add_etickets", filesOf(PDF("1", "2"))); m["eticket_pdf_pages"] != nil {
		t.Errorf("got %v pages; want that nothing is told of files that are not final", m["eticket_pdf_pages"])
	}
	a.want(200, "GET", item+"remove_etickets", "")
	a.want(422, "POST", item+"finalize_etickets", `{"keep_pages":[1]}`)
	a.want(200, "POST", item+"add_etickets", filesOf(PDF("1", "2")))
	if err := a.SetFaults(Faults{Faults: []Fault{{Kind: FaultLostAnswer, Path: item + "finalize_etickets", Count: 1}}}); err != nil {
		t.Fatal(err)
	}
	_, _, _ = a.send(a.request("POST", item+"finalize_etickets", `{"keep_pages":[2]}`))
	a.want(200, "PUT", "/v9/shipments/"+o.ShipmentID, `{"mobile_transfer_type":"TMMobile"}`)
	now, _ := a.Order("147277")
	a.want(200, "PUT", "/v9/shipments/"+now.Shipments[0].ID+"/complete", `{}`)
	resp, err := http.Get(a.srv.URL + "/admin/log")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var log struct {
		Calls  []TEvoCall
		Orders map[string]map[string]any
	}
	if err := json.NewDecoder(resp.Body).Decode(&log); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for what, v := range log.Orders["147277"] {
		if list, ok := v.([]any); ok {
			got[what] = len(list)
		}
	}
	want := map[string]int{"accepts": 1, "rejects": 0, "adds": 2, "finals": 1, "removes": 1, "changes": 1, "transfers": 1, "handovers": 0}
	if !reflect.DeepEqual(got, want) || log.Orders["147277"]["refused"] != 1.0 || len(log.Orders) != 1 {
		t.Errorf("got %v, %v; want %v and one refused", got, log.Orders, want)
	}
	final := log.Calls[len(log.Calls)-3]
	if final.Op != "finalize_etickets" || final.Answered || final.ItemID != "11" || !slices.Equal(final.KeepPages, []int{2}) {
		t.Errorf("got %+v; want the page that was kept, without an answer", final)
	}
	var has struct {
		Items map[string]struct {
			Finalized bool
			Pages     []TEvoPage
		}
	}
	resp, err = http.Get(a.srv.URL + "/admin/orders/147277/etickets")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&has); err != nil || !has.Items["11"].Finalized || len(has.Items["11"].Pages) != 1 || has.Items["11"].Pages[0].Text != "2" {
		t.Errorf("got %+v, %v; want the second page with the buyer", has, err)
	}
}

// TestStoriesThatWeDeliver are told to whoever supplies the point of sale, and by nobody else.
func TestStoriesThatWeDeliver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		supplied, mu := map[string]TEvoOrder{}, sync.Mutex{}
		s := NewSender(SenderOptions{Seed: 5, Now: func() time.Time { return testNow }, Supply: func(o TEvoOrder) {
			mu.Lock()
			defer mu.Unlock()
			supplied[o.ID] = o
		}})
		kinds := map[string]bool{}
		ours := map[string]string{}
		for range 400 {
			story := s.Begin()
			kinds[story.Kind] = true
			if strings.HasPrefix(story.Kind, "our ") {
				ours[story.Order.ID] = story.Kind
				for _, step := range story.Steps {
					if step.EventType == "etickets_finalized" {
						t.Errorf("%s: somebody else delivers", story.Kind)
					}
				}
			}
			if story.Kind != "our will call" { // that one is not accepted
				s.TEvo().Update(story.Order.ID, func(o TEvoOrder) TEvoOrder { return o.Accepted(testNow) })
			}
		}
		runFor(t, s, time.Hour)
		for _, k := range slices.Concat(storyKinds, suppliedKinds) {
			if !kinds[k.name] {
				t.Errorf("no story of kind %q in 400", k.name)
			}
		}
		want := map[string]string{"our e-tickets": "Eticket Eticket", "our mobile transfer": "TBD TM_mobile"}
		for id, kind := range ours {
			o, ok := supplied[id]
			if ok != (want[kind] != "") || ok && o.Delivery+" "+o.Format != want[kind] {
				t.Errorf("%s: supplied %t as %s %s; want %q", kind, ok, o.Delivery, o.Format, want[kind])
			}
			delete(supplied, id)
		}
		if len(supplied) > 0 {
			t.Errorf("supplied %d orders that somebody else delivers", len(supplied))
		}
	})
}

func TestTEvoCountsPages(t *testing.T) {
	t.Parallel()
	compact := bytes.ReplaceAll(PDF("1", "2"), []byte("/Type /Page "), []byte("/Type/Page\n"))
	for name, c := range map[string]struct {
		raw   []byte
		pages int
	}{"None": {PDF(), 0}, "One": {PDF("a"), 1}, "Many": {PDF("a", "b", "c"), 3}, "Compact": {compact, 2}, "NoPDF": {[]byte("/Type /Page "), 0}, "Airbill": {tinyPDF("a"), 1}} {
		got, err := tevoPages(base64.StdEncoding.EncodeToString(c.raw))
		if len(got) != c.pages || (err != nil) != (c.pages == 0) {
			t.Errorf("%s: got %d pages, %v; want %d", name, len(got), err, c.pages)
		}
	}
}

// TestTEvoOrdersByHTTP has somebody outside of the process make an order known, and deliver it.
func TestTEvoOrdersByHTTP(t *testing.T) {
	t.Parallel()
	a := newAPI(t, TEvoOptions{})
	put := func(body string) int {
		req, _ := http.NewRequest("PUT", a.srv.URL+"/admin/orders/5", strings.NewReader(body))
		status, _, err := a.send(req)
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if got := put(`{"lines":[]}`); got != 400 {
		t.Errorf("a misspelt field: got %d; want 400", got)
	}
	if got := put(`{"group_id":"4","state":"accepted","delivery":"TBD","items":[{"id":"11","order_item_id":"21","quantity":1,"price_minor":5000}]}`); got != 200 {
		t.Errorf("got %d; want 200", got)
	}
	m := a.want(200, "GET", "/v9/orders/5", "")
	if it := m["items"].([]any)[0].(map[string]any); m["oid"] != "4-5" || m["updated_at"] != stamp(testNow) || it["id"] != 11.0 || it["order_item_id"] != 21.0 || it["price"] != "50.0" {
		t.Errorf("got %v of %v, item %v %v at %v; want what was put", m["oid"], m["updated_at"], it["id"], it["order_item_id"], it["price"])
	}
	a.want(200, "GET", "/v9/orders/5/items/11/convert_to_etickets", "")
}
