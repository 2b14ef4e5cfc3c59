package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"willcall/order"
	"willcall/pos"
	"willcall/postgres"
)

// NoticeStep is one piece of news that concerns no single order.
type NoticeStep struct {
	Source  string      `json:"source"`
	Subject string      `json:"subject"` // the provider's id of the performance, or of the buyer
	Event   order.Event `json:"event"`
}

// Told is what became of a piece of news.
type Told struct {
	Orders int    `json:"orders,omitempty"`
	Result string `json:"result,omitempty"` // of a customer: updated, stale, unknown, unsupported
}

// TellOrders notes what was said of a performance, for orders to come, and tells every open order of it. Where it is stopped
// and begun again it goes on behind the last order that was told.
func (a *Activities) TellOrders(ctx context.Context, in NoticeStep) (Told, error) {
	told, err := a.tell(ctx, in)
	if err != nil {
		a.Logger.Warn("news of an event did not reach all its orders", "source", in.Source, "event", in.Subject, "told", told.Orders, "error", toTemporal(err))
	} else {
		a.Logger.Info("news of an event told", "source", in.Source, "event", in.Subject, "orders", told.Orders)
	}
	return told, toTemporal(err)
}

type tellProgress struct {
	After string
	Told  int
}

func (a *Activities) tell(ctx context.Context, in NoticeStep) (Told, error) {
	doc, err := json.Marshal(in.Event)
	if err != nil {
		return Told{}, err
	}
	if _, err := a.DB.PutEventNews(ctx, in.Source, in.Subject, in.Event.At, doc); err != nil {
		return Told{}, err
	}
	var at tellProgress
	if activity.HasHeartbeatDetails(ctx) {
		_ = activity.GetHeartbeatDetails(ctx, &at) // from the beginning, then: a repetition does no harm
	}
	const page = 200
	for {
		orders, err := a.DB.OpenOrders(ctx, in.Source, in.Subject, at.After, page)
		if err != nil {
			return Told{Orders: at.Told}, err
		}
		for _, id := range orders {
			if err := a.Tell(ctx, id, in.Event); err != nil {
				return Told{Orders: at.Told}, fmt.Errorf("tell order %s: %w", id.ID, err)
			}
			at = tellProgress{After: id.ID, Told: at.Told + 1}
			activity.RecordHeartbeat(ctx, at)
		}
		if len(orders) < page {
			return Told{Orders: at.Told}, nil
		}
	}
}

// UpdateCustomer brings what the POS knows of a buyer up to date. A buyer who never bought through us is none of the POS's.
func (a *Activities) UpdateCustomer(ctx context.Context, in NoticeStep) (Told, error) {
	begun := time.Now()
	told, err := a.updateCustomer(ctx, in)
	outcome := told.Result
	if err != nil {
		class, _ := classify(err)
		outcome = string(class)
		a.Logger.Warn("news of a customer did not reach the POS", "source", in.Source, "webhook", in.Event.ID, "error", toTemporal(err))
	}
	a.Metrics.step(in.Source, "update_customer", outcome, time.Since(begun))
	return told, toTemporal(err)
}

func (a *Activities) updateCustomer(ctx context.Context, in NoticeStep) (Told, error) {
	src, err := a.source(in.Source)
	if err != nil {
		return Told{}, err
	}
	if src.Customer == nil || src.POS == nil {
		return Told{Result: "unsupported"}, nil
	}
	customer, known, err := a.DB.LinkedCustomer(ctx, src.POSName, src.Kind, in.Subject)
	switch {
	case err != nil || customer == "":
		return Told{Result: "unknown"}, err
	case known.After(in.Event.At):
		return Told{Result: "stale"}, nil
	}
	body, err := a.document(ctx, Step{Document: in.Event.ID})
	if err != nil {
		return Told{}, err
	}
	buyer, err := src.Customer(body)
	if err != nil {
		return Told{}, err
	}
	key := "customer_news/" + src.POSName + "/" + in.Event.ID
	caps, err := src.POS.Capabilities(ctx)
	if err != nil {
		return Told{}, err
	}
	if !caps.UpdateCustomers {
		return Told{Result: "unsupported"}, nil
	}
	return once(ctx, a, postgres.Operation{Key: key, Do: "update_customer", Adapter: src.POSName}, func(ctx context.Context, _ int) (Told, error) {
		_, err := src.POS.UpdateCustomer(ctx, pos.Op{Key: key}, customer, customerInput(buyer))
		switch {
		case pos.ClassOf(err) == pos.NotFound:
			return Told{Result: "unknown"}, nil // deleted or merged by people
		case err != nil:
			return Told{}, err
		}
		return Told{Result: "updated"}, a.DB.NoteCustomerNews(ctx, src.POSName, src.Kind, in.Subject, in.Event.At)
	})
}
