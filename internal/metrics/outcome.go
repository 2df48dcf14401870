package metrics

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
)

// Outcomes of requests to the API: what one sees of them on the wire.
const (
	ok           = "ok"
	clientError  = "client_error"  // refused, or not there
	unauthorized = "unauthorized"  // session, key or account refused
	throttled    = "throttled"     // asked to come back later
	serverError  = "server_error"  // 5xx, or an error that says as much
	badReply     = "invalid_reply" // an answer that cannot be used
	intermediary = "intermediary"  // answered by somebody on the way
	timeout      = "timeout"
	network      = "network" // no connection, or one that broke
	cancelled    = "cancelled"
)

// outcomeOf is the outcome of a request that ended with an error of the client, or nil.
func outcomeOf(err error) string {
	if err == nil {
		return ok
	}
	e, known := errors.AsType[*tenovos.Error](err)
	late, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return cancelled
	case errors.Is(err, tenovos.ErrTimeout), isNet && late.Timeout(), known && e.Status == 408, known && e.Status == 504:
		return timeout
	case !known:
		return network
	case e.Kind == tenovos.Throttled:
		return throttled
	case e.Status >= 500:
		return serverError
	case errors.Is(err, tenovos.ErrIntermediary):
		return intermediary
	case e.Kind == tenovos.Unauthorized:
		return unauthorized
	case e.Kind == tenovos.Rejected, e.Kind == tenovos.NotFound, e.Status >= 400:
		return clientError
	case e.Status == 0:
		return network
	case e.Message != "": // an error inside a 200
		return serverError
	}
	return badReply
}

// word makes a label of a few words.
func word(words string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(words)
}
