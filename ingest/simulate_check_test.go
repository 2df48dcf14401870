package ingest_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/notes"
	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

var background = context.Background()

// wantBalance fails unless each folder has seen the sum of what its entries are.
func (s *sim) wantBalance(all []journal.Counts) {
	for _, c := range all {
		sum := 0
		for _, n := range c.By {
			sum += n
		}
		if sum != c.Seen {
			s.t.Errorf("the books do not balance: %d seen, %d entries: %v", c.Seen, sum, c.By)
		}
	}
}

// wantLegalMoves fails where an entry has a status that there is no way to from the one
// that it had. Another commit may have come in between.
func (s *sim) wantLegalMoves(ctx context.Context, r *journal.Reader) error {
	s.following.Lock()
	defer s.following.Unlock()
	moves := journal.Moves()
	return r.Entries(ctx, journal.Filter{All: true}, func(e journal.Entry) error {
		was, known := s.statuses[e.ID]
		s.statuses[e.ID] = e.Status
		via := func(mid journal.Status) bool { return journal.CanAdvance(mid, e.Status) }
		if known && was != e.Status && !via(was) && !slices.ContainsFunc(moves[was], via) {
			s.t.Errorf("%s generation %d was %s, and is %s", e.Path, e.Generation, was, e.Status)
		}
		return nil
	})
}

// finish ends the troubles, has the operator retry what rests for them, and lets time
// pass until there is nothing left to do.
func (s *sim) finish() {
	s.arm("", 0)
	s.standStill()
	s.sandbox.ClearFaults()
	if err := s.sandbox.Configure(func(o *sandbox.Options) { o.URLLife = 0 }); err != nil {
		s.t.Fatal(err)
	}
	s.settleDown()
	if s.plan.Setup.Texts {
		s.wantNoSecrets()
	}
	for range 3 {
		again := false
		for _, e := range s.entries() {
			if e.Status != journal.Failed && e.Status != journal.Held {
				continue
			}
			if e.Reason.Message == "" || e.Reason.Hint == "" {
				s.t.Errorf("%s rests without a message or a hint: %+v", e.Path, e.Reason)
			}
			again = again || !s.mayStay(e)
		}
		if !again {
			break
		}
		s.ask(desk.RequestRetry, desk.Selection{})
		s.settleDown()
		s.startOver()
	}
	s.down()
	time.Sleep(25 * time.Hour) // clean-up work that waits is done, or known to be needless
	s.settleDown()
	s.removeTwins()
}

// startOver does what an operator does with files that were handed over, and whose content
// still is not to be seen: the reply to a cancel or a completion was lost.
func (s *sim) startOver() {
	var ids []int64
	for _, e := range s.entries() {
		if e.Status == journal.Held && e.Reason.Class == journal.ClassUnverified {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) > 0 {
		s.ask(desk.RequestRetry, desk.Selection{IDs: ids, AsNew: true})
		s.settleDown()
	}
}

// removeTwins does what the log asks of people where several lost creates of one name
// left empty assets, which cannot be told apart.
func (s *sim) removeTwins() {
	for _, a := range available(s.sandbox.State()) {
		told := fmt.Sprintf(`"filename":%q`, a.Filename)
		for line := range strings.Lines(s.log.String()) {
			if !a.HasContent && strings.Contains(line, "gave up cleaning up after an upload") && strings.Contains(line, told) {
				s.sandbox.Purge(a.ObjectID)
			}
		}
	}
}

// settleDown returns when all that the watcher can find is found, and rests.
func (s *sim) settleDown() {
	if s.life == nil {
		s.begin()
	}
	s.pause(simSettle)
	s.notice(simMail{scan: true})
	s.pause(simSettle)
	for wait, waited := 100*time.Millisecond, time.Duration(0); ; waited += wait {
		if s.life == nil {
			s.t.Fatalf("it crashed without an order")
		}
		open := s.unfinished()
		if open == "" {
			return
		}
		if waited > time.Hour {
			s.t.Fatalf("it does not come to rest: %s", open)
		}
		s.pause(wait)
		wait = min(wait*3/2, 10*time.Second)
	}
}

// unfinished says what is still to be done now.
func (s *sim) unfinished() string {
	j := s.life.journal
	n, err := j.Reader().Unfinished(background, nil)
	if err == nil && n > 0 {
		return fmt.Sprintf("%d entries are unfinished", n)
	}
	requests, rerr := journal.RequestsOf(j).Open(background)
	if len(requests) > 0 {
		return "a request is not answered: " + requests[0].Kind
	}
	var chores []journal.Chore
	for _, folder := range []string{"", "drop"} {
		due, derr := journal.ChoresOf(j).Due(background, time.Now(), folder, 10)
		chores = append(chores, due...)
		if err == nil {
			err = derr
		}
	}
	told, nerr := journal.NotesOf(j).Due(background, time.Now(), "drop", 10)
	if len(told) > 0 {
		return fmt.Sprintf("notes are due: %+v", told)
	}
	if err = errors.Join(err, nerr); err != nil || rerr != nil {
		s.t.Fatalf("the journal cannot be read: %v, %v", err, rerr)
	}
	if len(chores) > 0 {
		return fmt.Sprintf("clean-up work is due: %+v", chores[0])
	}
	return ""
}

// mayStay reports whether an entry may rest without being in although nothing is wrong
// any more.
func (s *sim) mayStay(e journal.Entry) bool {
	asked := s.model.asked
	switch e.Status {
	case journal.Ignored, journal.Superseded:
		return true
	case journal.Cancelled:
		return asked[desk.RequestCancel]
	case journal.Withdrawn:
		return asked[desk.RequestWithdraw]
	case journal.Duplicate:
		return s.skips
	case journal.Held, journal.Failed:
		switch e.Reason.Class {
		case journal.ClassMetadata:
			return s.plan.Setup.Rules == 0
		case journal.ClassDuplicate:
			return true
		case "withdrawn":
			return asked[desk.RequestWithdraw]
		case "namesakes":
			return s.plan.Setup.Versions == "filename"
		}
	}
	return false
}

// check fails unless what the account, the journal and the drop hold in the end is what
// people put there.
func (s *sim) check() {
	state := s.sandbox.State()
	there := make(map[string]bool)
	for _, a := range available(state) {
		there[a.ObjectID] = true
	}
	// The upload of a create whose reply was lost has an id that nobody knows.
	state.Uploads = slices.DeleteFunc(state.Uploads, func(u sandbox.Upload) bool { return !there[u.ObjectID] && len(u.Parts) == 0 })
	s.wantNothingLeft(state)

	entries := s.entries()
	assets := make(map[string]sandbox.Asset)
	inside := make(map[string]int) // by content
	for _, a := range available(state) {
		assets[a.ObjectID] = a
		inside[a.ContentMD5]++
		if s.model.offers[a.ContentMD5] == 0 {
			s.t.Errorf("asset %s of %s holds what was never in the drop", a.ObjectID, a.Filename)
		}
	}
	for sum, n := range inside {
		if most := s.model.offers[sum]; n > most {
			s.t.Errorf("the content %.8s is there %d times, and was put into the drop %d times", sum, n, most)
		}
	}
	owner := make(map[string]journal.Entry)
	latest := make(map[string]journal.Entry)
	for _, e := range entries {
		if e.Generation >= latest[e.Path].Generation {
			latest[e.Path] = e
		}
		if _, ok := assets[e.ObjectID]; ok && e.Status == journal.Withdrawn {
			s.t.Errorf("%s generation %d is withdrawn, and its asset is there", e.Path, e.Generation)
		}
		if e.Status != journal.Filed {
			continue
		}
		if other, twice := owner[e.ObjectID]; twice {
			s.t.Errorf("entries %d and %d have one asset", other.ID, e.ID)
		}
		owner[e.ObjectID] = e
		if a, ok := assets[e.ObjectID]; !ok && s.model.asked[desk.RequestWithdraw] {
			continue // the reply to the withdrawal was lost, which the operator was told
		} else if !ok {
			s.t.Errorf("%s generation %d is filed, and its asset is not there", e.Path, e.Generation)
		} else if a.Filename != e.Filename {
			s.t.Errorf("%s generation %d is filed as %s", e.Path, e.Generation, a.Filename)
		}
	}
	for id, a := range assets {
		if _, ok := owner[id]; !ok {
			s.t.Errorf("nobody knows the asset %s of %s", id, a.Filename)
		}
	}
	for path, sum := range s.model.there {
		s.checkPath(path, sum, latest[path], assets, inside)
	}
	s.checkNotes(entries)
	for _, e := range entries {
		if !e.Status.Resting() {
			s.t.Errorf("%s generation %d is %s", e.Path, e.Generation, e.Status)
		}
	}
}

// checkPath fails unless the file that was put under a path is in, or rests with a reason
// that it may have.
func (s *sim) checkPath(path, sum string, e journal.Entry, assets map[string]sandbox.Asset, inside map[string]int) {
	data, err := os.ReadFile(s.at(path))
	lies := err == nil && sumOf(data) == sum
	switch {
	case err == nil && !lies:
		s.t.Errorf("%s holds other bytes than were put there", path)
	case e.ID == 0 && inside[sum] == 0:
		s.t.Errorf("the journal does not know %s, and it is not in", path)
	case e.Status == journal.Filed && assets[e.ObjectID].ContentMD5 != sum && !(s.model.asked[desk.RequestWithdraw] && !assets[e.ObjectID].HasContent):
		s.t.Errorf("%s is filed with other bytes than were put there", path)
	case e.Status == journal.Filed, e.ID == 0:
	case !s.mayStay(e):
		s.t.Errorf("%s rests: it is %s: %+v", path, e.Status, e.Reason)
	case e.Status == journal.Duplicate && inside[sum] == 0 && !s.model.asked[desk.RequestWithdraw]:
		s.t.Errorf("%s is a duplicate of nothing", path)
	case e.Status == journal.Superseded && inside[sum] == 0:
		s.t.Errorf("%s is superseded, and it is not in", path)
	}
	if !lies && inside[sum] == 0 && !s.lies(sum) && !s.model.asked[desk.RequestWithdraw] {
		s.t.Errorf("%s is neither in nor anywhere below the drop", path)
	}
}

// isNote reports whether a file below the drop is a note.
func (s *sim) isNote(rel string) bool {
	data, err := os.ReadFile(s.at(rel))
	return err == nil && notes.Named(rel) && notes.Ours(data)
}

// checkNotes fails unless exactly those files have a note that are held in a folder which
// tells, and those that failed and were moved away.
func (s *sim) checkNotes(entries []journal.Entry) {
	want := make(map[string]int64)
	for _, e := range entries {
		if e.Status == journal.Held && !s.plan.Setup.After.Keeps() {
			if _, err := os.Lstat(s.at(e.Path)); err == nil {
				want[e.Path+".held.txt"] = e.ID
			}
		}
		if e.Status == journal.Failed && e.MovedTo != "" {
			want[e.MovedTo+".error.txt"] = e.ID
		}
	}
	for _, rel := range s.files() {
		if !notes.Named(rel) || !s.isNote(rel) {
			continue
		}
		data, err := os.ReadFile(s.at(rel))
		if err != nil {
			s.t.Fatal(err)
		}
		if is, _ := notes.Read(string(data)); want[rel] != is.Entry || !is.Intact {
			s.t.Errorf("%s is a note of entry %d, where one of entry %d should be: %s", rel, is.Entry, want[rel], s.files())
		}
		delete(want, rel)
	}
	for rel, id := range want {
		s.t.Errorf("there is no note %s of entry %d: %s", rel, id, s.files())
	}
}

// lies reports whether a file below the drop holds a content.
func (s *sim) lies(sum string) bool {
	return slices.ContainsFunc(s.files(), func(path string) bool {
		data, err := os.ReadFile(s.at(path))
		return err == nil && sumOf(data) == sum
	})
}

func sumOf(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// wantNoTraces fails where the log, or the journal's file when nobody has it open, holds a
// secret: a URL that was done with is overwritten.
func (s *sim) wantNoTraces() {
	secrets := []string{s.account.APIKey, "X-Amz-Signature", "X-Amz-Credential"}
	for _, u := range s.account.Users {
		secrets = append(secrets, u.Password)
	}
	data, err := os.ReadFile(s.rig.journal)
	if err != nil {
		s.t.Fatal(err)
	}
	log := s.log.String()
	for _, secret := range secrets {
		if at := bytes.Index(data, []byte(secret)); at >= 0 {
			s.t.Errorf("the journal's file holds %q: %q", secret, data[max(0, at-100):min(len(data), at+20)])
		}
		if strings.Contains(strings.ToLower(log), strings.ToLower(secret)) {
			s.t.Errorf("the log holds %q", secret)
		}
	}
	if found := tokenShape.FindString(log); found != "" {
		s.t.Errorf("the log holds %q", found)
	}
}
