package sim

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// POSEvents says where a [POS] posts its events, signed as Standard Webhooks 1.0.0 says (specification, "Signature scheme").
type POSEvents struct {
	// URL is whole, with the name that the POS has in the receiver's configuration. Empty posts none.
	URL string
	// Secret is "whsec_" and Base64.
	Secret string
	// Client posts them; nil is one of its own that waits ten seconds. One whose transport loses or doubles requests makes
	// events that are lost or come twice.
	Client *http.Client
}

// SetEvents replaces where events go to.
func (p *POS) SetEvents(e POSEvents) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opts.Events = e
}

// tell posts one event about an invoice, once, and waits for the answer. Nobody hears of a failure but the log: a receiver must do
// without any event.
func (p *POS) tell(kind, invoiceID, reference string) {
	p.mu.Lock()
	to, at := p.opts.Events, p.now().UTC()
	p.mu.Unlock()
	if to.URL == "" {
		return
	}
	body, _ := json.Marshal(object{ // of strings: it cannot fail
		"type": kind, "timestamp": at.Format(time.RFC3339), "data": object{"invoice_id": invoiceID, "external_reference": reference},
	})
	req, err := http.NewRequest(http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		p.opts.Logger.Warn("pos simulator: no event: the address is none", "type", kind)
		return
	}
	req.GetBody = nil // or net/http may double it
	id, seconds := "evt_"+rand.Text(), strconv.FormatInt(at.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", seconds)
	req.Header.Set("webhook-signature", standardSignature(to.Secret, id, seconds, body))
	client := to.Client
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	resp, err := client.Do(req)
	if err != nil {
		p.opts.Logger.Warn("pos simulator: event without an answer", "type", kind, "id", id)
		return
	}
	resp.Body.Close()
	p.opts.Logger.Info("pos simulator: event", "type", kind, "id", id, "invoice", invoiceID, "status", resp.StatusCode)
}

// standardSignature signs a webhook. A secret that is no Base64 is an empty key, which every receiver refuses.
func standardSignature(secret, id, seconds string, body []byte) string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + seconds + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
