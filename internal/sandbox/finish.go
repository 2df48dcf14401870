package sandbox

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
)

// finishRequest is the body of POST /asset/complete.
type finishRequest struct {
	Action         string          `json:"action"`
	FileID         string          `json:"fileId"`
	OriginalFileID string          `json:"originalFileId"`
	UploadID       string          `json:"uploadId"`
	Filename       string          `json:"filename"`
	Filesize       float64         `json:"filesize"`
	Parts          []CompletedPart `json:"parts"`
}

func (c uploads) finishUpload() (int, any) {
	var req finishRequest
	missing := func() (int, any) {
		return failStatus(http.StatusBadRequest, "Failed to parse asset: Missing fields")
	}
	if err := decode(c.body, &req); err != nil {
		return missing()
	}
	cancel := req.Action == "cancel"
	if !cancel && req.Action != "complete" || req.FileID == "" || req.UploadID == "" || req.Filename == "" ||
		!cancel && len(req.Parts) == 0 || c.o.CompleteNeedsOriginalFileID && req.OriginalFileID == "" {
		return missing()
	}
	c.s.mu.Lock()
	u := c.s.db.uploads[req.UploadID]
	c.s.mu.Unlock()
	if u == nil {
		return c.gone("gone")
	}
	u.ending.Lock() // a second attempt waits for the outcome of the first
	defer u.ending.Unlock()
	c.s.mu.Lock()
	a, status := c.s.db.byObject[u.ObjectID], u.Status
	c.s.mu.Unlock()
	done := map[string]any{"fileId": req.FileID, "filename": req.Filename, "action": req.Action, "originalFileId": req.OriginalFileID,
		"uploadId": u.ID, "s3Key": u.Key, "status": "success"}
	assets(c).tellSize(done, int64(req.Filesize))
	if req.OriginalFileID == "" && a != nil {
		done["originalFileId"] = a.OriginalFileID
	}
	switch {
	case status == "completed" && !cancel:
		return c.again(c.o.CompleteTwice, done)
	case status == "cancelled" && cancel:
		return c.again(c.o.CancelTwice, done)
	case status != "open":
		return c.gone("gone")
	case a == nil || a.FileID != req.FileID || a.Filename != req.Filename || req.OriginalFileID != "" && req.OriginalFileID != a.OriginalFileID:
		return failStatus(http.StatusBadRequest, "Failed to parse asset: Missing fields")
	}
	if cancel {
		return c.cancelUpload(u, a, done)
	}
	return c.completeUpload(u, a, req, done)
}

// again answers a second complete or cancel as the knob has it.
func (c uploads) again(knob string, done map[string]any) (int, any) {
	if knob == "success" {
		return http.StatusOK, done
	}
	return c.gone(knob)
}

func (c uploads) gone(knob string) (int, any) {
	status := http.StatusBadRequest
	if knob == "404" {
		status = http.StatusNotFound
	}
	return failStatus(status, errNoSuchUpload.code+": "+errNoSuchUpload.message)
}

func (c uploads) cancelUpload(u *upload, a *Asset, done map[string]any) (int, any) {
	if c.s.store != nil {
		if err := c.s.store.AbortUpload(c.r.Context(), u.Key, u.ID); err != nil {
			if strings.HasPrefix(err.Error(), errNoSuchUpload.code) {
				c.s.mu.Lock()
				u.Status = "cancelled" // the store has forgotten it already
				c.s.mu.Unlock()
			}
			return failStatus(http.StatusBadRequest, err.Error())
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u.Status = "cancelled"
	u.drop()
	switch c.o.CancelRecord {
	case "delete":
		edits(c).setDeletedWith(a, c.o.DeleteScope, true)
	case "purge":
		c.s.db.purge(a)
		c.s.db.flip(a.OriginalFileID, c.o)
	}
	return http.StatusOK, done
}

func (c uploads) completeUpload(u *upload, a *Asset, req finishRequest, done map[string]any) (int, any) {
	for _, p := range req.Parts {
		quoted := strings.HasPrefix(p.ETag, `"`)
		if c.o.ETagForm == "quoted" && !quoted || c.o.ETagForm == "bare" && quoted {
			return failStatus(http.StatusBadRequest, errInvalidPart)
		}
	}
	if len(req.Parts) != u.URLs {
		c.violate("complete does not name every part", "upload of %q: %d parts named, %d handed out", a.Filename, len(req.Parts), u.URLs)
	}
	// The work goes on when the client leaves, as it does behind the gateway.
	ctx := context.WithoutCancel(c.r.Context())
	if c.s.store != nil {
		if err := c.s.store.CompleteUpload(ctx, u.Key, u.ID, req.Parts); err != nil {
			return failStatus(http.StatusBadRequest, err.Error())
		}
		c.s.mu.Lock()
		u.Status = "completed"
		c.s.mu.Unlock()
		c.r = c.r.WithContext(ctx)
		links(c).fetch(a)
		return http.StatusOK, done
	}
	parts, bad := c.chooseParts(u, req.Parts)
	if bad != "" {
		return failStatus(http.StatusBadRequest, bad)
	}
	got, err := c.assemble(a, parts)
	if err != nil {
		return fail(http.StatusInternalServerError, "Internal server error", "%v", err)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u.Status = "completed"
	u.drop()
	if got.size != int64(req.Filesize) {
		c.violateLocked("complete names another size", "%q: filesize %.0f, parts hold %d", a.Filename, req.Filesize, got.size)
	}
	links(c).fill(a, got)
	return http.StatusOK, done
}

const errInvalidPart = "InvalidPart: One or more of the specified parts could not be found. " +
	"The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."

// chooseParts finds the stored parts that a complete names, or says what S3
// says.
func (c uploads) chooseParts(u *upload, named []CompletedPart) ([]Part, string) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	var out []Part
	for i, n := range named {
		if i > 0 && n.PartNumber <= named[i-1].PartNumber {
			return nil, "InvalidPartOrder: The list of parts was not in ascending order. Parts must be ordered by part number."
		}
		at := slices.IndexFunc(u.Parts, func(p Part) bool { return p.Number == n.PartNumber })
		if at < 0 || u.Parts[at].Stored == 0 || strings.Trim(u.Parts[at].ETag, `"`) != strings.Trim(n.ETag, `"`) {
			return nil, errInvalidPart
		}
		out = append(out, u.Parts[at])
	}
	for _, p := range out[:len(out)-1] {
		if p.Size < c.o.MinPart {
			return nil, "EntityTooSmall: Your proposed upload is smaller than the minimum allowed size"
		}
	}
	return out, ""
}

// assemble writes the parts one after another into the asset's content. Parts
// that were not kept are only counted; the MD5 of several is unknown then.
func (c uploads) assemble(a *Asset, parts []Part) (content, error) {
	got := content{}
	sums := md5.New()
	kept := true
	for _, p := range parts {
		got.size += p.Size
		kept = kept && p.File != ""
		if sum, err := hex.DecodeString(p.MD5); err == nil {
			sums.Write(sum)
		}
	}
	got.etag = fmt.Sprintf(`"%s-%d"`, hex.EncodeToString(sums.Sum(nil)), len(parts))
	if !kept {
		if len(parts) == 1 {
			got.md5 = parts[0].MD5
		}
		return got, nil
	}
	whole, err := os.CreateTemp(c.s.path("tmp"), "whole-")
	if err != nil {
		return got, err
	}
	defer func() { _ = os.Remove(whole.Name()) }() // gone when all went well
	h := md5.New()
	buf := make([]byte, 256<<10)
	for _, p := range parts {
		if err := appendFile(io.MultiWriter(whole, h), p.File, buf); err != nil {
			_ = whole.Close() // removed next
			return got, err
		}
	}
	if err := whole.Close(); err != nil {
		return got, err
	}
	got.md5 = hex.EncodeToString(h.Sum(nil))
	got.file = c.s.path("content", a.ObjectID)
	return got, os.Rename(whole.Name(), got.file)
}

func appendFile(to io.Writer, path string, buf []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	_, err = io.CopyBuffer(to, f, buf)
	return err
}

// drop removes the files of an upload that has ended. What they were stays in
// the parts.
func (u *upload) drop() {
	for i := range u.Parts {
		if p := &u.Parts[i]; p.File != "" {
			_ = os.Remove(p.File) // a leftover costs only space
			p.File = ""
		}
	}
}
