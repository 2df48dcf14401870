package clocks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/clocks"
)

func TestWall(t *testing.T) {
	t.Parallel()
	var ahead time.Duration
	w := clocks.NewWall(func() time.Time { return time.Now().Add(ahead) })
	for _, step := range []time.Duration{0, time.Hour, time.Hour, -time.Hour} {
		was := step != ahead
		if ahead = step; w.WasSet() != was {
			t.Errorf("%s ahead: set is %v, want %v", step, !was, was)
		}
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	var ahead time.Duration
	var log strings.Builder
	s := clocks.NewSkew(func() time.Duration { return ahead }, time.Minute, zerolog.New(&log))
	now := time.Now()
	for _, is := range []struct {
		ahead, corrected time.Duration
		logged           string
	}{
		{time.Second, 0, ""},
		{25 * time.Hour, 25 * time.Hour, "25h0m ahead of"},
		{25 * time.Hour, 25 * time.Hour, ""},
		{0, 0, "agree again"},
		{-2 * time.Minute, -2 * time.Minute, "2m0s behind"},
	} {
		ahead = is.ahead
		log.Reset()
		s.Log()
		if got := log.String(); !strings.Contains(got, is.logged) || is.logged == "" && got != "" {
			t.Errorf("%s ahead: logged %q, want %q", is.ahead, got, is.logged)
		}
		if got := now.Sub(s.Theirs(now)); got != is.corrected {
			t.Errorf("%s ahead: a time is corrected by %s, want %s", is.ahead, got, is.corrected)
		}
	}
}
