package ingest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// What the service or the store does to one file after the other is no file's doing,
// though the answer is their own. It is switched off when it has struck a while.

func TestAnswersThatAreAlikeForAll(t *testing.T) {
	store := func(status int, code string) sandbox.Fault {
		return sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStatus, Status: status, Body: "<Error><Code>" + code + "</Code><Message>No.</Message></Error>"}
	}
	create := func(f sandbox.Fault) sandbox.Fault {
		f.Operation = "CreateAsset"
		return f
	}
	const timedOut = `{"message":"Endpoint request timed out"}`
	tests := map[string]func(*testing.T){}
	for name, f := range map[string]sandbox.Fault{
		"store denies":         store(403, "AccessDenied"),
		"store denies access":  store(403, "AllAccessDisabled"),
		"no bucket":            store(404, "NoSuchBucket"),
		"no key":               store(400, "KMS.DisabledException"),
		"no signer":            store(403, "InvalidAccessKeyId"),
		"no signature":         store(403, "SignatureDoesNotMatch"),
		"create 504, done":     create(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 504, Body: timedOut, Worked: true}),
		"create 504, not done": create(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 504, Body: timedOut}),
		"create cut":           create(sandbox.Fault{Kind: sandbox.FaultCutBody}),
		"create reset":         create(sandbox.Fault{Kind: sandbox.FaultResetAfter}),
		"search error":         {Operation: "Search", Kind: sandbox.FaultErrorIn200, Body: "search failed"},
		"search 400":           {Operation: "Search", Kind: sandbox.FaultStatus, Status: 400, Body: `{"message":"Bad Request"}`},
		"search 404":           {Operation: "Search", Kind: sandbox.FaultStatus, Status: 404, Body: `{"message":"Not Found"}`},
		"search 403":           {Operation: "Search", Kind: sandbox.FaultStatus, Status: 403, Body: `{"message":"Search is not available"}`},
	} {
		tests[name] = func(t *testing.T) {
			r := newRig(t, nil)
			r.config.RetryInitial, r.config.RetryMax = 500*time.Millisecond, time.Second // until a third file is refused
			r.config.Folders[0].VersionByFilename = f.Operation == "Search"
			var paths []string
			for i := range 8 {
				paths = append(paths, fmt.Sprintf("f%d.jpg", i))
				r.write(paths[i], 500, 1)
			}
			f.Times = forGood
			r.queue(f)
			enough := 5
			if strings.Contains(f.Body, "SignatureDoesNotMatch") {
				enough = 8 // each is sent in two ways
			}
			go func() {
				for r.sandbox.Faults()[0].Struck < enough {
					time.Sleep(5 * time.Millisecond)
				}
				r.sandbox.ClearFaults()
			}()
			r.backfill()
			lost := 0
			for _, e := range r.entries() {
				lost += e.Failures
				if e.Status != journal.Filed {
					t.Errorf("%s is %s: %+v", e.Path, e.Status, e.Reason)
				}
			}
			r.wantExactly(paths...)
			if lost > 2 {
				t.Errorf("the files lost %d attempts, want one each of those that it was not yet known of", lost)
			}
			if n := strings.Count(r.log.String(), "one file after another is refused"); n != 1 {
				t.Errorf("%d lines tell of it:\n%s", n, r.log)
			}
			if n := r.sandbox.State().Counts.Requests["CreateAsset"]; n > 22 {
				t.Errorf("%d creates for %d files", n, len(paths))
			}
			r.wantNoSecrets()
		}
	}
	together(t, 20, tests)
}
