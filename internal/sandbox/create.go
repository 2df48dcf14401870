package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"

	"github.com/google/uuid"
)

// createRequest is the body of POST /asset. Pointers and raw values tell a field
// that is missing from one that is empty.
type createRequest struct {
	TemplateID     string          `json:"metadataTemplateId"`
	Metadata       json.RawMessage `json:"metadata"`
	SecurityIDs    []string        `json:"securityTemplateIds"`
	Filename       string          `json:"filename"`
	Filesize       *float64        `json:"filesize"`
	OriginalFileID string          `json:"originalFileId"`
	ContentPath    string          `json:"contentPath"`
	SkipTranscode  bool            `json:"skipTranscode"`
}

func (c uploads) createAsset() (int, any) {
	forbid := func(message, detail string, args ...any) (int, any) {
		return fail(http.StatusForbidden, message, detail, args...)
	}
	var req createRequest
	if err := decode(c.body, &req); err != nil {
		return forbid("Failed to parse Asset", "%v", err)
	}
	if message := c.refusedRight(req); message != "" {
		return forbid(message, "")
	}
	values, err := parseMetadata(req.Metadata)
	template := c.s.Account().template(req.TemplateID)
	switch {
	case req.Filename == "" || req.Filename == "." || req.Filename == "..":
		return forbid("Failed to parse Asset", "filename is needed")
	case req.Metadata == nil || c.o.RefuseNullMetadata && bytes.Equal(req.Metadata, []byte("null")):
		return forbid("Unexpected end of JSON input", "")
	case err != nil:
		return forbid("Failed to parse Asset", "metadata: %v", err)
	case req.TemplateID == "":
		return forbid("Invalid Asset: Missing Metadata Template ID", "")
	case len(req.SecurityIDs) == 0:
		return forbid("Invalid Asset: Missing Security Template ID(s)", "")
	case template == nil:
		return forbid("Metadata Template not found", "there is no metadata template %q", req.TemplateID)
	case req.Filesize != nil && (*req.Filesize < 0 || *req.Filesize != math.Trunc(*req.Filesize)):
		return forbid("Failed to parse Asset", "filesize is no number of bytes")
	case !c.o.takesContentPath(req.ContentPath):
		return forbid("Failed to parse Asset", "contentPath is not of the form %s", c.o.ContentPathForm)
	}
	if bad := c.s.checkSecurity(req.SecurityIDs); bad != "" {
		return forbid("Invalid security template ID(s)", "%s", bad)
	}
	if bad := c.s.checkMetadata(template, values); bad != "" {
		return forbid("Invalid fields for metadata template", "%s", bad)
	}
	if name := missingRequired(template, values); c.o.EnforceRequired && name != "" {
		return forbid("Invalid fields for metadata template", "attribute %q is required", name)
	}

	now := c.s.clock()
	a := &Asset{ObjectID: uuid.NewString(), FileID: uuid.NewString(), Filename: req.Filename, TemplateID: req.TemplateID,
		Metadata: values, SecurityIDs: req.SecurityIDs, Created: now, CreatedBy: c.user.ID, Updated: now, UpdatedBy: c.user.ID,
		FederatedPath: req.ContentPath, SkipTranscode: req.SkipTranscode, DeclaredSize: -1,
		Key: "masters/" + uuid.NewString() + "/" + req.Filename}
	if req.Filesize != nil {
		a.DeclaredSize = int64(*req.Filesize)
	}
	a.OriginalFileID = a.FileID

	if req.OriginalFileID != "" {
		c.s.mu.Lock()
		known := len(c.s.db.live(req.OriginalFileID)) > 0
		c.s.mu.Unlock()
		if !known {
			return forbid("Invalid Response from Create Asset", "")
		}
		a.OriginalFileID = req.OriginalFileID
	}
	out := map[string]any{"filename": a.Filename, "objectId": a.ObjectID, "fileId": a.FileID, "originalFileId": a.OriginalFileID}
	assets(c).tellSize(out, a.DeclaredSize)
	u, err := c.placeUpload(a, out)
	if err != nil {
		return fail(http.StatusInternalServerError, "Internal server error", "%v", err)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	a.Seq = c.s.db.seq + 1
	if u != nil {
		u.Seq = a.Seq
		c.s.db.uploads[u.ID] = u
	}
	c.s.db.add(a)
	c.s.db.flip(a.OriginalFileID, c.o)
	return http.StatusOK, out
}

// placeUpload puts into the reply of a create where the content goes: the
// federated path, one URL, or the URLs of the parts. It returns the multipart
// upload, if there is one.
func (c uploads) placeUpload(a *Asset, out map[string]any) (*upload, error) {
	if a.FederatedPath != "" {
		out["url"] = s3Key(a.FederatedPath)
		return nil, nil
	}
	signer, ctx := links(c).signer(), c.r.Context()
	part := c.o.partSize()
	if !c.o.MultipartUnasked && (a.DeclaredSize < 0 || !c.o.MultipartAlways && a.DeclaredSize <= part) {
		url, err := signer.PresignPut(ctx, a.Key, a.ObjectID, c.o.URLLife)
		out["url"] = url
		return nil, err
	}
	id, err := signer.CreateUpload(ctx, a.Key, a.ObjectID)
	if err != nil {
		return nil, err
	}
	a.UploadID = id
	count := max(1, int((a.DeclaredSize+part-1)/part)+c.o.ExtraURLs)
	urls := make([]map[string]any, count)
	for i := range urls {
		url, err := signer.PresignPart(ctx, a.Key, a.ObjectID, id, i+1, c.o.URLLife)
		if err != nil {
			return nil, err
		}
		urls[i] = map[string]any{"url": url}
		if !c.o.OmitPartNumbers {
			urls[i]["partNumber"] = i + 1
		}
	}
	if c.o.ShuffleURLs && !c.o.OmitPartNumbers {
		rand.Shuffle(count, func(i, j int) { urls[i], urls[j] = urls[j], urls[i] })
	}
	out["uploadId"], out["urls"] = id, urls
	return &upload{Upload: Upload{ID: id, ObjectID: a.ObjectID, FileID: a.FileID, Key: a.Key, Status: "open", Created: a.Created, URLs: count, Parts: []Part{}}}, nil
}

// parseMetadata reads metadata[]; null is no value at all.
func parseMetadata(raw json.RawMessage) ([]MetadataValue, error) {
	values := []MetadataValue{}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return values, nil
	}
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, err
	}
	for i, v := range values {
		if v.ID == "" {
			return nil, fmt.Errorf("item %d has no metadataDefinitionId", i+1)
		}
	}
	return values, nil
}
