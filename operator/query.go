package operator

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"
)

const maxLimit = 500

// query reads a request's parameters and remembers the first fault. A parameter that nobody reads is one: a filter
// that is misspelt would silently not filter.
type query struct {
	values url.Values
	read   []string
	fault  string
}

func queryOf(c *gin.Context) *query { return &query{values: c.Request.URL.Query()} }

func (q *query) text(name string) string {
	q.read = append(q.read, name)
	all := q.values[name]
	if len(all) > 1 {
		q.fail("The parameter %s is there more than once.", name)
	}
	v := q.values.Get(name)
	if strings.ContainsFunc(v, unicode.IsControl) {
		q.fail("The parameter %s holds control characters.", name)
	}
	return v
}

func (q *query) oneOf(name string, words []string) string {
	v := q.text(name)
	if v != "" && !slices.Contains(words, v) {
		q.fail("The parameter %s must be one of %s.", name, strings.Join(words, ", "))
	}
	return v
}

func (q *query) moment(name string) time.Time {
	v := q.text(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		q.fail("The parameter %s must be a time such as 2026-11-22T18:30:00Z.", name)
	}
	return t
}

func (q *query) flag(name string) bool {
	switch q.oneOf(name, []string{"0", "1", "false", "true"}) {
	case "1", "true":
		return true
	}
	return false
}

// limit is how many items a page has, 50 unless said otherwise.
func (q *query) limit() int {
	v := q.text("limit")
	if v == "" {
		return 50
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxLimit {
		q.fail("The parameter limit must be a number from 1 to %d.", maxLimit)
	}
	return n
}

func (q *query) fail(format string, args ...any) {
	if q.fault == "" {
		q.fault = fmt.Sprintf(format, args...)
	}
}

// ok answers with the fault if there is one.
func (q *query) ok(c *gin.Context) bool {
	for name := range q.values {
		if !slices.Contains(q.read, name) {
			q.fail("There is no such parameter; there are %s.", strings.Join(q.read, ", "))
		}
	}
	if q.fault != "" {
		badRequest(c, q.fault)
		return false
	}
	return true
}

// page is one page of a list.
type page[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
}

func pageOf[T any](items []T, next string) page[T] {
	if items == nil {
		items = []T{}
	}
	return page[T]{Items: items, Next: text(next)}
}

// text is s, or null where there is none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// moment is t in UTC, or null where there is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
