package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

func (c *Config) setDefaults() {
	w := &c.Webhookd
	w.Listen = cmp.Or(w.Listen, ":8080")
	w.MaxInFlightBytes = cmp.Or(w.MaxInFlightBytes, 256<<20)
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
	c.Log.Level = cmp.Or(c.Log.Level, "info")
	c.Log.Format = cmp.Or(c.Log.Format, "json")
	for name, p := range c.POS {
		p.Timeout = cmp.Or(p.Timeout, 8*time.Second)
		c.POS[name] = p
	}
	yes := true
	for name, s := range c.Sources {
		s.Verify = cmp.Or(s.Verify, "on")
		s.MaxBody = cmp.Or(s.MaxBody, 8<<20)
		s.Currency = cmp.Or(s.Currency, "USD")
		s.OfficeID = cmp.Or(s.OfficeID, "6")
		s.Policy.FraudService = cmp.Or(s.Policy.FraudService, &yes)
		s.Policy.Invoice = cmp.Or(s.Policy.Invoice, &yes)
		s.Policy.Accept = cmp.Or(s.Policy.Accept, "auto")
		if s.API != nil {
			s.API.Confirm = cmp.Or(s.API.Confirm, &yes)
			s.API.Sweep = cmp.Or(s.API.Sweep, &yes)
			s.API.PerSecond = cmp.Or(s.API.PerSecond, 5)
			s.API.Timeout = cmp.Or(s.API.Timeout, 8*time.Second)
		}
		c.Sources[name] = s
	}
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,40}$`)

// check reports what is wrong, by key.
func (c *Config) check() (faults []error) {
	fault := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	oneOf := func(key, value string, of ...string) {
		if !slices.Contains(of, value) {
			fault(key, "%q is not one of %s", value, strings.Join(of, ", "))
		}
	}
	if u, err := url.Parse(c.Database); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		fault("database", "want a URL like postgres://user@host:5432/willcall, here or in DATABASE_URL")
	}
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "json", "text")
	if c.Operator.Token == "" && !Loopback(c.Operator.Listen) {
		fault("operator.token", "is required, because operator.listen %s is not a loopback address", c.Operator.Listen)
	}
	for i, n := range c.Webhookd.TrustedProxies {
		if _, err := netip.ParsePrefix(n); err != nil {
			fault(fmt.Sprintf("webhookd.trusted_proxies[%d]", i), "%q is no network; write it like 10.0.0.0/8", n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.POS)) {
		key, p := "pos."+name, c.POS[name]
		oneOf(key+".kind", p.Kind, "http")
		webURL(key+".url", p.URL, fault)
		if p.Token == "" {
			fault(key+".token", "is required")
		}
		if p.Timeout < 0 || p.Timeout > 10*time.Second {
			fault(key+".timeout", "%s is not between 0s and 10s: a call must end within the lease of its attempt", p.Timeout)
		}
	}
	if len(c.Sources) == 0 {
		fault("sources", "is empty: configure at least one")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		c.checkSource("sources."+name, name, c.Sources[name], fault, oneOf)
	}
	return faults
}

func (c *Config) checkSource(key, name string, s Source, fault func(key, format string, args ...any), oneOf func(key, value string, of ...string)) {
	if !sourceName.MatchString(name) {
		fault(key, "the name is part of URLs and keys: small letters, digits and dashes, at most 41")
	}
	oneOf(key+".kind", s.Kind, "tevo")
	oneOf(key+".verify", s.Verify, "on", "off")
	if s.Verify == "on" && len(s.Secrets) == 0 {
		fault(key+".secrets", "is empty: give the path token, or write verify: \"off\" to take what anybody posts")
	}
	for i, secret := range s.Secrets {
		if len(secret) < 12 {
			fault(fmt.Sprintf("%s.secrets[%d]", key, i), "is shorter than 12 characters")
		}
	}
	for i, n := range s.Allow {
		if _, err := netip.ParsePrefix(n); err != nil {
			fault(fmt.Sprintf("%s.allow[%d]", key, i), "%q is no network; write it like 203.0.113.0/24", n)
		}
	}
	if len(s.Currency) != 3 || strings.ToUpper(s.Currency) != s.Currency {
		fault(key+".currency", "%q is no ISO 4217 code", s.Currency)
	}
	if _, ok := c.POS[s.POS]; !ok {
		fault(key+".pos", "%q is not configured under pos", s.POS)
	}
	oneOf(key+".policy.accept", s.Policy.Accept, "auto", "manual")
	p := s.Policy
	for name, d := range map[string]time.Duration{"details_wait": p.DetailsWait, "fraud_wait": p.FraudWait, "approval_wait": p.ApprovalWait,
		"step_patience": p.StepPatience, "fulfil_within": p.FulfilWithin, "event_lead": p.EventLead, "grace": p.Grace, "quiet": p.Quiet} {
		if d < 0 {
			fault(key+".policy."+name, "%s is less than nothing", d)
		}
	}
	if s.API == nil {
		return
	}
	webURL(key+".api.url", s.API.URL, fault)
	for name, v := range map[string]string{"token": string(s.API.Token), "secret": string(s.API.Secret), "reviewer_id": s.API.ReviewerID} {
		if v == "" {
			fault(key+".api."+name, "is required")
		}
	}
	if s.API.PerSecond < 0 {
		fault(key+".api.per_second", "is less than nothing")
	}
}

func webURL(key, value string, fault func(key, format string, args ...any)) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		fault(key, "want an http or https URL")
	}
}

// Loopback reports whether the address can be reached from this machine alone.
func Loopback(listen string) bool {
	addr, err := netip.ParseAddrPort(listen)
	return err == nil && addr.Addr().IsLoopback() || strings.HasPrefix(listen, "localhost:")
}
