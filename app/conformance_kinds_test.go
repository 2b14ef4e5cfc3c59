package app

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"willcall/provider/wire"
	"willcall/sim"
)

// Secrets of a POS that signs: whsec_ and the base64 of 32 invented bytes.
const (
	posSecret     = "whsec_ZGV2LXBvcy1ldmVudHMtc2VjcmV0LTEyMzQ1Njc4OTA="
	posNextSecret = "whsec_ZGV2LXBvcy1ldmVudHMtbmV4dC1zZWNyZXQtMTIzNDU="
)

// conformanceConfig has a source for each kind of provider and of POS, and for each proof that one may ask for. Every source has two
// secrets, as while one is being rotated.
const conformanceConfig = `
database: postgres://willcall@127.0.0.1/willcall
pos:
  simulator:
    {kind: http, url: "http://127.0.0.1:8090", token: dev-pos-token, events: {secrets: [` + posSecret + `, ` + posNextSecret + `]}}
  sky-token:
    {kind: skybox, token: dev-sky-token, skybox: {application_token: dev-sky-application, account: "1234"},
      events: {proof: {kind: token}, secrets: [dev-sky-path-token, dev-sky-next-path-token]}}
  sky-basic:
    {kind: skybox, token: dev-sky-token, skybox: {application_token: dev-sky-application, account: "1234"},
      events: {proof: {kind: basic}, secrets: ["dev-sky-user:dev-sky-password", "dev-sky-user:dev-sky-next-password"]}}
  sky-bearer:
    {kind: skybox, token: dev-sky-token, skybox: {application_token: dev-sky-application, account: "1234"},
      events: {proof: {kind: bearer}, secrets: [dev-sky-bearer-token, dev-sky-next-bearer-token]}}
sources:
  tevo: {kind: tevo, pos: simulator, max_body: 768KB, secrets: [dev-tevo-token, dev-tevo-next-token]}
  tixstock:
    {kind: tixstock, pos: simulator, max_body: 768KB, secrets: [dev-tixstock-token, dev-tixstock-next-token], answer_within: 50ms,
      statuses: {awaiting_fulfilment: Awaiting Tickets, fulfilled: Commissionable, cancelled: Cancelled, rejected: Rejected}}
  vivenu: {kind: vivenu, pos: simulator, max_body: 768KB, secrets: [dev-vivenu-hmac-key, dev-vivenu-next-hmac-key]}
  ltd-hex:
    {kind: ltd, pos: simulator, max_body: 768KB, secrets: [dev-ltd-hex-key, dev-ltd-next-hex-key], affiliate_id: ` + sim.LTDAffiliateID + `,
      proof: {kind: hmac, header: X-Ltd-Signature}}
  ltd-base64:
    {kind: ltd, pos: simulator, max_body: 768KB, secrets: [dev-ltd-base64-key, dev-ltd-next-base64-key], affiliate_id: ` + sim.LTDAffiliateID + `,
      proof: {kind: hmac, header: X-Ltd-Signature, encoding: base64, prefix: "sha256="}}
  ltd-token:
    {kind: ltd, pos: simulator, max_body: 768KB, secrets: [dev-ltd-token, dev-ltd-next-token], affiliate_id: ` + sim.LTDAffiliateID + `, proof: {kind: token}}
  ltd-basic:
    {kind: ltd, pos: simulator, max_body: 768KB, secrets: ["dev-ltd-user:dev-ltd-password", "dev-ltd-user:dev-ltd-next-password"],
      affiliate_id: ` + sim.LTDAffiliateID + `, proof: {kind: basic}}
  ltd-bearer:
    {kind: ltd, pos: simulator, max_body: 768KB, secrets: [dev-ltd-bearer-token, dev-ltd-next-bearer-token], affiliate_id: ` + sim.LTDAffiliateID + `,
      proof: {kind: bearer}}
`

// sender is what the conformance test must know of a provider to send in its name. To add a provider, add a source above
// and a sender below.
type sender struct {
	source, kind string
	contentType  string
	proof        proof

	// sample is the n-th good webhook about an order, and the texts in it that may turn up nowhere but in the stored body.
	sample func(n int) (body []byte, private []string)
	// more are good webhooks of other types, to be spoilt field by field.
	more [][]byte
	// unknown is a webhook of a type that no document names.
	unknown []byte
	// elsewhere is a webhook for another environment or account, and foreign tells those from ours; nil where webhooks name none.
	elsewhere []byte
	foreign   func(body []byte) bool

	// open takes a webhook apart into what JSON decodes to, and seal puts it together again.
	open func([]byte) any
	seal func(any) []byte
	// inner is the JSON in a webhook, and wrap makes a webhook of any text in its place.
	inner func([]byte) []byte
	wrap  func([]byte) []byte
	// pad makes the webhook so many bytes long without changing what it says.
	pad func(body []byte, size int) []byte
	// news is what tells a webhook from others; nil: every byte of it.
	news func(body []byte) string

	own func(t *testing.T, r *rig) // promises that are made to this provider alone; may be nil

	invoice string // of a POS: the one that its samples are about; there is an order that has it
	ways    int    // in which samples can be spoilt, at least; 0: some hundreds
}

func (s sender) says(body []byte) string {
	if s.news != nil {
		return s.news(body)
	}
	return string(body)
}

// evidence is what a request proves itself with.
type evidence struct {
	token  string // in the path
	header http.Header
}

// proof is a way to prove a webhook.
type proof struct {
	of   func(secret string, body []byte) evidence
	bad  map[string]func(secret string, body []byte) evidence // each has one fault
	also map[string]func(secret string, body []byte) evidence // other spellings that are right
	body bool                                                 // a body that was changed is found out
}

func withHeader(name, value string) evidence {
	h := http.Header{}
	h.Set(name, value)
	return evidence{header: h}
}

func macOf(secret string, body []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	return m.Sum(nil)
}

// hexProof is a HMAC-SHA256 of the body in hex; sign is the provider's own simulator.
func hexProof(name string, sign func(secret string, body []byte) string) proof {
	changed := func(change func(string) string) func(string, []byte) evidence {
		return func(secret string, body []byte) evidence { return withHeader(name, change(sign(secret, body))) }
	}
	p := hmacFaults(name, sign)
	p.bad["OddLength"] = changed(func(s string) string { return s[:63] })
	p.bad["BlanksInside"] = changed(func(s string) string { return s[:10] + " " + s[10:] })
	p.bad["Zeros"] = changed(func(string) string { return strings.Repeat("0", 64) })
	p.bad["Base64Instead"] = func(secret string, body []byte) evidence {
		return withHeader(name, base64.StdEncoding.EncodeToString(macOf(secret, body)))
	}
	p.also = map[string]func(string, []byte) evidence{"UpperCase": changed(strings.ToUpper)}
	return p
}

func base64Proof(name, prefix string) proof {
	sign := func(secret string, body []byte) string {
		return prefix + base64.StdEncoding.EncodeToString(macOf(secret, body))
	}
	p := hmacFaults(name, sign)
	p.bad["WithoutPrefix"] = func(secret string, body []byte) evidence {
		return withHeader(name, strings.TrimPrefix(sign(secret, body), prefix))
	}
	p.bad["WithoutPadding"] = func(secret string, body []byte) evidence {
		return withHeader(name, strings.TrimRight(sign(secret, body), "="))
	}
	p.bad["HexInstead"] = func(secret string, body []byte) evidence {
		return withHeader(name, prefix+hex.EncodeToString(macOf(secret, body)))
	}
	return p
}

func hmacFaults(name string, sign func(secret string, body []byte) string) proof {
	return proof{
		body: true,
		of:   func(secret string, body []byte) evidence { return withHeader(name, sign(secret, body)) },
		bad: map[string]func(string, []byte) evidence{
			"None":         func(string, []byte) evidence { return evidence{} },
			"Empty":        func(string, []byte) evidence { return withHeader(name, "") },
			"Blank":        func(string, []byte) evidence { return withHeader(name, "   ") },
			"Rubbish":      func(string, []byte) evidence { return withHeader(name, "§ no signature §") },
			"OfAnotherKey": func(_ string, body []byte) evidence { return withHeader(name, sign("dev-another-key", body)) },
			"OfAnotherBody": func(secret string, body []byte) evidence {
				return withHeader(name, sign(secret, append(bytes.Clone(body), ' ')))
			},
			"OfNoBody": func(secret string, _ []byte) evidence { return withHeader(name, sign(secret, nil)) },
			"OfNoKey":  func(_ string, body []byte) evidence { return withHeader(name, sign("", body)) },
			"Shortened": func(secret string, body []byte) evidence {
				s := sign(secret, body)
				return withHeader(name, s[:len(s)-2])
			},
			"Lengthened":      func(secret string, body []byte) evidence { return withHeader(name, sign(secret, body)+"00") },
			"InAnotherHeader": func(secret string, body []byte) evidence { return withHeader("X-Signature", sign(secret, body)) },
			"TheKeyItself":    func(secret string, _ []byte) evidence { return withHeader(name, secret) },
			"InThePathInstead": func(secret string, body []byte) evidence {
				return evidence{token: hex.EncodeToString(macOf(secret, body))}
			},
		},
	}
}

func tokenProof() proof {
	in := func(change func(string) string) func(string, []byte) evidence {
		return func(secret string, _ []byte) evidence { return evidence{token: change(secret)} }
	}
	return proof{
		of: in(func(s string) string { return s }),
		bad: map[string]func(string, []byte) evidence{
			"None":             in(func(string) string { return "" }),
			"Another":          in(func(string) string { return "dev-another-token" }),
			"Lengthened":       in(func(s string) string { return s + "x" }),
			"Shortened":        in(func(s string) string { return s[:len(s)-1] }),
			"InUpperCase":      in(strings.ToUpper),
			"WithBlank":        in(func(s string) string { return s + "%20" }),
			"WithZeroByte":     in(func(s string) string { return s + "%00" }),
			"InAHeaderInstead": func(secret string, _ []byte) evidence { return withHeader("Authorization", "Bearer "+secret) },
		},
	}
}

// headerProof is a secret in the header Authorization.
func headerProof(scheme string, encode func(string) string) proof {
	in := func(change func(string) string) func(string, []byte) evidence {
		return func(secret string, _ []byte) evidence { return withHeader("Authorization", change(secret)) }
	}
	good := func(s string) string { return scheme + " " + encode(s) }
	return proof{
		of: in(good),
		bad: map[string]func(string, []byte) evidence{
			"None":             func(string, []byte) evidence { return evidence{} },
			"Empty":            in(func(string) string { return "" }),
			"SchemeAlone":      in(func(string) string { return scheme }),
			"NothingBehindIt":  in(func(string) string { return scheme + " " }),
			"WithoutScheme":    in(encode),
			"InAnotherScheme":  in(func(s string) string { return "Digest " + encode(s) }),
			"Another":          in(func(string) string { return good("dev-another:password") }),
			"Lengthened":       in(func(s string) string { return good(s + "x") }),
			"Shortened":        in(func(s string) string { return good(s[:len(s)-1]) }),
			"InUpperCase":      in(func(s string) string { return good(strings.ToUpper(s)) }),
			"Rubbish":          in(func(string) string { return scheme + " § none §" }),
			"InThePathInstead": func(secret string, _ []byte) evidence { return evidence{token: url.PathEscape(secret)} },
		},
		also: map[string]func(string, []byte) evidence{"SchemeInLowerCase": in(func(s string) string { return strings.ToLower(scheme) + " " + encode(s) })},
	}
}

// ofJSON completes a sender whose webhooks are JSON and nothing else.
func ofJSON(s sender) sender {
	s.contentType = "application/json"
	s.open, s.seal = openJSON, sealJSON
	s.inner, s.wrap = bytes.Clone, bytes.Clone
	s.pad = func(body []byte, size int) []byte {
		return append(bytes.Clone(body), bytes.Repeat([]byte(" "), size-len(body))...)
	}
	return s
}

func openJSON(body []byte) any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(fmt.Sprintf("a sample is no JSON: %v", err))
	}
	return v
}

func sealJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("a sample is no JSON any more: %v", err))
	}
	return b
}

var soldAt = time.Date(2026, 6, 1, 15, 0, 0, 0, time.UTC)

// senders has a row for each source of conformanceConfig.
func senders() []sender {
	return []sender{
		tevoSender(), tixstockSender(), vivenuSender(),
		ltdSender("ltd-hex", hexProof("X-Ltd-Signature", func(secret string, body []byte) string { return hex.EncodeToString(macOf(secret, body)) })),
		ltdSender("ltd-base64", base64Proof("X-Ltd-Signature", "sha256=")),
		ltdSender("ltd-token", tokenProof()),
		ltdSender("ltd-basic", headerProof("Basic", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })),
		ltdSender("ltd-bearer", headerProof("Bearer", func(s string) string { return s })),
		posSender(), skySender("sky-token", tokenProof()),
		skySender("sky-basic", headerProof("Basic", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })),
		skySender("sky-bearer", headerProof("Bearer", func(s string) string { return s })),
	}
}

// posSender is a POS behind the contract.
func posSender() sender {
	event := func(typ, data string, n int) []byte {
		return fmt.Appendf(nil, `{"type":%q,"timestamp":"2026-06-01T15:00:00.%06dZ","data":{%s}}`, typ, n, data)
	}
	const note = `"note":"left for Isolde Marchbanks"` // the contract has no such field, and nobody may pass it on
	return ofJSON(sender{
		source: "simulator", kind: "http", proof: standardProof(), invoice: "inv_7",
		sample: func(n int) ([]byte, []string) {
			return event("invoice.deliveries_changed", `"invoice_id":"inv_7","external_reference":"order:tevo:44442",`+note, n), []string{"Isolde Marchbanks"}
		},
		more: [][]byte{event("invoice.voided", `"invoice_id":"inv_9","external_reference":"ord_9"`, 0), event("purchase_order.updated", `"purchase_order_id":"po_9"`, 0),
			event("invoice.updated", `"invoice_id":"inv_7"`, 0), []byte(`{"type":"pos/supply","order":{"id":"order:tevo:44442"},"supply":{"invoice":"inv_7"}}`)},
		unknown: event("banana.peeled", `"banana_id":"7"`, 0),
		own:     posPromises,
		ways:    100,
	})
}

// standardProof is the signature of Standard Webhooks 1.0.0.
func standardProof() proof {
	idOf := func(body []byte) string { return fmt.Sprintf("evt_%x", sha256.Sum256(body)) }
	mac := func(secret, id, at string, body []byte) string {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			key = []byte(secret)
		}
		return base64.StdEncoding.EncodeToString(macOf(string(key), slices.Concat([]byte(id+"."+at+"."), body)))
	}
	now := func(off time.Duration) string { return strconv.FormatInt(time.Now().Add(off).Unix(), 10) }
	with := func(id, at, signature string) evidence {
		h := http.Header{}
		h.Set("Webhook-Id", id)
		h.Set("Webhook-Timestamp", at)
		h.Set("Webhook-Signature", signature)
		return evidence{header: h}
	}
	// signed signs as change has it: what is sent, and what the signature is over.
	signed := func(change func(id, at, signature string) (string, string, string)) func(string, []byte) evidence {
		return func(secret string, body []byte) evidence {
			id, at := idOf(body), now(0)
			return with(change(id, at, "v1,"+mac(secret, id, at, body)))
		}
	}
	at := func(off time.Duration) func(string, []byte) evidence {
		return func(secret string, body []byte) evidence {
			return with(idOf(body), now(off), "v1,"+mac(secret, idOf(body), now(off), body))
		}
	}
	return proof{
		body: true,
		of:   signed(func(id, at, s string) (string, string, string) { return id, at, s }),
		bad: map[string]func(string, []byte) evidence{
			"None":           func(string, []byte) evidence { return evidence{} },
			"Empty":          signed(func(id, at, _ string) (string, string, string) { return id, at, "" }),
			"VersionAlone":   signed(func(id, at, _ string) (string, string, string) { return id, at, "v1," }),
			"Rubbish":        signed(func(id, at, _ string) (string, string, string) { return id, at, "v1,§ none §" }),
			"AnotherVersion": signed(func(id, at, s string) (string, string, string) { return id, at, "v2" + s[2:] }),
			"WithoutVersion": signed(func(id, at, s string) (string, string, string) { return id, at, s[3:] }),
			"Shortened":      signed(func(id, at, s string) (string, string, string) { return id, at, s[:len(s)-4] }),
			"WithoutId":      signed(func(_, at, s string) (string, string, string) { return "", at, s }),
			"WithoutTime":    signed(func(id, _, s string) (string, string, string) { return id, "", s }),
			"UnderAnotherId": signed(func(id, at, s string) (string, string, string) { return id + "0", at, s }),
			"AtAnotherTime":  signed(func(id, _, s string) (string, string, string) { return id, now(-time.Minute), s }),
			"TimeInWords":    signed(func(id, _, s string) (string, string, string) { return id, "just now", s }),
			"Stale":          at(-6 * time.Minute),
			"FromTheFuture":  at(6 * time.Minute),
			"StaleWithAFreshClock": func(secret string, body []byte) evidence {
				return with(idOf(body), now(0), at(-6*time.Minute)(secret, body).header.Get("Webhook-Signature"))
			},
			"OfAnotherKey": func(_ string, body []byte) evidence {
				return with(idOf(body), now(0), "v1,"+mac("whsec_YW5vdGhlciBpbnZlbnRlZCBzZWNyZXQgb2Ygb3Vycw==", idOf(body), now(0), body))
			},
			"OfNoKey": func(_ string, body []byte) evidence {
				return with(idOf(body), now(0), "v1,"+mac("whsec_", idOf(body), now(0), body))
			},
			"TheKeyItself": func(secret string, body []byte) evidence { return with(idOf(body), now(0), secret) },
			"OfTheBodyAlone": func(secret string, body []byte) evidence {
				key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
				return with(idOf(body), now(0), "v1,"+base64.StdEncoding.EncodeToString(macOf(string(key), body)))
			},
		},
		also: map[string]func(string, []byte) evidence{
			"AmongOthers": signed(func(id, at, s string) (string, string, string) { return id, at, "v1a,AAAA v1,AAAA " + s }),
			"AMinuteAgo":  at(-time.Minute),
		},
	}
}

// skySender is SkyBox, of whose bodies nothing is public.
func skySender(source string, p proof) sender {
	return ofJSON(sender{
		source: source, kind: "skybox", proof: p, invoice: "7700",
		sample: func(n int) ([]byte, []string) {
			return fmt.Appendf(nil, `{"topic":"INVOICE","message":%d,"invoice":{"id":7700,"customer":{"email":"isolde.marchbanks@example.com"}}}`, n),
				[]string{"isolde.marchbanks"}
		},
		more: [][]byte{[]byte(`{"topic":"LINE","lines":[{"id":5,"invoiceId":7701}]}`), []byte(`{"topic":"HOLD","id":77,"account":{"id":1234}}`),
			[]byte(`{"type":"pos/supply","order":{"id":"order:tevo:44442"},"supply":{"invoice":"7700"}}`)},
		unknown: []byte(`{"banana":"peeled"}`),
		own:     skyPromises,
		ways:    100,
	})
}

func tevoSender() sender {
	form := func(o sim.TEvoOrder, recipient, typ string) []byte { _, body := o.Webhook(recipient, typ); return body }
	wrap := func(text []byte) []byte {
		return []byte(url.Values{"order_group_id": {"44442"}, "recipient": {"seller"}, "event_type": {"order_created"}, "body": {string(text)}}.Encode())
	}
	other := sim.ClientSale(900)
	return sender{
		source: "tevo", kind: "tevo", contentType: sim.FormContentType, proof: tokenProof(),
		sample: func(n int) ([]byte, []string) {
			o := sim.ClientSale(n)
			return form(o, "seller", "order_created"), []string{o.BuyerName, o.BuyerEmail, o.BuyerPhone, "1 Sample Street", "T. Placer", url.QueryEscape(o.BuyerName)}
		},
		more: [][]byte{form(other, "seller", "delivery_updated"), form(other.EticketsFinalized(0, soldAt), "seller", "etickets_finalized"),
			form(other.Canceled(soldAt), "seller", "order_canceled")},
		unknown: form(other, "seller", "banana_peeled"),
		open: func(body []byte) any {
			v, err := url.ParseQuery(string(body))
			if err != nil {
				panic(err)
			}
			doc := map[string]any{"body": openJSON([]byte(v.Get("body")))}
			for _, k := range []string{"order_group_id", "recipient", "event_type"} {
				doc[k] = v.Get(k)
			}
			return doc
		},
		seal: func(doc any) []byte {
			fields, ok := doc.(map[string]any)
			if !ok {
				return sealJSON(doc)
			}
			v := url.Values{}
			for k, x := range fields {
				if s, ok := x.(string); ok {
					v.Set(k, s)
				} else if b := sealJSON(x); k == "body" || !bytes.HasPrefix(b, []byte(`"`)) {
					v.Set(k, string(b))
				} else {
					v.Set(k, strings.Trim(string(b), `"`))
				}
			}
			return []byte(v.Encode())
		},
		inner: func(body []byte) []byte { v, _ := url.ParseQuery(string(body)); return []byte(v.Get("body")) },
		wrap:  wrap,
		pad: func(body []byte, size int) []byte {
			return append(append(bytes.Clone(body), "&pad="...), bytes.Repeat([]byte("x"), size-len(body)-len("&pad="))...)
		},
	}
}

func tixstockSender() sender {
	ticket := func(n int) sim.TixstockOrder { return sim.TixstockSale(12 * n) } // seats in a row, with files
	other := ticket(900)
	return ofJSON(sender{
		source: "tixstock", kind: "tixstock", proof: hexProof("X-Tixstock-Signature", sim.SignTixstock),
		sample: func(n int) ([]byte, []string) {
			o := ticket(n)
			pdf := base64.StdEncoding.EncodeToString(o.Tickets[0].PDF)
			return o.ETicket(0), []string{pdf[:60], pdf[len(pdf)/2 : len(pdf)/2+60], "%PDF-", "%%EOF"}
		},
		more: [][]byte{
			other.MobileTicket(0), bytes.Replace(other.Update("Approved"), []byte(`"items":`),
				[]byte(`"customer":{"first_name":"Isolde","last_name":"Marchbanks","email":"isolde.marchbanks@example.com"},"items":`), 1),
			sim.TixstockHold(other.ListingID, 2), sim.TixstockDelete(other.ListingID), sim.TixstockEventUpdate("900", "Example Players", soldAt),
			sim.TixstockEventCancel("901"), sim.TixstockBroker("902", false), sim.TixstockBroker("902", true),
		},
		unknown: []byte(`{"data":{"id":"1"},"meta":{"type":"banana.peeled"}}`),
		own:     tixstockPromises,
	})
}

func vivenuSender() sender {
	sold := func(n int, mode string) sim.VivenuTransaction {
		s := sim.VivenuSale(n)
		s.Mode = mode
		return s.Complete(soldAt)
	}
	other := sold(900, "prod")
	request := sim.VivenuRequest(900)
	request.Mode = "prod"
	s := ofJSON(sender{
		source: "vivenu", kind: "vivenu", proof: hexProof("X-Vivenu-Signature", sim.SignVivenu),
		sample: func(n int) ([]byte, []string) {
			v := sold(n, "prod")
			private := []string{v.Buyer.FirstName + " " + v.Buyer.LastName, v.Buyer.LastName, v.Buyer.Email, v.Buyer.Phone, v.Secret, v.CheckoutSecret}
			for _, k := range v.Tickets {
				private = append(private, k.Barcode, k.Secret)
			}
			return v.Webhook("transaction.complete"), private
		},
		unknown:   other.Webhook("banana.peeled"),
		elsewhere: sold(901, "dev").Webhook("transaction.complete"), foreign: vivenuForeign,
		news: vivenuNews,
		own:  vivenuPromises,
	})
	for _, typ := range []string{"ticket.updated", "scan.created", "ticketTransfer.transferred", "customer.updated", "event.updated",
		"support.assignedToSeller", "checkout.completed", "transaction.partiallyCanceled", "job.started"} {
		s.more = append(s.more, other.Webhook(typ))
	}
	s.more = append(s.more, request.Webhook("purchaseIntent.created"))
	return s
}

func ltdSender(source string, p proof) sender {
	sold := func(n int) sim.LTDBooking { return sim.LTDSale(2*n + 1) } // to print at home: with barcodes
	foreign := sold(901)
	foreign.AffiliateID = "00000000-1111-2222-3333-444444444444"
	return ofJSON(sender{
		source: source, kind: "ltd", proof: p,
		sample: func(n int) ([]byte, []string) {
			b := sold(n)
			return b.TransactionChanged(soldAt), []string{b.CustomerName, b.CustomerEmail, "07700900123", b.Performances[0].Tickets[0].Barcode}
		},
		more:      [][]byte{sold(900).ScheduledEtickets(soldAt), sold(900).CancelTickets(0).TransactionChanged(soldAt)},
		unknown:   bytes.Replace(sold(900).TransactionChanged(soldAt), []byte("TransactionChanged"), []byte("BananaPeeled"), 1),
		elsewhere: foreign.ScheduledEtickets(soldAt), foreign: ltdForeign,
	})
}

// vivenuNews leaves out what changes from one transmission to the next, where an object is there that has a version.
func vivenuNews(body []byte) string {
	var v struct {
		ID, Type json.RawMessage
		Data     json.RawMessage
	}
	if json.Unmarshal(body, &v) != nil {
		return string(body)
	}
	var typ string
	if _ = json.Unmarshal(v.Type, &typ); typ == "" {
		return string(body)
	}
	family, _, _ := strings.Cut(typ, ".")
	var data map[string]json.RawMessage
	_ = json.Unmarshal(v.Data, &data)
	var o struct {
		ID        any `json:"_id"`
		UpdatedAt any
	}
	_ = json.Unmarshal(data[family], &o)
	id, _ := o.ID.(string)
	at, _ := o.UpdatedAt.(string)
	if _, err := time.Parse(time.RFC3339, at); err == nil && len(id) == 24 {
		v.ID = nil
	}
	return string(v.ID) + "\n" + string(v.Type) + "\n" + string(v.Data)
}

// vivenuForeign reports whether a webhook names another mode than "prod", be it one that nobody knows.
func vivenuForeign(body []byte) bool {
	var v map[string]json.RawMessage
	if json.Unmarshal(body, &v) != nil || v["mode"] == nil || string(v["mode"]) == "null" {
		return false
	}
	var mode string
	err := json.Unmarshal(v["mode"], &mode)
	mode = wire.Clean(mode)
	return err != nil || mode != "" && mode != "prod"
}

// ltdForeign reports whether a webhook that delivers tickets names another affiliate. What is no text or number names none.
func ltdForeign(body []byte) bool {
	var v struct {
		MessageType any
		Payload     json.RawMessage
	}
	if json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &v) != nil || v.MessageType != "ScheduledEticketDelivery" {
		return false
	}
	var payload map[string]json.RawMessage
	_ = json.Unmarshal(v.Payload, &payload)
	id := string(payload["AffiliateId"])
	if id == "" || id == "null" || id[0] == '[' || id[0] == '{' {
		return false
	}
	var text string
	if json.Unmarshal([]byte(id), &text) == nil {
		id = wire.Clean(text)
	}
	return id != "" && !strings.EqualFold(id, sim.LTDAffiliateID)
}
