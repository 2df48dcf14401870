package outage

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
	"github.com/tenovos-ingest/ingestd/uploader"
)

// TestPausedBy has a class for whatever can close the gate, and none once it is open.
func TestPausedBy(t *testing.T) {
	refused := func(kind tenovos.Kind, err error) error {
		return fmt.Errorf("create: %w", &tenovos.Error{Kind: kind, Err: err})
	}
	for _, c := range []struct {
		cause error
		want  string
	}{
		{refused(tenovos.Unavailable, nil), journal.PausedByTenovos},
		{refused(tenovos.Ambiguous, nil), journal.PausedByTenovos},
		{refused(tenovos.Unavailable, tenovos.ErrIntermediary), journal.PausedByTenovos},
		{refused(tenovos.Unauthorized, tenovos.ErrIntermediary), journal.PausedByTenovos},
		{refused(tenovos.Unauthorized, tenovos.ErrCredentials), journal.PausedByCredentials},
		{refused(tenovos.Unauthorized, nil), journal.PausedByCredentials},
		{refused(tenovos.Throttled, nil), journal.PausedByThrottling},
		{fmt.Errorf("part 1: %w", uploader.ErrUnreachable), journal.PausedByStore},
		{fmt.Errorf("part 1: %w", uploader.ErrClockSkew), journal.PausedByStore},
	} {
		by, why := "nothing yet", ""
		g := NewGate(zerolog.Nop(), time.Now, func(b, w string) { by, why = b, w }, nil)
		if !g.Blame(t.Context(), c.cause, time.Second) || by != c.want || why == "" {
			t.Errorf("%v: paused by %q (%q), want %q", c.cause, by, why, c.want)
		}
		if g.open(); by != "" || why != "" {
			t.Errorf("open, and paused by %q (%q)", by, why)
		}
	}
}

// TestCircuitIsAPause trips a circuit.
func TestCircuitIsAPause(t *testing.T) {
	c := &Circuits{circuitSet: newCircuitSet(time.Now)}
	if by, why := c.Paused(); by != "" || why != "" {
		t.Errorf("whole, and paused by %q (%q)", by, why)
	}
	for id := range int64(tripFiles) {
		c.refuse(ContentStore, id+1, 1, 100, errors.New("no way").Error())
	}
	if by, why := c.Paused(); by != journal.PausedByCircuit || why != "no way" {
		t.Errorf("tripped, and paused by %q (%q)", by, why)
	}
}
