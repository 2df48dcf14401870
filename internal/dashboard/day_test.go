package dashboard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// TestDay counts what became of files by the hour, each event once, however often the page
// is looked at, and forgets what is older than a day.
func TestDay(t *testing.T) {
	r := busy(t)
	events := journal.EventsOf(r.j.Reader())
	held := r.admit("campaigns", 1, "held.jpg")[0]
	r.move(held, journal.Settled, journal.Held, unknownBrand)
	r.move(held, journal.Held, journal.Settled, journal.Reason{})
	r.move(held, journal.Settled, journal.Failed, tooLarge)
	var l ledger
	sum := func(now time.Time) string {
		d, err := l.catchUp(t.Context(), events, now, time.Minute)
		if err != nil || len(d.hours) != hoursShown || d.counting {
			t.Fatal(d, err)
		}
		var h hour
		for i, one := range d.hours {
			if i > 0 && one.begin.Sub(d.hours[i-1].begin) != time.Hour {
				t.Errorf("after %v comes %v", d.hours[i-1].begin, one.begin)
			}
			h.filed += one.filed
			h.failed += one.failed
			h.held += one.held
			h.bytes += one.bytes
		}
		return fmt.Sprintf("%d filed (%d bytes), %d failed, %d held", h.filed, h.bytes, h.failed, h.held)
	}
	// Who looks while another counts sees what was there before.
	l.mu.Lock()
	if d, err := l.look(t.Context(), events, day{hours: []hour{{filed: 7}}}); err != nil || !d.counting || d.hours[0].filed != 7 {
		t.Errorf("while it is counted the day is %+v, %v", d, err)
	}
	l.mu.Unlock()
	now := time.Now()
	want := fmt.Sprintf("12 filed (%d bytes), 1 failed, 1 held", 12*4<<20)
	for range 2 {
		if got := sum(now); got != want {
			t.Errorf("the day has %s, want %s", got, want)
		}
	}
	r.move(held, journal.Failed, journal.Settled, journal.Reason{})
	r.move(held, journal.Settled, journal.Held, unknownBrand)
	if got, want := sum(now.Add(22*time.Hour)), strings.Replace(want, "1 held", "2 held", 1); got != want {
		t.Errorf("22 hours later the day has %s, want %s", got, want)
	}
	if got := sum(now.Add(25 * time.Hour)); got != "0 filed (0 bytes), 0 failed, 0 held" || len(l.hours) != 0 {
		t.Errorf("25 hours later the day has %s, and %d hours are kept", got, len(l.hours))
	}
}

// TestDayIsTold has the chart say in words what it shows.
func TestDayIsTold(t *testing.T) {
	_, body := busy(t).get("/")
	for _, want := range []string{"12 files were ingested (48 MiB); files failed 0 times and were held 0 times, retries included.", `role="img"`, "<summary>The same as a table</summary>", `<rect class="filed"`, "<td>12</td><td>48 MiB</td>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if _, body := empty(t).get("/"); !strings.Contains(body, "No file was ingested, failed or held.") || strings.Contains(body, "<svg") {
		t.Error("the empty chart is drawn")
	}
}
