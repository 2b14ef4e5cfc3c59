package operator

import (
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"willcall/postgres"
	"willcall/webhook"
)

// fail answers with a problem and ends the request.
func fail(c *gin.Context, name, title string, status int, detail string) {
	webhook.Problem{Name: name, Title: title, Status: status, Detail: detail}.Write(c.Writer)
	c.Abort()
}

// badRequest says what in the request is wrong, and what would be right.
func badRequest(c *gin.Context, detail string) {
	fail(c, "bad-request", "Bad request", http.StatusBadRequest, detail)
}

// failed maps the errors of package postgres to HTTP. what is what was asked for: "order".
func (a *api) failed(c *gin.Context, what string, err error) {
	switch {
	case errors.Is(err, postgres.ErrNotFound):
		fail(c, "not-found", "Not found", http.StatusNotFound, "There is no such "+what+".")
	case errors.Is(err, postgres.ErrInvalid):
		badRequest(c, "The cursor or a filter cannot be read. Take the cursor from next of the page before, unchanged, "+
			"or leave it out to begin anew.")
	case errors.Is(err, postgres.ErrConflict):
		fail(c, "conflict", "Changed meanwhile", http.StatusConflict, "The "+what+" changed in the meantime. Look at it and try again.")
	case errors.Is(err, postgres.ErrSchema):
		a.Logger.Error("the schema is not that of this program", "err", err)
		fail(c, "storage-unavailable", "Storage unavailable", http.StatusServiceUnavailable,
			"The database's schema is not that of this program; /readyz says what to run.")
	case errors.Is(err, postgres.ErrUnavailable), errors.Is(err, postgres.ErrBusy):
		webhook.Problem{Name: "storage-unavailable", Title: "Storage unavailable", Status: http.StatusServiceUnavailable,
			Detail: "Postgres does not answer. Try again; /readyz says when it is back.", RetryAfter: 5 * time.Second}.Write(c.Writer)
		c.Abort()
	case c.Request.Context().Err() != nil:
		c.Abort() // whoever asked is gone
	default:
		a.Logger.Error("the operators' API could not answer", "path", c.FullPath(), "err", err)
		fail(c, "internal", "Internal error", http.StatusInternalServerError, "This is a fault of the program; see its log.")
	}
}
