package app

import (
	"fmt"

	"willcall/config"
	"willcall/pos"
	"willcall/pos/httpapi"
	"willcall/pos/skybox"
	"willcall/pos/tevocore"
)

// systems has a row for each kind of POS.
var systems = map[string]func(config.POS) (pos.Adapter, error){
	"http":     httpPOS,
	"skybox":   skyboxPOS,
	"tevocore": tevocorePOS,
}

// adapters are the POSes of the configuration, by name.
func adapters(cfg config.Config) (map[string]pos.Adapter, error) {
	out := map[string]pos.Adapter{}
	for name, p := range cfg.POS {
		open, ok := systems[p.Kind]
		if !ok {
			return nil, fmt.Errorf("pos.%s.kind: nothing speaks %q", name, p.Kind)
		}
		adapter, err := open(p)
		if err != nil {
			return nil, fmt.Errorf("pos.%s: %w", name, err)
		}
		out[name] = adapter
	}
	return out, nil
}

func httpPOS(p config.POS) (pos.Adapter, error) {
	return httpapi.New(httpapi.Config{BaseURL: p.URL, Token: string(p.Token), Timeout: p.Timeout})
}

func skyboxPOS(p config.POS) (pos.Adapter, error) {
	s := p.SkyBox
	return skybox.New(skybox.Config{
		BaseURL: p.URL, ApplicationToken: string(s.ApplicationToken), APIToken: string(p.Token), Account: s.Account,
		Timeout: p.Timeout, SettleDelay: p.SettleDelay, PerSecond: float64(p.PerSecond), Currency: p.Currency,
		SalesTerm: s.SalesTerm, PaymentMethod: s.PaymentMethod, DeliveryMethod: s.DeliveryMethod,
		PurchaseTerm: s.PurchaseTerm, PurchaseMethod: s.PurchaseMethod, StockType: s.StockType,
		Address:  skybox.Address(s.Address),
		VendorID: s.VendorID, VendorEmail: s.VendorEmail, VendorType: s.VendorType, Venue: s.Venue, NoPlace: s.NoPlace,
		ReadDeliveries: s.ReadDeliveries,
	})
}

func tevocorePOS(p config.POS) (pos.Adapter, error) {
	s := p.TEvoCore
	return tevocore.New(tevocore.Config{
		BaseURL: p.URL, Token: string(p.Token), Secret: string(s.Secret), OfficeID: s.OfficeID, ReviewerID: s.ReviewerID,
		Timeout: p.Timeout, SettleDelay: p.SettleDelay, PerSecond: p.PerSecond, Currency: p.Currency,
		SearchDays: s.SearchDays, MaxPages: s.MaxPages, SearchByReference: s.SearchByReference,
		EmailFilter: s.EmailFilter, PhoneFilter: s.PhoneFilter, ScanClients: s.ScanClients,
		Listings: s.Listings, Delivery: s.Delivery, PaymentType: s.PaymentType, VoidByReturn: s.VoidByReturn,
		CancelKeepsTickets: s.CancelKeepsTickets, AttachFiles: s.AttachFiles, ReadETickets: s.ReadETickets, Vendors: s.Vendors,
	})
}
