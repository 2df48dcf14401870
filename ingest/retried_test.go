package ingest_test

import (
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/reasons"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// TestRetried tells of each step that failed and is tried again, with the class of why. What
// only waits, for another file of the same content, is no retry.
func TestRetried(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault sandbox.Fault
		want  map[string]int
	}{
		"nothing fails":       {want: map[string]int{}},
		"the store fails":     {sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStatus, Status: 500, Times: 2}, map[string]int{reasons.ClassNetwork: 2}},
		"no way to the store": {sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultResetBefore}, map[string]int{reasons.ClassNetwork: 1}},
		"other bytes arrive":  {sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultWrongETag}, map[string]int{reasons.ClassChecksum: 1}},
		"a create is throttled": {
			sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: "1"}, map[string]int{reasons.ClassThrottled: 1},
		},
		"a create's reply is lost": {
			sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultResetAfter}, map[string]int{reasons.ClassAmbiguous: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			var mu sync.Mutex
			got := map[string]int{}
			r.retried = func(class string) {
				mu.Lock()
				defer mu.Unlock()
				got[class]++
			}
			if c.fault.Operation != "" {
				r.queue(c.fault)
			}
			r.write("a.jpg", 1000, 1)
			if c.fault.Operation == "" {
				r.config.Workers = 2
				if err := os.WriteFile(filepath.Join(r.drop, "b.jpg"), content("a.jpg", 1000, 1), 0o600); err != nil {
					t.Fatal(err)
				}
				r.queue(sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Delay: 300 * time.Millisecond})
			}
			r.backfill()
			if !maps.Equal(got, c.want) {
				t.Errorf("told of %v, want %v", got, c.want)
			}
		})
	}
}
