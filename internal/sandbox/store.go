package sandbox

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// maxPut is the most that S3 takes in one PUT.
const maxPut = 5 << 30

// s3Error is an error of the content store.
type s3Error struct {
	status        int
	code, message string
}

func (e *s3Error) reply(out *reply) {
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
		HostID    string `xml:"HostId"`
	}{Code: e.code, Message: e.message, RequestID: "SANDBOX000000000", HostID: "sandbox"})
	if err != nil {
		body = nil // two short strings always encode
	}
	out.status, out.body = e.status, append([]byte(xml.Header), body...)
	out.set("Content-Type", "application/xml")
}

// putContent serves PutPart and PutObject: it checks the request, streams the
// body to disk and files it. A body that breaks off leaves nothing.
func (c contents) putContent(out *reply) {
	if c.refuseExpect(out) {
		return
	}
	if e := c.checkPut(); e != nil {
		e.reply(out)
		return
	}
	key := c.r.URL.Path[1:]
	q := c.r.URL.Query()
	number := 0
	if c.op == PutPart {
		var err error
		if number, err = strconv.Atoi(q.Get("partNumber")); err != nil || number < 1 || number > 10000 {
			(&s3Error{http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"}).reply(out)
			return
		}
	}
	if e := c.beginPut(key, q.Get("uploadId"), number); e != nil {
		e.reply(out)
		return
	}
	got, err := c.receive()
	if err != nil {
		return // the client broke off, or the disk is full: the connection is dropped
	}
	if e := c.endPut(key, q.Get("uploadId"), number, got); e != nil {
		e.reply(out)
		return
	}
	out.status = http.StatusOK
	out.set("ETag", c.shownETag(got.etag))
	out.set("X-Amz-Request-Id", "SANDBOX000000000")
	out.set("X-Amz-Server-Side-Encryption", "AES256")
	if c.opaqueETags() && !c.o.SilentKMS {
		out.set("X-Amz-Server-Side-Encryption", "aws:kms")
	}
}

// opaqueETags tells whether ETags say nothing about the bytes.
func (c contents) opaqueETags() bool { return c.o.SSEKMS || c.o.SilentKMS || c.o.Discard == "count" }

// shownETag is an ETag as it leaves, through what stands before the store.
func (c contents) shownETag(etag string) string {
	if c.o.WeakETags {
		return "W/" + etag
	}
	return etag
}

func (c contents) checkPut() *s3Error {
	if e := c.verify(); e != nil {
		return e
	}
	switch {
	case len(c.r.TransferEncoding) > 0:
		c.violate("chunked body sent to the content store", "%v", c.r.TransferEncoding)
		return &s3Error{http.StatusNotImplemented, "NotImplemented",
			"A header you provided implies functionality that is not implemented. Header: Transfer-Encoding"}
	case c.r.Header.Get("Content-Length") == "":
		c.violate("no Content-Length sent to the content store", "")
		return &s3Error{http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header."}
	case c.r.ContentLength > maxPut:
		return &s3Error{http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"}
	}
	return nil
}

var errNoSuchUpload = &s3Error{http.StatusNotFound, "NoSuchUpload",
	"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."}

// beginPut counts a PUT, and refuses one that has no upload or asset any more.
func (c contents) beginPut(key, uploadID string, number int) *s3Error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if number == 0 {
		a := c.s.db.byKey[key]
		if a == nil {
			return &s3Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
		}
		a.PutsBegun++
		return nil
	}
	u := c.s.db.uploads[uploadID]
	if u == nil || u.Key != key || u.Status != "open" {
		return errNoSuchUpload
	}
	u.part(number).Begun++
	return nil
}

// receive streams the body to a temporary file and hashes it on the way.
func (c contents) receive() (got content, err error) {
	var h hash.Hash
	to := io.Discard
	if c.o.Discard != "count" {
		h = md5.New()
		to = h
	}
	if c.o.Discard == "keep" {
		f, err := os.CreateTemp(c.s.path("tmp"), "put-")
		if err != nil {
			return got, err
		}
		defer func() {
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				_ = os.Remove(f.Name()) // New empties the directory in any case
			}
		}()
		got.file, to = f.Name(), io.MultiWriter(f, h)
	}
	buf := make([]byte, 256<<10)
	got.size, err = io.CopyBuffer(to, c.r.Body, buf)
	if err == nil && got.size != c.r.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return got, err
	}
	if h != nil {
		got.md5 = hex.EncodeToString(h.Sum(nil))
	}
	got.etag = `"` + got.md5 + `"`
	if c.opaqueETags() {
		got.etag = `"` + strings.ReplaceAll(uuid.NewString(), "-", "") + `"`
	}
	return got, nil
}

// endPut files what arrived. An upload that was ended meanwhile refuses it.
func (c contents) endPut(key, uploadID string, number int, got content) *s3Error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	keep := func(to string) *s3Error {
		if got.file == "" {
			return nil
		}
		if err := os.Rename(got.file, to); err != nil {
			return &s3Error{http.StatusInternalServerError, "InternalError", err.Error()}
		}
		got.file = to
		return nil
	}
	if number == 0 {
		a := c.s.db.byKey[key]
		if a == nil {
			return &s3Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
		}
		if e := keep(c.s.path("content", a.ObjectID)); e != nil {
			return e
		}
		a.PutsStored++
		links(c).fill(a, got)
		return nil
	}
	u := c.s.db.uploads[uploadID]
	if u == nil || u.Status != "open" {
		if got.file != "" {
			_ = os.Remove(got.file) // New empties the directory in any case
		}
		return errNoSuchUpload
	}
	if e := keep(c.s.path("uploads", fmt.Sprintf("%s.%d", u.ID, number))); e != nil {
		return e
	}
	p := u.part(number)
	p.Stored++
	p.Size, p.MD5, p.ETag, p.File = got.size, got.md5, got.etag, got.file
	return nil
}

// getObject serves the content of an asset.
func (c contents) getObject(out *reply) {
	if e := c.verify(); e != nil {
		e.reply(out)
		return
	}
	c.s.mu.Lock()
	file, etag := "", ""
	if a := c.s.db.byKey[c.r.URL.Path[1:]]; a != nil {
		file, etag = a.ContentFile, a.ContentETag
	}
	c.s.mu.Unlock()
	f, err := os.Open(file)
	if err != nil {
		(&s3Error{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}).reply(out)
		return
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // read only
		(&s3Error{http.StatusInternalServerError, "InternalError", err.Error()}).reply(out)
		return
	}
	out.status = http.StatusOK
	out.set("ETag", etag)
	out.set("X-Amz-Request-Id", "SANDBOX000000000")
	out.set("Content-Type", "application/octet-stream")
	out.stream = func(w http.ResponseWriter) {
		http.ServeContent(w, c.r, "", info.ModTime(), f)
	}
	out.close = f.Close
}
