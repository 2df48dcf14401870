package outage

import (
	"testing"
	"time"
)

// A circuit in words: three files refused in a row trip it, one at a time tries after
// rests that grow, the first that gets through ends it for all.
func TestCircuitTripsAndMends(t *testing.T) {
	now := time.Unix(1000, 0)
	c := newCircuitSet(func() time.Time { return now })
	for id := int64(1); id <= 2; id++ {
		if f := c.refuse(ContentStore, id, 0, 0, "no"); f.everyones || f.times != 1 {
			t.Fatalf("file %d: %+v", id, f)
		}
	}
	if f := c.refuse(ContentStore, 1, 0, 0, "no"); f.everyones || f.times != 2 {
		t.Fatalf("the same file again is no streak: %+v", f)
	}
	if until, why := c.enter(ContentStore, 9, 500); why != "" {
		t.Fatalf("held until %v: %s", until, why)
	}
	f := c.refuse(ContentStore, 3, 0, 0, "no")
	if !f.everyones || !f.news || !f.until.Equal(now.Add(firstRest)) {
		t.Fatalf("the third file: %+v", f)
	}
	if c.reason() != "no" {
		t.Errorf("the reason is %q", c.reason())
	}
	if until, why := c.enter(ContentStore, 8, 500); why == "" || !until.Equal(now.Add(firstRest)) {
		t.Errorf("the first new file waits until %v, want for its turn", until)
	}
	for _, rest := range []time.Duration{firstRest, 2 * time.Second, 4 * time.Second} {
		c.all[ContentStore].fresh = 8 // it waits on
		if until, why := c.enter(ContentStore, 9, 500); why == "" || !until.Equal(now.Add(heldUp)) {
			t.Errorf("a new file waits until %v", until)
		}
		now = now.Add(rest)
		if _, why := c.enter(ContentStore, 2, 500); why != "" && rest == firstRest {
			t.Fatal("nobody may try after the rest")
		} else if rest > firstRest { // it was its turn, and is the new file's
			now = now.Add(firstRest)
			if _, again := c.enter(ContentStore, 2, 500); why == "" || again != "" {
				t.Errorf("it tries again, %q, or does not when the new file is gone, %q", why, again)
			}
		}
		if _, why := c.enter(ContentStore, 3, 500); why == "" {
			t.Fatal("two try at once")
		}
		if f := c.refuse(ContentStore, 2, 0, 0, "no"); !f.everyones || f.news {
			t.Fatalf("the trial: %+v", f)
		}
	}
	now = now.Add(time.Minute)
	c.all[ContentStore].fresh = 0
	if _, why := c.enter(ContentStore, 1, 500); why != "" {
		t.Fatal("nobody may try")
	}
	c.leave(1) // without a result
	if _, why := c.enter(ContentStore, 2, 500); why != "" {
		t.Fatal("a turn that was given back is lost")
	}
	if !c.pass(ContentStore, 0, 500) || c.reason() != "" {
		t.Error("nobody was told that it is over")
	}
	if _, why := c.enter(ContentStore, 9, 500); why != "" {
		t.Error("it is over, and a file is held")
	}
}

// What a proxy refuses for its size holds up what is as large, and nothing else.
func TestCircuitOfALimit(t *testing.T) {
	now := time.Unix(1000, 0)
	c := newCircuitSet(func() time.Time { return now })
	for id := int64(1); id <= 3; id++ {
		c.pass(ContentStore, 0, 10) // small files in between say nothing about large ones
		c.refuse(ContentStore, id, 0, 1000*id, "too large")
	}
	c.enter(ContentStore, 11, 5000) // it is to try next
	if until, why := c.enter(ContentStore, 4, 1500); why == "" || !until.Equal(now.Add(heldUp)) {
		t.Errorf("a large file is held until %v", until)
	}
	if until, why := c.enter(ContentStore, 5, 10); why == "" || !until.Equal(now.Add(firstRest)) {
		t.Errorf("a small file is held until %v, want for a trial", until)
	}
	now = now.Add(firstRest)
	if _, why := c.enter(ContentStore, 5, 10); why != "" {
		t.Fatal("a small file may not try")
	}
	if !c.pass(ContentStore, 0, 10) || c.held() != 1000 {
		t.Errorf("small files wait with those of %d bytes and more", c.held())
	}
	for id := int64(6); id < 9; id++ {
		if _, why := c.enter(ContentStore, id, 999); why != "" {
			t.Error("a small file waits for large ones")
		}
	}
	if _, why := c.enter(ContentStore, 4, 1500); why != "" {
		t.Fatal("a large file does not try at once when small ones get through")
	}
	c.refuse(ContentStore, 4, 0, 1500, "too large")
	if _, why := c.enter(ContentStore, 10, 999); why != "" {
		t.Error("the trial of a large file stops small ones")
	}
	now = now.Add(time.Minute)
	if _, why := c.enter(ContentStore, 4, 1500); why != "" || !c.pass(ContentStore, 0, 1500) {
		t.Fatal("a large file got through, and nobody goes on")
	}
	if c.held() != 2000 {
		t.Errorf("files of %d bytes and more wait, want those that nothing is known of", c.held())
	}
	if !c.pass(ContentStore, 0, 3000) || c.held() != 0 {
		t.Error("it is over")
	}
}

// A right that is lost for one rule holds up its files, and is no pause of all.
func TestCircuitOfOneRule(t *testing.T) {
	now := time.Unix(1000, 0)
	c := newCircuitSet(func() time.Time { return now })
	for id := range int64(3) {
		c.refuse("create lost", id, 0, 0, "Forbidden")
	}
	if c.reason() == "" {
		t.Error("nothing else is known to work, and nobody is told")
	}
	now = now.Add(time.Millisecond)
	if _, why := c.enter("create kept", 9, 0); why != "" {
		t.Error("another rule is held")
	}
	c.pass("create kept", 0, 0)
	if c.reason() != "" {
		t.Error("everything is said to wait, and another rule's files go in")
	}
	if _, why := c.enter("create lost", 9, 0); why == "" {
		t.Error("the rule is not held any more")
	}
}

// A file that is refused while others go through again and again is alone.
func TestCircuitKnowsWhoIsAlone(t *testing.T) {
	c := newCircuitSet(time.Now)
	for range aloneAfter {
		if f := c.refuse(ContentStore, 1, 0, 0, "no"); f.alone || f.everyones {
			t.Fatalf("too soon: %+v", f)
		}
		c.pass(ContentStore, 0, 1)
	}
	if f := c.refuse(ContentStore, 1, 0, 0, "no"); !f.alone {
		t.Errorf("%+v", f)
	}
	c.forget(1)
	if len(c.all) > 0 {
		t.Error("a file that rests is remembered")
	}
}

// Who tries and never comes back, as from a share that hangs, keeps nobody for good.
func TestCircuitOutlivesATrial(t *testing.T) {
	now := time.Unix(1000, 0)
	c := newCircuitSet(func() time.Time { return now })
	for id := int64(1); id <= 3; id++ {
		c.refuse(ContentStore, id, 0, 0, "no")
	}
	now = now.Add(firstRest)
	if _, why := c.enter(ContentStore, 1, 0); why != "" {
		t.Fatal("nobody may try")
	}
	now = now.Add(trialTime - 1)
	if _, why := c.enter(ContentStore, 2, 0); why == "" {
		t.Error("two try at once")
	}
	now = now.Add(1)
	if _, why := c.enter(ContentStore, 2, 0); why != "" {
		t.Error("one that does not come back keeps all others")
	}
}

// What is refused for good counts no more once others as large go through.
func TestCircuitIsNotTrippedByThoseWhoAreAlone(t *testing.T) {
	c := newCircuitSet(time.Now)
	for range aloneAfter {
		for id := int64(1); id <= 2; id++ {
			c.refuse(ContentStore, id, 0, 100, "no")
		}
		c.pass(ContentStore, 9, 100)
	}
	for id := int64(1); id <= 2; id++ {
		c.refuse(ContentStore, id, 0, 100, "no")
	}
	if f := c.refuse(ContentStore, 3, 0, 100, "no"); f.everyones {
		t.Error("two that are alone, and another one, hold up all")
	}
}

// Of a backfill, which is to end, a file that is too large for a proxy is told so.
func TestCircuitOfALimitTellsHowOften(t *testing.T) {
	now := time.Unix(1000, 0)
	c := newCircuitSet(func() time.Time { return now })
	for id := int64(1); id <= 3; id++ {
		if f := c.refuse(ContentStore, id, 0, 1000*id, "too large"); f.limit {
			t.Error("nothing smaller went through")
		}
	}
	c.pass(ContentStore, 9, 10)
	if f := c.refuse(ContentStore, 1, 0, 1000, "too large"); !f.everyones || !f.limit || f.times != 2 {
		t.Errorf("%+v", f)
	}
}

// In an outage without end, in which each file that was not refused yet costs an asset,
// fewer and fewer of them try.
func TestCircuitSparesThoseWhoWereNotRefused(t *testing.T) {
	now := time.Unix(1000, 0)
	c := newCircuitSet(func() time.Time { return now })
	waits := map[int64]time.Time{1: {}, 2: {}, 3: {}, 4: {}}
	for id := range waits {
		c.refuse(ContentStore, id, 0, 0, "no")
	}
	next, tried := int64(5), 0 // the next one that is woken when one is wanted
	for end := now.Add(24 * time.Hour); now.Before(end); {
		first := int64(1)
		for id := range waits {
			if waits[id].Before(waits[first]) || waits[id].Equal(waits[first]) && id > first {
				first = id
			}
		}
		if waits[first].After(now) {
			now = waits[first]
		}
		until, why := c.enter(ContentStore, first, 0)
		if why != "" {
			waits[first] = until
			continue
		}
		if first >= next {
			tried++
			next = first + 1
		}
		f := c.refuse(ContentStore, first, 0, 0, "no")
		waits[first] = f.until
		if f.lonely {
			waits[next] = now
		}
	}
	if tried < 50 || tried > 110 {
		t.Errorf("%d files tried in a day", tried)
	}
}
