package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestAge reads how old what prune forgets must be; what is refused has an example.
func TestAge(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"2160h": 2160 * time.Hour, "90d": 2160 * time.Hour, "0s": 0, "0d": 0, "1h30m": 90 * time.Minute, "-1h": -time.Hour, "106751d": 106751 * 24 * time.Hour,
	} {
		var a age
		if err := a.Set(text); err != nil || time.Duration(a) != want {
			t.Errorf("%s is %v, %v", text, time.Duration(a), err)
		}
	}
	for _, text := range []string{"9999999h", "yesterday", "", "d", "90", "1.5d", "106752d", "99999999999999999999d", "1d2h", "90 d"} {
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"prune", "-c", "none.yaml", "--older-than", text}, &out, &errs)
		if code != exitUsage || !strings.Contains(errs.String(), "such as 2160h, or 90d") {
			t.Errorf("%q: exit %d: %s", text, code, &errs)
		}
	}
}
