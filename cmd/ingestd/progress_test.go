package main

import (
	"testing"

	"github.com/tenovos-ingest/ingestd/journal"
)

func TestProgressLine(t *testing.T) {
	left := journal.Backlog{Files: 11_000, Bytes: 40 << 30}
	for want, l := range map[string]progressLine{
		"walking: 12,345 files found so far, 42 GiB · 310 done": {
			found: 12_345, bytes: 42 << 30, done: 310, left: left, pace: "about 2 h left"},
		"walking: 1 files found so far, 7 B · 0 done · waiting for Tenovos: 503 and so on": {
			found: 1, bytes: 7, paused: "503\nand so on"},
		"1,000 of 12,000 files done, 40 GiB left · about 2 h left": {
			walked: true, found: 12_345, done: 1_000, left: left, pace: "about 2 h left"},
		"1,000 of 12,000 files done, 40 GiB left · waiting for Tenovos: 503": {
			walked: true, done: 1_000, left: left, pace: "about 2 h left", paused: "503"},
		"1,000 of 1,000 files done, 0 B left · waiting for a bulk edit: not seen yet in 12 assets": {
			walked: true, done: 1_000, unseen: 12, pace: "about 2 h left"},
		"1,000 of 1,000 files done, 0 B left · waiting for Tenovos: 503": {
			walked: true, done: 1_000, unseen: 12, paused: "503"},
	} {
		if got := l.String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
