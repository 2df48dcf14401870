package ingest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// smallRounds is how often each client sends all files; the medians are reported. With
// -short it is once.
const smallRounds = 5

// BenchmarkSmall measures `ingestd backfill`, as it is shipped, over many small files:
// with a journal on disk, the sandbox for the API and a real S3 server for the content.
// A bare loop that makes the same two calls for each file, mc and rclone, where they
// are installed, send the same files in turn, eight at once like ingestd's workers.
func BenchmarkSmall(b *testing.B) {
	startS3(b)
	ingestd := program(b)
	rounds := smallRounds
	if testing.Short() {
		rounds = 1
	}
	for _, c := range []struct{ files, size int }{{2000, 256 << 10}, {10_000, 1 << 10}} {
		b.Run(fmt.Sprintf("%dx%dKiB", c.files, c.size>>10), func(b *testing.B) {
			dir := b.TempDir()
			for i := range c.files {
				name := filepath.Join(dir, fmt.Sprintf("campaign-%02d", i/500), fmt.Sprintf("photograph-%05d.jpg", i))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					b.Fatal(err)
				}
				if err := os.WriteFile(name, content(fmt.Sprint(i), c.size, 1), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			time.Sleep(time.Second) // the settle of the configuration
			for b.Loop() {
				costs := map[string][]cost{}
				for range rounds {
					for _, client := range smallClients {
						if to := makeBucket(b); client.installed(b) {
							costs[client.name] = append(costs[client.name], client.send(b, ingestd, dir, to))
							if n := len(to.objects(b)); n != c.files {
								b.Fatalf("%s stored %d files of %d", client.name, n, c.files)
							}
							to.remove(b)
						}
					}
				}
				report(b, costs, float64(c.files))
			}
		})
	}
}

// report prints the medians and reports those of ingestd.
func report(b *testing.B, costs map[string][]cost, files float64) {
	b.Helper()
	seconds := func(c cost) float64 { return c.seconds }
	cpu := func(c cost) float64 { return c.cpu * 1000 / files }
	loop := medianOf(costs["loop"], seconds)
	table := fmt.Sprintf("%-8s %8s %8s %8s %11s %9s %11s", "", "x loop", "seconds", "files/s", "CPU ms/file", "peak MiB", "calls/file")
	for _, client := range smallClients {
		all := costs[client.name]
		if len(all) == 0 {
			table += fmt.Sprintf("\n%-8s is not installed", client.name)
			continue
		}
		s := medianOf(all, seconds)
		table += fmt.Sprintf("\n%-8s %8.2f %8.2f %8.0f", client.name, s/loop, s, files/s)
		if client.name != "loop" { // whose processor time is this process's
			table += fmt.Sprintf(" %11.2f %9.0f", medianOf(all, cpu), medianOf(all, func(c cost) float64 { return c.peak }))
		}
		if client.name == "ingestd" {
			table += fmt.Sprintf(" %11.2f", medianOf(all, func(c cost) float64 { return c.calls }))
			b.ReportMetric(s/loop, "x-loop")
			b.ReportMetric(files/s, "files/s")
			b.ReportMetric(medianOf(all, cpu), "cpu-ms/file")
			b.ReportMetric(medianOf(all, func(c cost) float64 { return c.peak }), "peak-MiB")
		}
	}
	b.Log("\n" + table)
}

// startS3 starts a real S3 server for the benchmark, unless the environment names one.
// Where none can be had the benchmark is skipped.
func startS3(b *testing.B) {
	b.Helper()
	if os.Getenv("INGESTD_S3") != "" {
		return
	}
	server := exec.Command("../.ci/with-s3", "sh", "-c", `echo "$INGESTD_S3 $INGESTD_S3_KEY $INGESTD_S3_SECRET" && cat`)
	server.Env = os.Environ()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() { // so that the store's disk is not measured
		server.Env = append(server.Env, "TMPDIR=/dev/shm")
	}
	var log bytes.Buffer
	server.Stderr = &log
	end, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		skipAloud(b, err.Error())
	}
	b.Cleanup(func() {
		_ = end.Close() // cat ends, and with it the server
		_ = server.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	where := strings.Fields(line)
	if err != nil || len(where) != 3 {
		_ = end.Close()
		_ = server.Wait() // then its log is whole
		skipAloud(b, strings.TrimSpace(lastLines(log.String())))
	}
	b.Setenv("INGESTD_S3", where[0])
	b.Setenv("INGESTD_S3_KEY", where[1])
	b.Setenv("INGESTD_S3_SECRET", where[2])
}

// skipAloud skips a benchmark for want of an S3 server. The reason of a skip alone is
// seen only with -v.
func skipAloud(b *testing.B, why string) {
	b.Helper()
	fmt.Fprintf(os.Stderr, "%s is skipped: no S3 server can be had. Go builds versitygw for it, which needs a module proxy the first time:\n%s\n", b.Name(), why)
	b.SkipNow()
}

// smallClient is a way to bring the files of a directory into a bucket.
type smallClient struct {
	name      string
	installed func(b *testing.B) bool
	send      func(b *testing.B, ingestd, dir string, to *bucket) cost
}

var smallClients = []smallClient{
	{"ingestd", always, sendIngestd}, {"loop", always, sendLoop}, {"mc", hasMC, sendMC}, {"rclone", hasRclone, sendRclone},
}

func always(*testing.B) bool { return true }

func sendIngestd(b *testing.B, ingestd, dir string, to *bucket) cost {
	b.Helper()
	api := newCounterpart(b, to)
	defer api.close(b)
	c := runMeasured(b, exec.Command(ingestd, "backfill", "-c", api.config(b, dir)))
	state := api.State()
	if len(state.Violations) > 0 {
		b.Fatalf("%+v", state.Violations[0])
	}
	for _, n := range state.Counts.Requests {
		c.calls += float64(n)
	}
	c.calls = c.calls/float64(len(state.Assets)) + 1 // and the PUT, which the sandbox does not see
	return c
}

// sendLoop is the least that makes assets of the files: two calls for each of them.
func sendLoop(b *testing.B, _, dir string, to *bucket) cost {
	b.Helper()
	api := newCounterpart(b, to)
	defer api.close(b)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	acct := api.Account()
	header := http.Header{"X-Api-Key": {acct.APIKey}, "Content-Type": {"application/json"}}
	begun := time.Now()
	var login struct {
		Session struct{ Authorization string }
	}
	err := exchange(client, http.MethodPost, api.url+"/auth/token", header, map[string]string{"username": acct.Users[0].Username, "password": acct.Users[0].Password}, &login)
	if err != nil {
		b.Fatal(err)
	}
	header.Set("Authorization", login.Session.Authorization)
	var g errgroup.Group
	g.SetLimit(8)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			g.Go(func() error {
				title := map[string]string{"metadataDefinitionId": acct.Templates[0].Groups[0].Attributes[0].ID, "metadataValue": d.Name()}
				var created struct{ Data struct{ URL string } }
				err := exchange(client, http.MethodPost, api.url+"/asset", header, map[string]any{
					"metadataTemplateId": acct.Templates[0].ID, "metadata": []any{title}, "securityTemplateIds": []string{acct.SecurityTemplates[0].ID}, "filename": d.Name(),
				}, &created)
				if err != nil {
					return err
				}
				return put(client, created.Data.URL, path)
			})
		}
		return err
	})
	if err = errors.Join(err, g.Wait()); err != nil {
		b.Fatal(err)
	}
	return cost{seconds: time.Since(begun).Seconds()}
}

// exchange sends JSON and reads JSON.
func exchange(client *http.Client, method, url string, header http.Header, body, reply any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header = header
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err = io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %s: %w", method, url, res.Status, data, err)
	}
	return json.Unmarshal(data, reply)
}

// put sends a file to a presigned URL.
func put(client *http.Client, url, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPut, url, io.NopCloser(f))
	if err != nil {
		return err
	}
	req.ContentLength = info.Size()
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("put %s: %s: %w", path, res.Status, err)
	}
	return nil
}

// hasMC reports whether mc is the client of S3, and not the file manager of that name.
func hasMC(*testing.B) bool {
	out, err := exec.Command("mc", "--version").Output()
	return err == nil && !bytes.Contains(out, []byte("Midnight"))
}

func sendMC(b *testing.B, _, dir string, to *bucket) cost {
	b.Helper()
	cmd := exec.Command("mc", "--config-dir", b.TempDir(), "--quiet", "mirror", dir, "bench/"+to.name)
	at := *to.endpoint
	cmd.Env = append(os.Environ(), fmt.Sprintf("MC_HOST_bench=%s://%s:%s@%s", at.Scheme, to.keyID, to.secret, at.Host))
	return runMeasured(b, cmd)
}

func hasRclone(*testing.B) bool {
	_, err := exec.LookPath("rclone")
	return err == nil
}

func sendRclone(b *testing.B, _, dir string, to *bucket) cost {
	b.Helper()
	cmd := exec.Command("rclone", "copy", "--transfers", "8", dir, ":s3:"+to.name)
	cmd.Env = append(os.Environ(), "RCLONE_CONFIG=/dev/null", "RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENDPOINT="+to.endpoint.String(),
		"RCLONE_S3_ACCESS_KEY_ID="+to.keyID, "RCLONE_S3_SECRET_ACCESS_KEY="+to.secret, "AWS_CA_BUNDLE=") // which some versions refuse
	return runMeasured(b, cmd)
}
