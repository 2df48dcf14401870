package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
	"github.com/tenovos-ingest/ingestd/journal"
)

// stored is how many bytes of an entry the journal knows to be stored; 0 where it cannot be
// asked yet.
func (r *room) stored(id int64) int64 {
	reader, err := journal.OpenReader(context.Background(), r.journal)
	if err != nil {
		return 0
	}
	defer reader.Close()
	e, err := reader.Entry(context.Background(), id)
	if err != nil {
		return 0
	}
	return e.Sent
}

// sent is what status and the page say was sent of the one entry.
func (r *room) sent(page string) (status, served int64) {
	s, err := r.status()
	if err != nil || len(s.Entries) != 1 {
		return 0, 0
	}
	resp, err := http.Get(page + "/status.json")
	if err != nil {
		return s.Entries[0].Sent, 0
	}
	defer resp.Body.Close()
	var doc statusReport
	if json.NewDecoder(resp.Body).Decode(&doc) == nil && len(doc.Entries) == 1 {
		served = doc.Entries[0].Sent
	}
	return s.Entries[0].Sent, served
}

// TestSentWhileItIsSent looks at a file of a single part while that is on its way, from
// another process and over HTTP: its bytes count, and count no more once it is not sent.
func TestSentWhileItIsSent(t *testing.T) {
	t.Parallel()
	const size, some = 90 * mib, 20 * mib
	s := newStand(t, "1.5", nil)
	r := newRoom(t, s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	page := "http://" + l.Addr().String()
	r.ownConfig()
	r.edit(`listen: ""`, "listen: "+l.Addr().String())
	_ = l.Close() // ingestd cannot be given a socket to listen on
	r.env["SETTLE"], r.env["GRACE"] = "20ms", "100ms"
	makeFile(t, filepath.Join(r.drop, "acme", "film.mov"), size)
	stall := sandbox.Fault{Operation: sandbox.PutObject, Kind: sandbox.FaultStall, Bytes: some, Delay: 10 * time.Minute, Times: 2}
	if err := s.Queue(stall); err != nil {
		t.Fatal(err)
	}
	partly := func() bool {
		status, served := r.sent(page)
		return status >= some && status < size && served >= some && served < size
	}

	daemon := r.start("run")
	eventually(t, "status and page tell of bytes on their way", partly)
	if n := r.stored(1); n != 0 {
		t.Errorf("%d bytes are stored", n)
	}
	daemon.kill()
	if status, _ := r.sent(page); status != 0 {
		t.Errorf("nobody sends, and status says that %d bytes are sent", status)
	}

	daemon = r.start("run")
	eventually(t, "the next one tells of its own", partly)
	daemon.terminate()
	if status, _ := r.sent(page); status != 0 {
		t.Errorf("nobody sends any more, and status says that %d bytes are sent", status)
	}

	daemon = r.start("run")
	eventually(t, "it is in", func() bool { return r.books().Filed == 1 })
	if report, err := r.status(); err != nil || report.Entries[0].Sent != size {
		t.Errorf("it is in with %+v, %v", report.Entries, err)
	}
	daemon.terminate()
	s.complain(t)
}
