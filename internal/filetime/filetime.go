// Package filetime keeps the times of files in nanoseconds since 1970, which is
// what a journal and a comparison want, without making another time of one that
// they do not reach: a share's empty time is the year 1601, a broken program writes
// 9999, and both would come out in another century.
package filetime

import (
	"math"
	"time"
)

// The ends of what nanoseconds reach, in the years 1677 and 2262.
const (
	earliest = math.MinInt64
	latest   = math.MaxInt64
)

// Nanos returns a time of seconds and nanoseconds since 1970 in nanoseconds. One
// that these do not reach is the nearest that they do, so that times keep their
// order and a file's time stays what it was.
func Nanos(sec, nsec int64) int64 {
	switch {
	case sec >= latest/int64(time.Second):
		return latest
	case sec <= earliest/int64(time.Second):
		return earliest
	}
	return sec*int64(time.Second) + nsec
}

// Of is Nanos of a time.
func Of(t time.Time) int64 { return Nanos(t.Unix(), int64(t.Nanosecond())) }

// Time returns the time of nanoseconds that Nanos gave, in local time. It is not
// known where it is one that nanoseconds do not reach.
func Time(ns int64) (at time.Time, known bool) {
	return time.Unix(0, ns), ns != earliest && ns != latest
}
