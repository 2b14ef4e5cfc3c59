package webhook

import (
	"net/http"
	"time"
)

// BodyTimeout is how long a sender may take for a body unless [Options] say otherwise.
const BodyTimeout = 15 * time.Second

// Server returns a server for addr whose limits suit the door: it cuts off senders that dawdle with the header (5 s),
// the body (twice [BodyTimeout], as the back-stop of the handler's own deadline) or with reading the answer, and refuses
// headers above 16 KB.
func Server(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       2 * BodyTimeout,
		WriteTimeout:      4 * BodyTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}
