package uploader

import (
	"context"
	"crypto/md5"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// BenchmarkUpload sends a sparse file of 2 GiB in parts of 100 MiB, four at once,
// to a store in this process that drops the bytes. It reports the most memory that
// the whole process held meanwhile, store included, and how much longer the
// upload takes than a bare loop of PUTs over the same parts in the same run:
// without a checksum, and with one.
func BenchmarkUpload(b *testing.B) {
	const size, inFlight = 2 << 30, 4
	for name, start := range map[string]func(http.Handler) *httptest.Server{
		"plain": httptest.NewServer, "tls": httptest.NewTLSServer,
	} {
		b.Run(name, func(b *testing.B) {
			sink := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("ETag", `"opaque"`) // no MD5, whose cost would be the store's
			}))
			defer sink.Close()
			transport := newTransport()
			transport.TLSClientConfig = sink.Client().Transport.(*http.Transport).TLSClientConfig
			client := &http.Client{Transport: transport}
			defer client.CloseIdleConnections()

			folder := b.TempDir()
			check(b, os.WriteFile(filepath.Join(folder, "f"), nil, 0o600))
			check(b, os.Truncate(filepath.Join(folder, "f"), size))
			src, err := openIn(folder, "f")
			check(b, err)
			defer src.Close()
			urls := numbered(21)
			for i := range urls {
				urls[i].URL = secret.URL(sink.URL + "/f?partNumber=" + strconv.Itoa(i+1))
			}
			parts, err := Plan(size, urls)
			check(b, err)

			u := New(Config{Parts: inFlight, HTTP: client})
			job := Job{Source: src, Parts: parts, Done: func(context.Context, Done) error { return nil }}
			var plain, hashed time.Duration
			var peak float64
			b.SetBytes(size)
			for b.Loop() {
				b.StopTimer()
				plain += bareLoop(b, client, src, parts, inFlight, func() hash.Hash { return nil })
				hashed += bareLoop(b, client, src, parts, inFlight, md5.New)
				resetPeak()
				b.StartTimer()
				check(b, u.Upload(b.Context(), job))
				b.StopTimer()
				peak = max(peak, peakMiB(b))
				b.StartTimer()
			}
			b.ReportMetric(peak, "peak-MiB")
			b.ReportMetric(b.Elapsed().Seconds()/plain.Seconds(), "x-bare")
			b.ReportMetric(b.Elapsed().Seconds()/hashed.Seconds(), "x-bare-md5")
		})
	}
}

// bareLoop is the least that sends the parts, and how long it takes.
func bareLoop(b *testing.B, client *http.Client, src *Source, parts []Part, inFlight int, newHash func() hash.Hash) time.Duration {
	b.Helper()
	start := time.Now()
	var group errgroup.Group
	group.SetLimit(inFlight)
	for _, p := range parts {
		group.Go(func() error {
			var r io.Reader = io.NewSectionReader(src.file, p.Offset, p.Size)
			if h := newHash(); h != nil {
				r = io.TeeReader(r, h)
			}
			req, err := http.NewRequest(http.MethodPut, p.URL.Reveal(), io.NopCloser(r))
			if err != nil {
				return err
			}
			req.ContentLength = p.Size
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("part %d: %s", p.Number, resp.Status)
			}
			return nil
		})
	}
	check(b, group.Wait())
	return time.Since(start)
}

// resetPeak makes the kernel forget the largest resident set so far. Where it may
// not, the peak is that of the whole run, bare loops included.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMiB is the largest resident set of this process since resetPeak.
func peakMiB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	check(b, err)
	m := highWater.FindSubmatch(status)
	if m == nil {
		b.Skip("this kernel does not say how much memory a process held at most")
	}
	kib, err := strconv.ParseFloat(string(m[1]), 64)
	check(b, err)
	return kib / 1024
}
