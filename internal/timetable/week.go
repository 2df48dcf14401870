package timetable

import (
	"cmp"
	"slices"
	"time"
)

// minutesOfDay is how many minutes a day has on the wall, whatever clocks do.
const minutesOfDay = 24 * 60

// change is what a week changes to at a minute of one of its days.
type change[V comparable] struct {
	minute int // of the week, which begins with Sunday
	to     V
	days   string // for which it was written, as it was; "" for all
}

// week is a timetable: its changes in their order. One without any has no say.
type week[V comparable] []change[V]

func (w week[V]) sort() {
	slices.SortFunc(w, func(a, b change[V]) int { return cmp.Compare(a.minute, b.minute) })
}

// date is midnight of the day that lies so many days after that of t on the wall, as a time
// in UTC: a wall clock without a time zone.
func date(t time.Time, days int) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day+days, 0, 0, 0, 0, time.UTC)
}

// firstAt returns when a wall clock that is a time in UTC shows in a time zone for the first
// time, or has passed what it leaves out.
func firstAt(wall time.Time, zone *time.Location) time.Time {
	t := wall.Add(-48 * time.Hour).In(zone) // no zone is as far from UTC
	for {
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		shows := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		switch {
		case shows.Before(t): // it was left out as this period began
			return t
		case end.IsZero() || shows.Before(end):
			return shows
		}
		t = end
	}
}

// last returns the change that is in force at t. The week must have one.
func (w week[V]) last(t time.Time) change[V] {
	for days := 1; ; days-- { // a week and a day at the most
		day := date(t, days)
		for _, c := range slices.Backward(w) {
			if time.Weekday(c.minute/minutesOfDay) == day.Weekday() && !firstAt(wallOf(day, c.minute), t.Location()).After(t) {
				return c
			}
		}
	}
}

// next returns the first change after t, and when that is. The week must have one.
func (w week[V]) next(t time.Time) (change[V], time.Time) {
	for days := -1; ; days++ {
		day := date(t, days)
		for _, c := range w {
			if time.Weekday(c.minute/minutesOfDay) != day.Weekday() {
				continue
			}
			if at := firstAt(wallOf(day, c.minute), t.Location()); at.After(t) {
				return c, at
			}
		}
	}
}

// wallOf is a minute of the week on a day, as a time in UTC.
func wallOf(day time.Time, minute int) time.Time {
	return day.Add(time.Duration(minute%minutesOfDay) * time.Minute)
}
