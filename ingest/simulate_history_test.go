package ingest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// happen has a history happen, and returns what was wrong in it.
func happen(t *testing.T, plan simPlan) (wrong []string) {
	dir, err := os.MkdirTemp("/dev/shm", "ingestd-sim-") //nolint:usetesting // a RAM disk
	if err != nil {
		dir = t.TempDir()
	}
	defer func() { _ = os.RemoveAll(dir) }()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, dir, plan)
		b := s.t.(*breaches)
		func() {
			defer func() {
				if v := recover(); v != nil && v != any(b) {
					panic(v)
				}
			}()
			s.happen()
		}()
		if len(b.list) > 0 && os.Getenv("INGESTD_SIM_LOG") != "" {
			b.list = append(b.list, s.dumpAll(), s.log.String())
		}
		s.over()
		wrong = b.list
	})
	return wrong
}

// happen is the history itself.
func (s *sim) happen() {
	s.begin()
	down := 0
	for _, step := range s.plan.Steps {
		if s.life == nil {
			if down--; down < 0 {
				s.begin()
			}
		}
		simDeeds[step.Do](s, step)
		if step.Do == "crash" {
			down = step.Down
		}
		told := s.told
		s.told = nil
		s.pause(step.wait())
		s.wantForetold(told)
	}
	s.finish()
	s.check()
	s.down()
	s.wantNoTraces()
}

// over ends what is left of a history.
func (s *sim) over() {
	if s.life != nil {
		s.old = append(s.old, s.life)
	}
	for _, l := range s.old {
		l.bury()
	}
	time.Sleep(time.Minute) // a worker may have been left behind that looked at its file
	if err := s.sandbox.Close(); err != nil {
		s.t.Errorf("%v", err)
	}
}

// dumpAll is what a failed history looks like in the end.
func (s *sim) dumpAll() string {
	var b strings.Builder
	for _, e := range s.entries() {
		fmt.Fprintf(&b, "%d %s gen %d: %s %s %.8s: %s: %s\n", e.ID, e.Path, e.Generation, e.Status, e.ObjectID, fmt.Sprintf("%x", e.SHA256), e.Reason.Class, e.Reason.Message)
	}
	for _, a := range s.sandbox.State().Assets {
		fmt.Fprintf(&b, "asset %s of %s: content %t %.8s, current %t, deleted %t\n", a.ObjectID, a.Filename, a.HasContent, a.ContentMD5, a.Current, a.Deleted)
	}
	fmt.Fprintln(&b, s.files())
	return b.String()
}
