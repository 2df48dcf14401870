package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// TestMetricsOfADaemon has a daemon meet a few faults, and looks for each in its metrics;
// they go on counting over a reload.
func TestMetricsOfADaemon(t *testing.T) {
	t.Parallel()
	const life = 3 * time.Second
	s := newStand(t, "1.5", func(o *sandbox.Options) { o.TokenLife = life })
	err := s.Queue(
		sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStatus, Status: 500},
		sandbox.Fault{Operation: "CreateAsset", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: "1"},
	)
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom(t, s)
	addr := freeAddress(t)
	r.config = r.busyConfig(addr)
	url := "http://" + addr + "/metrics"
	daemon := r.start("run")
	eventually(t, "the metrics are there", func() bool { return answering(url) == nil })
	r.write("acme/a.jpg", strings.Repeat("a", 1000))
	eventually(t, "the file is filed", func() bool { return scrape(t, url)[`ingestd_files{folder="drop",state="filed"}`] == 1 })
	got := scrape(t, url)
	for name, least := range map[string]float64{
		`ingestd_bytes_sent_total{folder="drop"}`:                          2000, // it was sent twice
		`ingestd_bytes_sent_total{folder="second"}`:                        0,
		`ingestd_api_seconds_count{operation="create_asset",outcome="ok"}`: 1,
		`ingestd_api_seconds_count{operation="log_in",outcome="ok"}`:       1,
		`ingestd_part_seconds_count`:                                       1,
		`ingestd_retries_total{reason="throttled"}`:                        1,
		`ingestd_files_seen{folder="drop"}`:                                1,
		`ingestd_folder_up{folder="drop"}`:                                 1,
		`ingestd_journal_bytes`:                                            4096,
		`ingestd_journal_disk_free_bytes`:                                  1,
		`process_resident_memory_bytes`:                                    1,
	} {
		if value, there := got[name]; !there || value < least {
			t.Errorf("%s is %v, want at least %v", name, value, least)
		}
	}
	if throttled := got[`ingestd_api_seconds_count{operation="create_asset",outcome="throttled"}`]; throttled != 1 {
		t.Errorf("%v creates were throttled, want 1", throttled)
	}
	tried := 0.0
	for name, n := range got {
		if strings.HasPrefix(name, "ingestd_retries_total{") {
			tried += n
		}
	}
	if tried < 2 {
		t.Errorf("%v steps were tried again, want two: %v", tried, got)
	}

	time.Sleep(life) // of the token
	r.write("acme/b.jpg", "b")
	eventually(t, "the session was refreshed", func() bool { return scrape(t, url)[`ingestd_token_refreshes_total{outcome="ok"}`] > 0 })

	sent := scrape(t, url)[`ingestd_bytes_sent_total{folder="drop"}`]
	r.edit("workers: 3", "workers: 2")
	if code, _, stderr := r.run("reload"); code != 0 {
		t.Fatal(stderr)
	}
	eventually(t, "the metrics are back", func() bool { return answering(url) == nil })
	if now := scrape(t, url)[`ingestd_bytes_sent_total{folder="drop"}`]; now < sent {
		t.Errorf("after a reload %v bytes were sent, before it %v", now, sent)
	}
	daemon.terminate()
}

// TestMetricsBeforeTenovos scrapes a daemon that has never reached Tenovos: it says so, and
// says nothing of folders that nobody watches yet.
func TestMetricsBeforeTenovos(t *testing.T) {
	t.Parallel()
	s := newStand(t, "1.5", nil)
	s.url = "http://" + reserve(t).addr + "/v1"
	r := newRoom(t, s)
	addr := freeAddress(t)
	r.config = r.busyConfig(addr)
	daemon := r.start("run")
	url := "http://" + addr + "/metrics"
	eventually(t, "the metrics say what is waited for", func() bool {
		return answering(url) == nil && scrape(t, url)[`ingestd_paused{reason="tenovos"}`] == 1
	})
	got := scrape(t, url)
	if got[`ingestd_api_seconds_count{operation="log_in",outcome="network"}`] < 1 {
		t.Errorf("no login failed: %v", got)
	}
	if _, there := got[`ingestd_folder_up{folder="drop"}`]; there {
		t.Error("it is told whether a folder is up that nobody watches")
	}
	daemon.terminate()
}
