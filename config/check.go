package config

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (c *Config) setDefaults() {
	w := &c.Webhookd
	w.Listen = cmp.Or(w.Listen, ":8080")
	w.MaxInFlightBytes = cmp.Or(w.MaxInFlightBytes, 256<<20)
	w.MaxLargeBodies = cmp.Or(w.MaxLargeBodies, 4)
	w.AckTimeout = cmp.Or(w.AckTimeout, 3*time.Second)
	w.Flushers = cmp.Or(w.Flushers, 8)
	w.Lanes = cmp.Or(w.Lanes, 16)
	w.MaxConns = cmp.Or(w.MaxConns, 16)
	w.StopWithin = cmp.Or(w.StopWithin, 20*time.Second)
	c.Operator.Listen = cmp.Or(c.Operator.Listen, "127.0.0.1:8081")
	k := &c.Worker
	k.Listen = cmp.Or(k.Listen, "127.0.0.1:8082")
	k.Workflows = cmp.Or(k.Workflows, 100)
	k.Activities = cmp.Or(k.Activities, 50)
	k.Cache = cmp.Or(k.Cache, 10000)
	k.MaxConns = cmp.Or(k.MaxConns, 16)
	k.StopWithin = cmp.Or(k.StopWithin, 35*time.Second)
	k.DuplicatesWithin = cmp.Or(k.DuplicatesWithin, 30*24*time.Hour)
	k.LookEvery = cmp.Or(k.LookEvery, 30*time.Minute)
	c.Log.Level = cmp.Or(c.Log.Level, "info")
	c.Log.Format = cmp.Or(c.Log.Format, "json")
	for name, p := range c.POS {
		p.Timeout = cmp.Or(p.Timeout, 8*time.Second)
		switch p.Kind {
		case "skybox":
			p.URL = cmp.Or(p.URL, "https://skybox.vividseats.com/services")
		case "tevocore":
			p.URL = cmp.Or(p.URL, "https://api.ticketevolution.com")
		}
		c.POS[name] = p
	}
	yes, no := true, false
	for name, s := range c.Sources {
		s.Verify = cmp.Or(s.Verify, "on")
		tevo := s.Kind == "tevo"
		switch s.Kind {
		case "tixstock":
			s.MaxBody = cmp.Or(s.MaxBody, 25<<20) // tickets are in it
			s.AnswerWithin = cmp.Or(s.AnswerWithin, 3*time.Second)
		case "vivenu":
			s.Mode = cmp.Or(s.Mode, "prod")
		case "ltd":
			s.Currency = cmp.Or(s.Currency, "GBP")
			if s.Proof != nil && s.Proof.Kind == "hmac" {
				s.Proof.Encoding = cmp.Or(s.Proof.Encoding, "hex")
			}
		}
		s.MaxBody = cmp.Or(s.MaxBody, 8<<20)
		s.Currency = cmp.Or(s.Currency, "USD")
		s.Policy.FraudService = cmp.Or(s.Policy.FraudService, &tevo)
		s.Policy.Invoice = cmp.Or(s.Policy.Invoice, &yes)
		deliver := tevo && s.API != nil && *s.Policy.Invoice && c.POS[s.POS].Kind == "http"
		attach := deliver || slices.Contains(bringers, s.Kind) && c.POS[s.POS].Kind == "http"
		s.Policy.Attach = cmp.Or(s.Policy.Attach, &attach)
		s.Policy.Deliver = cmp.Or(s.Policy.Deliver, &deliver)
		s.Policy.Hold = cmp.Or(s.Policy.Hold, &no)
		s.Policy.Accept = cmp.Or(s.Policy.Accept, "auto")
		if s.API != nil {
			s.API.Confirm = cmp.Or(s.API.Confirm, &tevo)
			s.API.Sweep = cmp.Or(s.API.Sweep, &yes)
			s.API.PerSecond = cmp.Or(s.API.PerSecond, 5)
			s.API.Timeout = cmp.Or(s.API.Timeout, 8*time.Second)
		}
		c.Sources[name] = s
	}
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,40}$`)

// check reports what is wrong, by key, always in the same order.
func (c *Config) check() []fault {
	var f found
	if u, err := url.Parse(c.Database); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		f.add("database", "want a URL like postgres://user@host:5432/willcall, here or in DATABASE_URL")
	}
	c.checkDaemons(&f)
	f.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	f.oneOf("log.format", c.Log.Format, "json", "text")
	for _, name := range slices.Sorted(maps.Keys(c.POS)) {
		key, p := "pos."+name, c.POS[name]
		p.checkKind(&f, key)
		if p.Timeout < 0 || p.Timeout > 10*time.Second {
			f.add(key+".timeout", "want 10s at most: a call must end within the lease of its attempt")
		}
		if _, taken := c.Sources[name]; taken {
			f.add(key, "a source has the same name, and what the two send could not be told apart: give the POS another, here and where sources name it")
		}
		if p.Events != nil {
			p.checkEvents(&f, key+".events", name)
		}
	}
	if len(c.Sources) == 0 {
		f.add("sources", "is empty: configure at least one")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		c.checkSource(&f, "sources."+name, name, c.Sources[name])
	}
	return f
}

// checkKind checks what belongs to one kind of POS. The words that the vendors have are checked by the adapters.
func (p POS) checkKind(f *found, key string) {
	kinds := []string{"http", "skybox", "tevocore"}
	f.oneOf(key+".kind", p.Kind, kinds...)
	f.webURL(key+".url", p.URL)
	f.required(key+".token", string(p.Token))
	f.notNegative(key+".settle_delay", p.SettleDelay < 0)
	f.notNegative(key+".per_second", p.PerSecond < 0)
	for _, k := range []struct {
		name, of string
		given    bool
	}{
		{"settle_delay", "skybox, tevocore", p.SettleDelay != 0}, {"per_second", "skybox, tevocore", p.PerSecond != 0},
		{"currency", "skybox, tevocore", p.Currency != ""}, {"skybox", "skybox", p.SkyBox != nil}, {"tevocore", "tevocore", p.TEvoCore != nil},
	} {
		if k.given && slices.Contains(kinds, p.Kind) && !strings.Contains(k.of, p.Kind) {
			f.add(key+"."+k.name, "is for a POS of kind "+k.of+" alone")
		}
	}
	number := func(key, value string) {
		if _, err := strconv.ParseUint(value, 10, 64); err != nil {
			f.add(key, "want a number")
		}
	}
	switch {
	case p.Kind == "skybox" && p.SkyBox == nil:
		f.add(key+".skybox", "is required: application_token and account at least")
	case p.Kind == "skybox":
		f.required(key+".skybox.application_token", string(p.SkyBox.ApplicationToken))
		number(key+".skybox.account", p.SkyBox.Account)
	case p.Kind == "tevocore" && p.TEvoCore == nil:
		f.add(key+".tevocore", "is required: secret, office_id and reviewer_id at least")
	case p.Kind == "tevocore":
		f.required(key+".tevocore.secret", string(p.TEvoCore.Secret))
		number(key+".tevocore.office_id", p.TEvoCore.OfficeID)
		number(key+".tevocore.reviewer_id", p.TEvoCore.ReviewerID)
		if s := p.TEvoCore; !s.ScanClients && s.EmailFilter == "" {
			f.add(key+".tevocore.scan_clients", "without it, or email_filter and phone_filter, no client can be found, and so none is made")
		}
	}
}

func (p POS) checkEvents(f *found, key, name string) {
	if !sourceName.MatchString(name) {
		f.add(key, "the name of the POS is the last part of the path that it posts to: small letters, digits and dashes, at most 41")
	}
	f.networks(key+".allow", p.Events.Allow)
	e, what := p.Events, "what proof.kind asks for"
	switch p.Kind {
	case "http":
		what = "the secret that the POS signs with, whsec_ and the rest"
		if e.Proof != nil {
			f.add(key+".proof", "is for a POS of kind skybox alone: one behind the contract signs its events")
		}
	case "skybox":
		e.checkProof(f, key+".proof")
	case "tevocore":
		f.add(key, "the Core of Ticket Evolution sends none of its own: what changes there comes by a source of kind tevo. Leave it out")
		return
	default:
		return // nobody knows what belongs to it
	}
	if len(e.Secrets) == 0 {
		f.add(key+".secrets", "is empty: give "+what)
	}
	for i, secret := range e.Secrets {
		at := fmt.Sprintf("%s.secrets[%d]", key, i)
		switch {
		case p.Kind == "http" && !signs(string(secret)):
			f.add(at, "want whsec_ and the base64 of 24 to 64 bytes, as Standard Webhooks 1.0.0 has it (openssl rand -base64 32)")
		case len(secret) < 12:
			f.add(at, "is shorter than 12 characters")
		case e.Proof != nil && e.Proof.Kind == "basic" && !strings.Contains(string(secret), ":"):
			f.add(at, "want user:password, because proof.kind is basic")
		}
	}
}

// signs reports whether the secret can be one of Standard Webhooks 1.0.0, section "Signature scheme".
func signs(secret string) bool {
	text, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	return ok && err == nil && len(key) >= 24 && len(key) <= 64
}

func (e *Events) checkProof(f *found, key string) {
	if e.Proof == nil {
		f.add(key, "is required: how SkyBox signs is not public, so say kind: token, basic or bearer, and put that into the url or headers of the webhook that you register there")
		return
	}
	f.oneOf(key+".kind", e.Proof.Kind, "token", "basic", "bearer")
	for _, k := range []struct{ name, value string }{{"header", e.Proof.Header}, {"encoding", e.Proof.Encoding}, {"prefix", e.Proof.Prefix}} {
		if k.value != "" {
			f.add(key+"."+k.name, "is for sources of kind ltd alone")
		}
	}
}

func (c *Config) checkDaemons(f *found) {
	w, k := c.Webhookd, c.Worker
	f.address("webhookd.listen", w.Listen)
	f.notNegative("webhookd.max_large_bodies", w.MaxLargeBodies < 0)
	f.notNegative("webhookd.ack_timeout", w.AckTimeout < 0)
	f.notNegative("webhookd.flushers", w.Flushers < 0)
	f.notNegative("webhookd.lanes", w.Lanes < 0)
	f.notNegative("webhookd.max_conns", w.MaxConns < 0)
	f.networks("webhookd.trusted_proxies", w.TrustedProxies)
	f.notNegative("webhookd.stop_within", w.StopWithin < 0)
	f.address("operator.listen", c.Operator.Listen)
	if c.Operator.Token == "" && !Loopback(c.Operator.Listen) {
		f.add("operator.token", "is required, because operator.listen is not a loopback address")
	}
	f.address("worker.listen", k.Listen)
	f.notNegative("worker.workflow_tasks", k.Workflows < 0)
	f.notNegative("worker.activities", k.Activities < 0)
	f.notNegative("worker.cache", k.Cache < 0)
	f.notNegative("worker.max_conns", k.MaxConns < 0)
	f.notNegative("worker.stop_within", k.StopWithin < 0)
	f.notNegative("worker.pos_per_second", k.POSPerSecond < 0)
	f.notNegative("worker.duplicates_within", k.DuplicatesWithin < 0)
	f.notNegative("worker.look_every", k.LookEvery < 0)
}

func (c *Config) checkSource(f *found, key, name string, s Source) {
	if !sourceName.MatchString(name) {
		f.add(key, "the name is part of URLs and keys: small letters, digits and dashes, at most 41")
	}
	f.oneOf(key+".kind", s.Kind, "tevo", "tixstock", "vivenu", "ltd")
	f.oneOf(key+".verify", s.Verify, "on", "off")
	if s.Verify == "on" && len(s.Secrets) == 0 {
		f.add(key+".secrets", "is empty: give "+cmp.Or(proofs[s.Kind], "the secret")+", or write verify: \"off\" to take what anybody posts")
	}
	for i, secret := range s.Secrets {
		at := fmt.Sprintf("%s.secrets[%d]", key, i)
		if len(secret) < 12 {
			f.add(at, "is shorter than 12 characters")
		} else if s.Kind == "ltd" && s.Proof != nil && s.Proof.Kind == "basic" && !strings.Contains(string(secret), ":") {
			f.add(at, "want user:password, because proof.kind is basic") // without a colon it would fit no webhook
		}
	}
	f.networks(key+".allow", s.Allow)
	if len(s.Currency) != 3 || strings.Trim(s.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		f.add(key+".currency", "want an ISO 4217 code like USD")
	}
	if len(c.POS) == 0 {
		f.add(key+".pos", "cannot name one: pos is empty")
	} else {
		f.oneOf(key+".pos", s.POS, slices.Sorted(maps.Keys(c.POS))...)
		s.checkTickets(f, key+".policy", c.POS[s.POS])
		if s.Kind == "tevo" && c.POS[s.POS].Kind == "tevocore" && *s.Policy.Invoice {
			f.add(key+".pos", "is the Core of Ticket Evolution, where its orders stand already: to write them again would sell the tickets twice. "+
				"Name another POS, or write policy: {invoice: false}")
		}
	}
	f.oneOf(key+".policy.accept", s.Policy.Accept, "auto", "manual")
	p := s.Policy
	f.notNegative(key+".policy.details_wait", p.DetailsWait < 0)
	f.notNegative(key+".policy.fraud_wait", p.FraudWait < 0)
	f.notNegative(key+".policy.payment_wait", p.PaymentWait < 0)
	f.notNegative(key+".policy.approval_wait", p.ApprovalWait < 0)
	f.notNegative(key+".policy.step_patience", p.StepPatience < 0)
	f.notNegative(key+".policy.fulfil_within", p.FulfilWithin < 0)
	f.notNegative(key+".policy.event_lead", p.EventLead < 0)
	f.notNegative(key+".policy.grace", p.Grace < 0)
	f.notNegative(key+".policy.quiet", p.Quiet < 0)
	s.checkKind(f, key)
	if s.API != nil {
		s.checkAPI(f, key+".api")
	}
}

// checkTickets checks what the policy wants done with tickets against what the POS is known to be able to. What else it may turn out
// not to be able to it says itself, order by order.
func (s Source) checkTickets(f *found, key string, to POS) {
	p, tevo, pos := s.Policy, s.Kind == "tevo", to.Kind
	switch {
	case *p.Attach && pos == "skybox" && !tevo:
		f.add(key+".attach", "a POS of kind "+pos+" cannot be given tickets: leave it out, and deliver from the POS by hand")
	case *p.Attach && to.TEvoCore != nil && !to.TEvoCore.AttachFiles:
		f.add(key+".attach", "needs pos."+s.POS+".tevocore.attach_files: without it orders are completed whose tickets lie here")
	case *p.Attach && tevo && s.API == nil:
		f.add(key+".attach", "needs api: tickets of a purchase are read by it")
	}
	switch {
	case !*p.Deliver || !tevo: // then nobody reads it
	case pos == "tevocore":
		f.add(key+".deliver", "tickets that lie in the Core of Ticket Evolution are delivered there: leave it out")
	case s.API == nil:
		f.add(key+".deliver", "needs api: tickets are delivered by it")
	case !*p.Invoice:
		f.add(key+".deliver", "needs invoice: true, because what is there for the buyer is asked by the invoice")
	case to.SkyBox != nil && !to.SkyBox.ReadDeliveries:
		f.add(key+".deliver", "needs pos."+s.POS+".skybox.read_deliveries: without it nobody can see what is there for the buyer")
	}
	if *p.Hold && pos == "tevocore" {
		f.add(key+".hold", "whether the Core of Ticket Evolution lets an API hold tickets is not public: leave it out")
	}
}

func (s Source) checkAPI(f *found, key string) {
	if s.Kind == "tixstock" {
		f.add(key, "Tixstock has no API that we know how to call: leave it out")
		return
	}
	f.webURL(key+".url", s.API.URL)
	f.required(key+".token", string(s.API.Token))
	s.only(f, key+".secret", s.API.Secret != "", "tevo")
	s.only(f, key+".reviewer_id", s.API.ReviewerID != "", "tevo")
	s.only(f, key+".basket_path", s.API.BasketPath != "", "ltd")
	if s.Kind == "tevo" {
		f.required(key+".secret", string(s.API.Secret))
		if _, err := strconv.ParseInt(s.API.ReviewerID, 10, 64); err != nil {
			f.add(key+".reviewer_id", "want the number of a user at Ticket Evolution, in whose name orders are accepted")
		}
	}
	if path := s.API.BasketPath; s.Kind == "ltd" && (!strings.HasPrefix(path, "/") || !strings.Contains(path, "{basket}")) {
		f.add(key+".basket_path", "want a path like /Baskets/{basket}: ask London Theatre Direct where the summary of a submitted basket is")
	}
	f.notNegative(key+".per_second", s.API.PerSecond < 0)
	f.notNegative(key+".timeout", s.API.Timeout < 0)
}

// proofs name what a kind's secrets are.
var proofs = map[string]string{
	"tevo": "the path token", "tixstock": "the bearer token", "vivenu": "the hmacKey of the webhook", "ltd": "what proof.kind asks for",
}

// bringers are the kinds whose webhooks bring tickets.
var bringers = []string{"tixstock", "ltd"}

// ticketStates are the states that an order of tixstock can be in, each with the one whose name it takes if it has none.
var ticketStates = map[string]string{
	"received": "awaiting_fulfilment", "awaiting_approval": "awaiting_fulfilment", "partially_fulfilled": "awaiting_fulfilment",
	"completed": "fulfilled", "awaiting_fulfilment": "", "fulfilled": "", "cancelled": "", "rejected": "",
}

// Status is the name that a source's provider knows the state by; "" where the source has none for it.
func (s Source) Status(state string) string {
	return cmp.Or(s.Statuses[state], s.Statuses[ticketStates[state]])
}

// only is a fault where a key is given that nobody reads for a source of this kind. While the kind itself is wrong, nobody knows
// which keys belong to it.
func (s Source) only(f *found, key string, given bool, kinds ...string) {
	if _, known := proofs[s.Kind]; given && known && !slices.Contains(kinds, s.Kind) {
		f.add(key, "is for sources of kind "+strings.Join(kinds, ", ")+" alone")
	}
}

// checkKind checks the keys that belong to one kind of provider.
func (s Source) checkKind(f *found, key string) {
	s.only(f, key+".inventory", len(s.Inventory) > 0, "tixstock", "vivenu", "ltd") // tevo names our ticket group itself
	s.only(f, key+".mode", s.Mode != "", "vivenu")
	s.only(f, key+".affiliate_id", s.AffiliateID != "", "ltd")
	s.only(f, key+".proof", s.Proof != nil, "ltd")
	s.only(f, key+".statuses", len(s.Statuses) > 0, "tixstock")
	s.only(f, key+".status_words", len(s.StatusWords) > 0, "tixstock")
	s.only(f, key+".answer_within", s.AnswerWithin != 0, "tixstock")
	s.only(f, key+".policy.attach", *s.Policy.Attach, slices.Concat(bringers, []string{"tevo"})...)
	s.only(f, key+".policy.deliver", *s.Policy.Deliver, "tevo")
	s.only(f, key+".policy.hold", *s.Policy.Hold, "tevo", "vivenu", "ltd") // sales of tixstock have their invoice already
	s.only(f, key+".policy.fraud_service", *s.Policy.FraudService, "tevo")
	for _, id := range slices.Sorted(maps.Keys(s.Inventory)) {
		f.required(key+".inventory."+id, s.Inventory[id])
	}
	switch s.Kind {
	case "vivenu":
		f.oneOf(key+".mode", s.Mode, "prod", "dev")
	case "ltd":
		f.required(key+".affiliate_id", s.AffiliateID)
		s.checkProof(f, key+".proof")
	case "tixstock":
		s.checkStatuses(f, key)
	}
}

func (s Source) checkProof(f *found, key string) {
	if s.Proof == nil {
		f.add(key, "is required: ask London Theatre Direct how its webhooks are authenticated, and say kind: token, basic, bearer or hmac")
		return
	}
	f.oneOf(key+".kind", s.Proof.Kind, "token", "basic", "bearer", "hmac")
	switch s.Proof.Kind {
	case "hmac":
		f.required(key+".header", s.Proof.Header)
		f.oneOf(key+".encoding", s.Proof.Encoding, "hex", "base64")
	case "token", "basic", "bearer":
		for _, k := range []struct{ name, value string }{{"header", s.Proof.Header}, {"encoding", s.Proof.Encoding}, {"prefix", s.Proof.Prefix}} {
			if k.value != "" {
				f.add(key+"."+k.name, "is for kind: hmac alone")
			}
		}
	}
}

func (s Source) checkStatuses(f *found, key string) {
	f.notNegative(key+".answer_within", s.AnswerWithin < 0)
	if s.AnswerWithin > 20*time.Second {
		f.add(key+".answer_within", "want 20s at most: nobody knows how long Tixstock waits")
	}
	if len(s.Statuses) == 0 {
		f.add(key+".statuses", "is required: name the External Statuses of the reseller admin area for "+strings.Join(namedStates, ", "))
	} else {
		s.checkNames(f, key+".statuses")
	}
	for _, word := range slices.Sorted(maps.Keys(s.StatusWords)) {
		if word != strings.ToLower(strings.Join(strings.Fields(word), " ")) {
			f.add(key+".status_words."+word, "write the word in small letters, with single spaces: as such it is compared")
		}
		f.oneOf(key+".status_words."+word, s.StatusWords[word], "pending", "accepted", "rejected", "cancelled", "completed")
	}
}

// namedStates are those that must have a name of their own.
var namedStates = []string{"awaiting_fulfilment", "fulfilled", "cancelled", "rejected"}

func (s Source) checkNames(f *found, key string) {
	states := slices.Sorted(maps.Keys(s.Statuses))
	for _, state := range states {
		if _, ok := ticketStates[state]; !ok {
			f.add(key+"."+state, "is no state that such an order can be in: "+strings.Join(slices.Sorted(maps.Keys(ticketStates)), ", "))
		}
	}
	for _, state := range namedStates {
		if s.Statuses[state] == "" {
			f.add(key+"."+state, "is required: name the External Status of the reseller admin area that such an order is answered with")
		}
	}
	// Tixstock believes the answer, and some names lock the order there. Names that a state has from another are not looked at:
	// that other one has the fault.
	delivered := []string{"fulfilled", "completed"}
	for _, done := range delivered {
		for _, state := range states {
			_, ok := ticketStates[state]
			if name := s.Statuses[state]; ok && name != "" && name == s.Statuses[done] && !slices.Contains(delivered, state) {
				f.add(key+"."+done, "has the same name as "+state+": an order that lacks a ticket would pass for delivered")
				break
			}
		}
	}
}

// found are the faults found so far.
type found []fault

func (f *found) add(key, text string) { *f = append(*f, fault{key: key, text: text}) }

func (f *found) oneOf(key, value string, of ...string) {
	if !slices.Contains(of, value) {
		f.add(key, "want one of: "+strings.Join(of, ", "))
	}
}

func (f *found) required(key, value string) {
	if value == "" {
		f.add(key, "is required")
	}
}

func (f *found) notNegative(key string, negative bool) {
	if negative {
		f.add(key, "is less than nothing")
	}
}

func (f *found) webURL(key, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		f.add(key, "want an http or https URL")
	}
}

func (f *found) networks(key string, networks []string) {
	for i, n := range networks {
		if _, err := netip.ParsePrefix(n); err != nil {
			f.add(fmt.Sprintf("%s[%d]", key, i), "want a network like 203.0.113.0/24")
		}
	}
}

func (f *found) address(key, value string) {
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		f.add(key, "want an address like 127.0.0.1:8080 or :8080")
	}
}

// Loopback reports whether the address can be reached from this machine alone.
func Loopback(listen string) bool {
	addr, err := netip.ParseAddrPort(listen)
	return err == nil && addr.Addr().IsLoopback() || strings.HasPrefix(listen, "localhost:")
}
