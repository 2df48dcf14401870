package config

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/timetable"
)

// Each mistake in a timetable is told at its place, with what would be right; a value from
// a variable is not shown.
func TestTimetables(t *testing.T) {
	t.Setenv("TZ", "")
	with := func(key, value string) string {
		if key == "hours" {
			return strings.Replace(minimal, "path: drop\n", "path: drop\n    hours: "+value+"\n", 1)
		}
		return "upload:\n  bandwidth: " + value + "\n" + minimal
	}
	for _, c := range []struct {
		key, value string
		want       []string // how mistakes begin
	}{
		{"bandwidth", `Mon-Fri 08:00,10MiB 18:00,off`, nil},
		{"bandwidth", `"Mon-Fri 08:00,10MiB 18:00,off"`, nil},
		{"bandwidth", `10MiB`, nil},
		{"bandwidth", `10 MiB`, nil},
		{"bandwidth", `0`, nil},
		{"bandwidth", `off`, nil},
		{"bandwidth", `"off"`, nil},
		{"bandwidth", `"${TABLE}"`, nil},
		{"bandwidth", `"Mon-Fri 25:00,10MiB 08:00,10XB"`, []string{`2:23: bandwidth: "25:00" is no time of day (from 00:00`, `2:41: bandwidth: "10XB" is no rate (a rate is`}},
		{"bandwidth", `Foo-Bar 08:00,1MiB`, []string{`2:14: bandwidth: "Foo" is no day of the week (write Mon`}},
		{"bandwidth", `08:00,1MiB 8:00,2MiB`, []string{`2:25: bandwidth: 08:00 has two rates on Sun (leave`}},
		{"bandwidth", `"08:00,-1"`, []string{`2:21: bandwidth: "-1" is no rate (`}},
		{"bandwidth", `"08:00"`, []string{`2:15: bandwidth: "08:00" has no rate (write it after`}},
		{"bandwidth", `Mon-Fri`, []string{`2:14: bandwidth: no time follows "Mon-Fri" (as in`}},
		{"bandwidth", `fast`, []string{`2:14: bandwidth: "fast" is no day of the week (`, `2:14: bandwidth: `}[:1]},
		{"bandwidth", `-1`, []string{`2:14: bandwidth: "-1" is no size (such as`}},
		{"bandwidth", `10MB`, []string{`2:14: bandwidth: "10MB" is no size (such as`}},
		{"bandwidth", `"${SECRET}"`, []string{`2:14: bandwidth: "${SECRET}" is no timetable (such as`}},
		{"bandwidth", `[08:00]`, []string{`2:14: bandwidth must be a single value`}},
		{"hours", `""`, nil},
		{"hours", `Mon-Fri 20:00-06:00 Sat,Sun`, nil},
		{"hours", `20:00-06:00`, nil},
		{"hours", `Sat`, nil},
		{"hours", `"Mon 20:00"`, []string{`6:17: hours: "20:00" is no range of times (as in`}},
		{"hours", `'Mon 20:00-26:00'`, []string{`6:23: hours: "26:00" is no time of day (from 00:00`}},
		{"hours", `off`, []string{`6:12: hours: "off" is no day of the week (write Mon`}},
		{"hours", `"${SECRET}"`, []string{`6:12: hours: "${SECRET}" is no timetable (such as`}},
		{"hours", ``, []string{`6:11: hours has no value (`}},
	} {
		_, err := parse("c.yaml", []byte(with(c.key, c.value)), lookup(map[string]string{"SECRET": "s3cr3t:x", "TABLE": "08:00,1MiB 09:00,2MiB"}))
		var got []string
		if invalid, ok := errors.AsType[*Invalid](err); ok {
			for _, p := range invalid.Problems {
				got = append(got, p.String())
			}
		} else if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, c.want, strings.HasPrefix) || strings.Contains(strings.Join(got, ""), "s3cr3t") {
			t.Errorf("%s: %s: got %q, want %q", c.key, c.value, got, c.want)
		}
	}
	c, err := parse("c.yaml", []byte(with("hours", "Sat")), lookup(map[string]string{"TZ": "Europe/Nowhere"}))
	if err != nil || c.Folders[0].Hours.Always() || !strings.Contains(c.Warnings[len(c.Warnings)-1].String(), `6:12: hours: the time zone of the environment, TZ="Europe/Nowhere", is not known`) {
		t.Errorf("%v, warnings %v", err, c.Warnings)
	}
	c, err = parse("c.yaml", []byte(with("bandwidth", "off")), lookup(map[string]string{"TZ": "Europe/Nowhere"}))
	if err != nil || !c.Upload.Bandwidth.Equal(timetable.Steady(0)) || len(c.Warnings) != 0 {
		t.Errorf("%v, warnings %v", err, c.Warnings)
	}
}
