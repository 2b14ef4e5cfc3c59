package operator

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"willcall/order"
	"willcall/postgres"
)

// duplicate is a reference with several live records in the point of sale.
type duplicate struct {
	Source     string     `json:"source"`
	Reference  string     `json:"reference"` // the workflow id of its order
	Kind       order.Do   `json:"kind"`      // of the records: invoice or purchase_order
	Live       int        `json:"live"`
	IDs        []string   `json:"ids"`         // the POS's; of more than a hundred the first
	OrderNames *string    `json:"order_names"` // the one of them to keep
	FirstSeen  time.Time  `json:"first_seen"`
	LastSeen   time.Time  `json:"last_seen"`
	GoneAt     *time.Time `json:"gone_at"`
}

func duplicateOf(d postgres.Duplicate) duplicate {
	return duplicate{
		Source: d.Source, Reference: d.Reference, Kind: d.Kind, Live: d.Live, IDs: d.IDs, OrderNames: text(d.Named),
		FirstSeen: d.FirstSeen.UTC(), LastSeen: d.LastSeen.UTC(), GoneAt: moment(d.GoneAt),
	}
}

func (a *api) duplicates(c *gin.Context) {
	q := queryOf(c)
	source, gone := q.text("source"), q.flag("gone")
	limit, cursor := q.limit(), q.text("cursor")
	if !q.ok(c) {
		return
	}
	rows, next, err := a.DB.Duplicates(c.Request.Context(), source, gone, cursor, limit)
	if err != nil {
		a.failed(c, "duplicate", err)
		return
	}
	items := make([]duplicate, 0, len(rows))
	for _, d := range rows {
		items = append(items, duplicateOf(d))
	}
	c.JSON(http.StatusOK, pageOf(items, next))
}
