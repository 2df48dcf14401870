package sandbox

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestSinglePut(t *testing.T) {
	for _, name := range []string{"apples.jpg", "a b#%&?+ü🎉.tif", "x//y..png", "plain"} {
		t.Run(name, func(t *testing.T) {
			c := start(t, Options{ChecksumLag: time.Minute})
			made := c.create(map[string]any{"filename": name})
			body := "content of " + name
			got := c.put(made.text("url"), body)
			got.want(t, 200)
			if want := `"` + sum(body) + `"`; got.header.Get("ETag") != want || got.header.Get("X-Amz-Server-Side-Encryption") != "AES256" {
				t.Errorf("headers %v, want ETag %s", got.header, want)
			}
			a := c.asset(made.text("objectId"))
			onDisk, err := os.ReadFile(a.ContentFile)
			if err != nil || string(onDisk) != body || a.ContentMD5 != sum(body) || a.PutsStored != 1 || !a.HasContent {
				t.Errorf("stored %q, %v: %+v", onDisk, err, a)
			}
			if strings.Contains(string(c.get("/asset/"+a.FileID).body), "MD5Checksum") {
				t.Error("the checksum appeared before its time")
			}
			c.clock.add(time.Minute)
			c.get("/asset/"+a.FileID).want(t, 200, `"MD5Checksum":"`+sum(body)+`"`)
			link := c.get("/asset/" + a.ObjectID + "/content")
			link.want(t, 200)
			req, err := http.NewRequest(http.MethodGet, link.text("presignedURL"), nil)
			if err != nil {
				t.Fatal(err)
			}
			back, err := c.send(req)
			if err != nil || string(back.body) != body {
				t.Errorf("content link gave %q, %v", back.body, err)
			}
		})
	}
}

func TestEmptyPut(t *testing.T) {
	c := start(t, Options{})
	made := c.create(nil)
	c.put(made.text("url"), "").want(t, 200)
	if a := c.asset(made.text("objectId")); !a.HasContent || a.ContentSize != 0 || a.ContentMD5 != sum("") {
		t.Errorf("%+v", a)
	}
}

func TestPlan(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		o    Options
		size int64 // -1 is not sent
		want int   // 0 is a single URL
	}{
		{Options{}, -1, 0}, {Options{}, 5, 0}, {Options{}, 100 * mib, 0}, {Options{}, 100*mib + 1, 2}, {Options{}, 335226108, 4},
		{Options{}, 5368709120, 52}, {Options{PartSizeDecimal: true}, 5368709120, 54},
		{Options{MultipartAlways: true}, -1, 0}, {Options{MultipartAlways: true}, 5, 1}, {Options{MultipartAlways: true}, 0, 1},
		{Options{ExtraURLs: -1}, 300 * mib, 2}, {Options{ExtraURLs: 1}, 300 * mib, 4},
		{Options{MultipartUnasked: true}, -1, 1}, {Options{MultipartUnasked: true}, 300 * mib, 3},
	} {
		tt.o.ShuffleURLs = true
		c := start(t, tt.o)
		changes := map[string]any{}
		if tt.size >= 0 {
			changes["filesize"] = tt.size
		}
		made := c.create(changes)
		if got := len(urls(made)); got != tt.want || (made.text("url") == "") != (tt.want > 0) || (made.text("uploadId") == "") != (tt.want == 0) {
			t.Errorf("%d bytes: %d URLs, want %d: %s", tt.size, got, tt.want, made.body)
		}
	}
	c := start(t, Options{})
	if made := c.create(map[string]any{"fileSize": 300 * mib}); made.text("url") == "" {
		t.Error("fileSize was taken for filesize")
	}
}

// three begins an upload of three small parts.
func three(t *testing.T, o Options) (*client, answered) {
	o.MultipartAlways, o.ExtraURLs, o.MinPart, o.ShuffleURLs = true, 2, 4, true
	c := start(t, o)
	return c, c.create(map[string]any{"filesize": 10})
}

// finish is the body of a complete or cancel.
func finish(made answered, action string, etags ...string) map[string]any {
	parts := []any{}
	for i, e := range etags {
		parts = append(parts, map[string]any{"partNumber": i + 1, "etag": e})
	}
	return map[string]any{"action": action, "fileId": made.text("fileId"), "originalFileId": made.text("originalFileId"),
		"uploadId": made.text("uploadId"), "filename": made.text("filename"), "filesize": 10, "parts": parts}
}

func TestMultipart(t *testing.T) {
	c, made := three(t, Options{Enveloped: true})
	var etags []string
	for i, u := range urls(made) {
		got := c.put(u, []string{"aaaa", "bbbb", "cc"}[i])
		got.want(t, 200)
		etags = append(etags, got.header.Get("ETag"))
	}
	u := c.s.State().OpenUploads()
	if len(u) != 1 || len(u[0].Parts) != 3 || u[0].Parts[2].Stored != 1 || u[0].Parts[2].MD5 != sum("cc") {
		t.Errorf("open uploads: %+v", u)
	}
	if a := c.asset(made.text("objectId")); a.HasContent {
		t.Error("content before complete")
	}
	c.post("/asset/complete", finish(made, "complete", etags...)).want(t, 200, `"status":"success"`, `"s3Key":"masters/`)
	a := c.asset(made.text("objectId"))
	onDisk, err := os.ReadFile(a.ContentFile)
	if err != nil || string(onDisk) != "aaaabbbbcc" || a.ContentMD5 != sum("aaaabbbbcc") || !strings.HasSuffix(a.ContentETag, `-3"`) {
		t.Errorf("content %q %v %+v", onDisk, err, a)
	}
	if len(c.s.State().OpenUploads()) != 0 || len(c.s.State().Violations) != 0 {
		t.Errorf("left: %+v", c.s.State())
	}
	c.put(urls(made)[0], "late").want(t, 404, "NoSuchUpload")
	left, err := os.ReadDir(c.s.path("uploads"))
	if err != nil || len(left) != 0 {
		t.Errorf("parts left on disk: %v %v", left, err)
	}
}

func TestCompleteRefuses(t *testing.T) {
	c, made := three(t, Options{})
	var etags []string
	for _, u := range urls(made) {
		etags = append(etags, c.put(u, "abc").header.Get("ETag"))
	}
	complete := func(change func(map[string]any)) answered {
		m := finish(made, "complete", etags...)
		change(m)
		return c.post("/asset/complete", m)
	}
	parts := func(p ...any) func(map[string]any) { return func(m map[string]any) { m["parts"] = p } }
	part := func(n int, etag string) map[string]any { return map[string]any{"partNumber": n, "etag": etag} }
	for _, k := range []string{"action", "fileId", "uploadId", "filename", "parts"} {
		complete(func(m map[string]any) { delete(m, k) }).want(t, 400, "Missing fields")
	}
	complete(func(m map[string]any) { m["action"] = "Complete" }).want(t, 400, "Missing fields")
	complete(func(m map[string]any) { m["uploadId"] = "other" }).want(t, 400, "NoSuchUpload")
	c.post("/asset/complete", "[]").want(t, 400, "Missing fields")
	complete(parts(part(1, etags[0]), part(2, `"other"`))).want(t, 400, "InvalidPart:")
	complete(parts(part(1, etags[0]), part(9, etags[1]))).want(t, 400, "InvalidPart:")
	complete(parts(part(2, etags[1]), part(1, etags[0]))).want(t, 400, "InvalidPartOrder:")
	complete(func(map[string]any) {}).want(t, 400, "EntityTooSmall:")
	c.put(urls(made)[0], "long enough").want(t, 200)
	complete(parts(part(1, sum("long enough")), part(2, etags[1]))).want(t, 200)
	if v := c.s.State().Violations; len(v) != 5 { // four of short lists, one of the size
		t.Errorf("violations: %+v", v)
	}
	if n := c.s.State().Uploads[0].Parts[0].Stored; n != 2 {
		t.Errorf("part 1 stored %d times", n)
	}
}

func TestETagForm(t *testing.T) {
	for _, tt := range []struct {
		form   string
		quoted bool
		status int
	}{{"any", true, 200}, {"any", false, 200}, {"quoted", true, 200}, {"quoted", false, 400}, {"bare", true, 400}, {"bare", false, 200}} {
		c := start(t, Options{MultipartAlways: true, ETagForm: tt.form})
		made := c.create(map[string]any{"filesize": 10})
		etag := c.put(urls(made)[0], "0123456789").header.Get("ETag")
		if !tt.quoted {
			etag = strings.Trim(etag, `"`)
		}
		c.post("/asset/complete", finish(made, "complete", etag)).want(t, tt.status)
	}
}

func TestEndTwice(t *testing.T) {
	for _, tt := range []struct {
		first, second string
		o             Options
		status        int
	}{
		{"complete", "complete", Options{}, 400}, {"complete", "complete", Options{CompleteTwice: "success"}, 200},
		{"complete", "complete", Options{CompleteTwice: "404"}, 404}, {"cancel", "cancel", Options{}, 400},
		{"cancel", "cancel", Options{CancelTwice: "success"}, 200}, {"cancel", "cancel", Options{CancelTwice: "404"}, 404},
		{"complete", "cancel", Options{CancelTwice: "success"}, 400}, {"cancel", "complete", Options{CompleteTwice: "success"}, 400},
	} {
		tt.o.MultipartAlways = true
		c := start(t, tt.o)
		made := c.create(map[string]any{"filesize": 10})
		etag := c.put(urls(made)[0], "0123456789").header.Get("ETag")
		c.post("/asset/complete", finish(made, tt.first, etag)).want(t, 200)
		c.post("/asset/complete", finish(made, tt.second, etag)).want(t, tt.status)
		if n := len(c.s.State().OpenUploads()); n != 0 {
			t.Errorf("%d uploads are open", n)
		}
	}
}

func TestCancelRecord(t *testing.T) {
	for knob, want := range map[string]string{"keep": "available", "delete": "recycle bin", "purge": "Asset not found"} {
		c, made := three(t, Options{CancelRecord: knob})
		c.post("/asset/complete", finish(made, "cancel")).want(t, 200)
		if got := c.get("/asset/" + made.text("objectId")); !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %s", knob, got.body)
		}
		c.put(urls(made)[1], "late").want(t, 404, "NoSuchUpload")
	}
}

func TestOpaqueETags(t *testing.T) {
	for _, o := range []Options{{SSEKMS: true}, {Discard: "count"}} {
		c := start(t, o)
		made := c.create(nil)
		got := c.put(made.text("url"), "body")
		got.want(t, 200)
		if got.header.Get("ETag") == `"`+sum("body")+`"` || got.header.Get("X-Amz-Server-Side-Encryption") != "aws:kms" {
			t.Errorf("%v", got.header)
		}
	}
}

func TestDiscard(t *testing.T) {
	c, made := three(t, Options{Discard: "hash"})
	var etags []string
	for _, u := range urls(made) {
		etags = append(etags, c.put(u, "abcde").header.Get("ETag"))
	}
	if etags[0] != `"`+sum("abcde")+`"` {
		t.Errorf("ETag %s", etags[0])
	}
	c.post("/asset/complete", finish(made, "complete", etags...)).want(t, 200)
	a := c.asset(made.text("objectId"))
	if !a.HasContent || a.ContentSize != 15 || a.ContentFile != "" || a.ContentMD5 != "" {
		t.Errorf("%+v", a)
	}
}

func TestReadCutLeavesNothing(t *testing.T) {
	c, made := three(t, Options{})
	if err := c.s.Queue(Fault{Operation: PutPart, Kind: FaultReadCut, Part: 2, Bytes: 3}); err != nil {
		t.Fatal(err)
	}
	c.put(urls(made)[0], "aaaa").want(t, 200)
	req, _ := http.NewRequest(http.MethodPut, urls(made)[1], strings.NewReader(strings.Repeat("b", 1<<20)))
	if _, err := c.send(req); err == nil {
		t.Error("the connection held")
	}
	for _, p := range c.s.State().Uploads[0].Parts {
		if p.Stored != 2-p.Number {
			t.Errorf("part %+v", p)
		}
	}
	left, err := os.ReadDir(c.s.path("tmp"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
	if fmt.Sprint(c.s.UnusedFaults()) != "[]" {
		t.Errorf("unused: %v", c.s.UnusedFaults())
	}
}
