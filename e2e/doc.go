// Package e2e proves the promises on the real parts: webhookd and worker as processes that are killed, a real Temporal
// server, a real Postgres, and simulators behind HTTP. Its tests are the list of what a broker is promised. They are skipped
// where Postgres or the Temporal server is missing; `make test` gets both.
package e2e
