package timetable

import (
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // wherever this runs
)

// sized reads sizes as the configuration does, as far as these tests need it.
func sized(text string) (int64, bool) {
	unit := int64(1)
	for suffix, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20} {
		if cut, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = cut, n
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n * unit, err == nil && n >= 0
}

func rates(t *testing.T, text string) Rates {
	t.Helper()
	r, mistakes := ParseRates(text, sized)
	if len(mistakes) > 0 {
		t.Fatalf("%q: %v", text, mistakes)
	}
	return r
}

func hours(t *testing.T, text string) Hours {
	t.Helper()
	h, mistakes := ParseHours(text)
	if len(mistakes) > 0 {
		t.Fatalf("%q: %v", text, mistakes)
	}
	return h
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// The days of November 2026: the 23rd is a Monday.
func TestRates(t *testing.T) {
	t.Parallel()
	const m = 1 << 20
	for _, c := range []struct {
		text string
		at   map[string]int64
	}{
		{"Mon-Fri 08:00,10MiB 18:00,off", map[string]int64{
			"23 00:00": 0, "23 07:59": 0, "23 08:00": 10 * m, "23 17:59": 10 * m, "23 18:00": 0, "24 12:00": 10 * m, "28 12:00": 0, "29 12:00": 0, "30 08:00": 10 * m}},
		{"08:00,1MiB 18:00,off", map[string]int64{"28 12:00": m, "28 07:59": 0, "29 08:00": m, "29 18:00": 0}},
		{"18:00,0 8:00,1MiB", map[string]int64{"28 12:00": m, "28 19:00": 0}},
		{"Fri 17:00,off Mon 09:00,512KiB", map[string]int64{"23 08:59": 0, "23 09:00": 512 << 10, "27 16:59": 512 << 10, "27 17:00": 0, "28 10:00": 0}},
		{"Fri-Mon 08:00,1 Tue,Wed 08:00,2 thursday 08:00,3", map[string]int64{"27 08:00": 1, "28 08:00": 1, "29 08:00": 1, "23 08:00": 1, "24 08:00": 2, "25 08:00": 2, "26 08:00": 3, "27 07:59": 3}},
		{"Mon-00:00,512 Fri-23:59,10MiB", map[string]int64{"23 00:00": 512, "27 23:58": 512, "27 23:59": 10 * m, "29 23:59": 10 * m}},
		{"Mon-08:00,1 12:00,2", map[string]int64{"23 08:00": 1, "23 12:00": 2, "24 08:00": 2, "24 12:00": 2}}, // as rclone: without days is every day
		{"Mon-Fri-08:00,1 Sat,Sun-08:00,2", map[string]int64{"23 08:00": 1, "27 09:00": 1, "28 08:00": 2, "30 07:59": 2}},
		{"  Mon\t08:00,7  ", map[string]int64{"23 07:59": 7, "23 08:00": 7}}, // one switch: it is in force since the Monday before
	} {
		r := rates(t, c.text)
		for at, want := range c.at {
			when, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-"+at, zone(t, "Europe/Berlin"))
			if err != nil {
				t.Fatal(err)
			}
			got, until := r.At(when)
			if got != want || !until.After(when) {
				t.Errorf("%q at %s: %d until %s, want %d", c.text, at, got, until, want)
			}
		}
	}
	if rate, until := Steady(5).At(time.Now()); rate != 5 || !until.IsZero() {
		t.Errorf("a steady rate is %d until %s", rate, until)
	}
	if rate, until := (Rates{}).At(time.Now()); rate != 0 || !until.IsZero() {
		t.Errorf("no rate is %d until %s", rate, until)
	}
	if !rates(t, "Mon-Fri 08:00,1").Equal(rates(t, "mon,tue,wed,thu,fri 8:00,1")) || rates(t, "08:00,1").Equal(rates(t, "08:00,2")) {
		t.Error("rates are compared wrongly")
	}
}

func TestHours(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		at   map[string]string // why; "" is open
	}{
		{"", map[string]string{"23 12:00": ""}},
		{"Mon-Sun", map[string]string{"23 12:00": "", "29 23:59": ""}},
		{"00:00-24:00", map[string]string{"23 12:00": "", "29 23:59": ""}},
		{"Mon-Fri 20:00-06:00", map[string]string{
			"23 05:59": "its hours: from 20:00 (Mon-Fri)", "23 19:59": "its hours: from 20:00 (Mon-Fri)", "23 20:00": "", "24 05:59": "",
			"24 06:00": "its hours: from 20:00 (Mon-Fri)", "28 05:59": "", "28 06:00": "its hours: from Monday 20:00 (Mon-Fri)", "29 21:00": "its hours: from Monday 20:00 (Mon-Fri)"}},
		{"20:00-06:00", map[string]string{"28 12:00": "its hours: from 20:00", "29 01:00": ""}},
		{"Mon-Fri 20:00-06:00, Sat,Sun", map[string]string{"28 12:00": "", "29 23:59": "", "30 00:00": "its hours: from 20:00 (Mon-Fri)", "27 23:00": "", "27 12:00": "its hours: from 20:00 (Mon-Fri)"}},
		{"Sat,Sun", map[string]string{"28 00:00": "", "29 23:59": "", "30 00:00": "its hours: from Saturday 00:00 (Sat,Sun)"}},
		{"08:00-10:00,14:00-16:00", map[string]string{"23 09:00": "", "23 10:00": "its hours: from 14:00", "23 15:59": "", "23 16:00": "its hours: from Tuesday 08:00"}},
		{"Mon 08:00-10:00 14:00-16:00 Tue", map[string]string{"23 15:00": "", "23 12:00": "its hours: from 14:00 (Mon)", "24 00:00": "", "25 00:00": "its hours: from Monday 08:00 (Mon)"}},
		{"Mon-20:00-22:00 Sun-22:00-24:00", map[string]string{"23 21:00": "", "24 21:00": "its hours: from Sunday 22:00 (Sun)", "29 23:59": "", "30 00:00": "its hours: from 20:00 (Mon)"}},
		{"10:00-12:00 11:00-13:00 12:00-14:00", map[string]string{"23 13:59": "", "23 14:00": "its hours: from Tuesday 10:00"}},
	} {
		h := hours(t, c.text)
		for at, want := range c.at {
			when, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-"+at, zone(t, "America/New_York"))
			if err != nil {
				t.Fatal(err)
			}
			open, until, why := h.Open(when)
			if open != (want == "") || why != want || !h.Always() && !until.After(when) {
				t.Errorf("%q at %s: open %v until %s, %q, want %q", c.text, at, open, until, why, want)
			}
		}
	}
	if !hours(t, "Mon-Sun").Equal(Hours{}) || hours(t, "Sat").Equal(Hours{}) {
		t.Error("hours are compared wrongly")
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"25:00,1MiB":             {`0 "25:00" is no time of day`},
		"24:00,1MiB":             {`0 "24:00" is no time of day`},
		"08:60,1MiB":             {`0 "08:60" is no time of day`},
		"08:0,1MiB":              {`0 "08:0" is no time of day`},
		"-8:00,1MiB":             {`0 "-8:00" is no time of day`},
		"08:00:00,1MiB":          {`0 "08:00:00" is no time of day`},
		"Foo-Bar 08:00,1MiB":     {`0 "Foo" is no day of the week`},
		"Mon-Foo 08:00,1MiB":     {`0 "Foo" is no day of the week`},
		"Mon,,Tue 08:00,1MiB":    {`0 "" is no day of the week`},
		"Mon-Fri-Sun 08:00,1MiB": {`0 "Fri-Sun" is no day of the week`},
		"Xyz-08:00,1":            {`0 "Xyz" is no day of the week`},
		"Mon08:00,1":             {`0 "Mon08:00,1" begins with no day of the week`},
		"08:00,1 08:00,2":        {`8 08:00 has two rates on Sun`},
		"Mon-Fri 08:00,1 Wed 8:00,2": {
			`20 08:00 has two rates on Wed`},
		"08:00,-5":                  {`6 "-5" is no rate`},
		"08:00,10XB":                {`6 "10XB" is no rate`},
		"08:00,1,2":                 {`6 "1,2" is no rate`},
		"08:00":                     {`0 "08:00" has no rate`},
		"08:00,":                    {`0 "08:00" has no rate`},
		"08:00, 10MiB":              {`0 "08:00" has no rate`, `7 "10MiB" has no time`},
		"Mon-Fri":                   {`0 no time follows "Mon-Fri"`},
		"Mon Tue 08:00,1":           {`0 no time follows "Mon"`},
		"08:00,1 Sat":               {`8 no time follows "Sat"`},
		"off":                       {`0 off has no time before it`},
		",10MiB":                    {`0 ",10MiB" has no time`},
		"":                          {`0 the timetable has no times`},
		"25:00,1 Foo 08:00,x 09:00": {`0 "25:00" is no time of day`, `8 "Foo" is no day of the week`, `18 "x" is no rate`, `20 "09:00" has no rate`},
	} {
		_, mistakes := ParseRates(text, sized)
		wantMistakes(t, text, mistakes, want)
	}
	for text, want := range map[string][]string{
		"20:00":                 {`0 "20:00" is no range of times`},
		"Mon 20:00-25:00":       {`10 "25:00" is no time of day`},
		"24:00-06:00":           {`0 "24:00" is no time of day`},
		"20:00-20:00":           {`0 "20:00-20:00" begins when it ends`},
		"20-06":                 {`0 "20" is no time of day`, `3 "06" is no time of day`},
		"Foo 20:00-06:00":       {`0 "Foo" is no day of the week`},
		"Foo":                   {`0 "Foo" is no day of the week`},
		"20:00-06:00,7":         {`12 "7" is no range of times`},
		"20:00-06:00-08:00":     {`0 "20:00-06:00-08:00" is no range of times`},
		"night":                 {`0 "night" is no day of the week`},
		"Mon-Fri 20:00 - 06:00": {`8 "20:00" is no range of times`, `14 "-" is no range of times`, `16 "06:00" is no range of times`},
	} {
		_, mistakes := ParseHours(text)
		if text == "20-06" {
			for i := range mistakes {
				mistakes[i].Hint = "x"
			}
		}
		wantMistakes(t, text, mistakes, want)
	}
}

func wantMistakes(t *testing.T, text string, got []Mistake, want []string) {
	t.Helper()
	var said []string
	for _, m := range got {
		said = append(said, strconv.Itoa(m.Offset)+" "+m.Message)
		if m.Hint == "" {
			t.Errorf("%q: no hint at what is right: %s", text, m.Message)
		}
	}
	if !slices.Equal(said, want) {
		t.Errorf("%q: %q, want %q", text, said, want)
	}
}

// naive is a man who looks at the clock on the wall every minute, and does what is due at
// the times that it shows, or has passed, for the first time.
type naive[V comparable] struct {
	due     map[int]V // by the minute of the week
	highest time.Time // that the clock has shown, as a time in UTC
	is      V
}

func (n *naive[V]) look(t time.Time) V {
	shows := date(t, 0).Add(time.Duration(t.Hour()*60+t.Minute()) * time.Minute)
	for n.highest.Before(shows) {
		n.highest = n.highest.Add(time.Minute)
		minute := int(n.highest.Weekday())*minutesOfDay + n.highest.Hour()*60 + n.highest.Minute()
		if to, ok := n.due[minute]; ok {
			n.is = to
		}
	}
	return n.is
}

// A year, minute by minute, with clocks put forward and back, at night and at midnight.
func TestYear(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			z := zone(t, place)
			r := rates(t, "Mon-Fri 08:00,1 18:00,2 Sat,Sun 02:30,3 00:00,4 02:10,5 23:45,6")
			h := hours(t, "Mon-Fri 20:00-06:00 Sun 00:10-00:40 01:50-02:20 02:40-03:00 Sat 23:20-24:00")
			begin := time.Date(2026, 1, 1, 0, 0, 0, 0, z)
			shown := date(begin, 0)
			byRate := &naive[int64]{due: make(map[int]int64), highest: shown.AddDate(0, 0, -14)}
			for _, c := range r.week {
				byRate.due[c.minute] = c.to
			}
			byHour := &naive[bool]{due: make(map[int]bool), highest: shown.AddDate(0, 0, -14)}
			for _, c := range h.week {
				byHour.due[c.minute] = c.to
			}
			var rate int64
			var open bool
			var rateUntil, openUntil time.Time
			for at := begin; at.Before(begin.AddDate(1, 0, 7)); at = at.Add(time.Minute) {
				wantRate, wantOpen := byRate.look(at), byHour.look(at)
				// What was said at the last change holds until then: that is asked anew only now and then.
				if !at.Before(rateUntil) || at.Minute() == 17 && at.Hour()%3 == 2 {
					rate, rateUntil = r.At(at)
				}
				if !at.Before(openUntil) || at.Minute() == 17 && at.Hour()%3 == 2 {
					was := openUntil
					open, openUntil, _ = h.Open(at)
					if at.Before(was) && !openUntil.Equal(was) {
						t.Fatalf("at %s the hours change at %s, and before it was %s", at, openUntil, was)
					}
				}
				if rate != wantRate || open != wantOpen {
					t.Fatalf("at %s the rate is %d and open %v, want %d and %v", at, rate, open, wantRate, wantOpen)
				}
			}
		})
	}
}

// Follow acts at the time of a switch, and soon after the clock was set.
func TestFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		begun := time.Now()
		var set atomic.Int64 // how far the clock was put forward
		now := func() time.Time { return time.Now().Add(time.Duration(set.Load())) }
		acted := make(chan time.Time, 100)
		go Follow(ctx, now, func(at time.Time) time.Time {
			acted <- at
			return begun.Add(100 * time.Second) // and after that it never changes
		})
		for _, want := range []time.Duration{0, longestWait, 2 * longestWait, 3 * longestWait, 100 * time.Second, 100*time.Second + longestWait} {
			if got := (<-acted).Sub(begun); got != want {
				t.Errorf("it acted after %s, want %s", got, want)
			}
		}
		set.Store(int64(24 * time.Hour))
		if at := <-acted; at.Before(begun.Add(24*time.Hour)) || time.Since(begun) > 4*time.Minute {
			t.Errorf("that the clock was put forward was noticed after %s", time.Since(begun))
		}
	})
}

func FuzzTimetable(f *testing.F) {
	for _, text := range []string{"Mon-Fri 08:00,10MiB 18:00,off", "Mon-08:00,1", "Mon-Fri 20:00-06:00, Sat,Sun", "08:00-10:00,14:00-16:00", "25:00,x Foo", "\xff8:00,-"} {
		f.Add(text)
	}
	at := time.Date(2026, 3, 29, 1, 59, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		r, mistakes := ParseRates(text, sized)
		for _, m := range mistakes {
			if m.Offset < 0 || m.Offset > len(text) {
				t.Errorf("a mistake at %d of %d bytes: %s", m.Offset, len(text), m.Message)
			}
		}
		if len(mistakes) == 0 {
			if rate, until := r.At(at); rate < 0 || !until.After(at) {
				t.Errorf("%d until %s", rate, until)
			}
		}
		h, mistakes := ParseHours(text)
		if open, until, why := h.Open(at); len(mistakes) == 0 && (open != (why == "") || !h.Always() && !until.After(at)) {
			t.Errorf("open %v until %s: %s", open, until, why)
		}
	})
}
