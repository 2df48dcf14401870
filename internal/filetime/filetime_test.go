package filetime

import (
	"testing"
	"time"
)

func TestTimesKeepTheirOrder(t *testing.T) {
	times := []struct {
		at    time.Time
		known bool
	}{
		{time.Date(-4000, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{time.Date(1677, 9, 21, 0, 12, 42, 0, time.UTC), false},
		{time.Date(1677, 9, 21, 0, 12, 45, 1, time.UTC), true},
		{time.Date(1901, 12, 13, 20, 45, 52, 0, time.UTC), true},
		{time.Unix(0, -1), true},
		{time.Unix(0, 0), true},
		{time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC), true},
		{time.Date(2262, 4, 11, 23, 47, 15, 999999999, time.UTC), true},
		{time.Date(2262, 4, 11, 23, 47, 17, 0, time.UTC), false},
		{time.Date(2446, 5, 10, 22, 38, 55, 0, time.UTC), false},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), false},
		{time.Unix(1<<60, 0), false},
	}
	for i, tt := range times {
		ns := Of(tt.at)
		at, known := Time(ns)
		if known != tt.known || known && !at.Equal(tt.at) {
			t.Errorf("%v is %d ns, which is %v, known %v", tt.at, ns, at, known)
		}
		if i > 0 && ns < Of(times[i-1].at) {
			t.Errorf("%v comes out before %v", tt.at, times[i-1].at)
		}
	}
}
