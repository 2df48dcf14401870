package tenovos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// MultipartOver is the size in bytes above which CreateAsset asks for a
// multipart upload by sending the size.
const MultipartOver = 100 << 20

// NewAsset is the asset to create. It survives a round trip through JSON, Date
// values excepted, which come back as Text and are sent alike.
type NewAsset struct {
	TemplateID  string   `json:"metadataTemplateId"`
	Metadata    []Value  `json:"metadata,omitempty"`
	SecurityIDs []string `json:"securityTemplateIds,omitempty"`
	Filename    string   `json:"filename"`
	// Size is the content's, in bytes.
	Size int64 `json:"size,omitempty"`
	// OriginalFileID makes it a new version of that asset.
	OriginalFileID string `json:"originalFileId,omitempty"`
	// ContentPath makes it a federated asset: its content stays at that S3 path.
	ContentPath string `json:"contentPath,omitempty"`
	// SkipTranscode asks for no renditions of a federated asset.
	SkipTranscode bool `json:"skipTranscode,omitempty"`
	// NoContent makes it an asset of metadata only: nothing will be uploaded.
	NoContent bool `json:"noContent,omitempty"`
}

// Upload is a created asset and where its content goes. The URLs are stored only
// where they are never shown; each of them is a credential.
type Upload struct {
	Filename, ObjectID, FileID, OriginalFileID string
	// UploadID is "" for a single PUT. Otherwise CompleteUpload or CancelUpload
	// must end the upload, even one of a single part.
	UploadID string
	// URLs are sorted by number. A single PUT has one, number 1. There are none with
	// ContentPath, and with NoContent only where the service gives one all the same:
	// the asset can still get content through it.
	URLs []PartURL
	// ContentPath is the path of a federated asset as the service tells it.
	ContentPath string
}

// PartURL is where one part goes. Numbers count from 1.
type PartURL struct {
	Number int
	URL    secret.URL
}

// createBody is NewAsset as the API wants it.
type createBody struct {
	OriginalFileID string   `json:"originalFileId,omitempty"`
	TemplateID     string   `json:"metadataTemplateId"`
	Metadata       []Value  `json:"metadata"`
	SecurityIDs    []string `json:"securityTemplateIds"`
	Filename       string   `json:"filename"`
	ContentPath    string   `json:"contentPath,omitempty"`
	SkipTranscode  *bool    `json:"skipTranscode,omitempty"`
	Size           int64    `json:"filesize,omitempty"`
}

func (a NewAsset) body() createBody {
	b := createBody{
		OriginalFileID: a.OriginalFileID,
		TemplateID:     a.TemplateID,
		// Neither may be null or left out.
		Metadata:    append([]Value{}, a.Metadata...),
		SecurityIDs: append([]string{}, a.SecurityIDs...),
		Filename:    a.Filename,
		ContentPath: a.ContentPath,
	}
	if a.ContentPath != "" {
		b.SkipTranscode = &a.SkipTranscode
	} else if a.Size > MultipartOver && !a.NoContent {
		// Sending the size is what asks for a multipart upload.
		b.Size = a.Size
	}
	return b
}

// CreateAsset creates an asset, a version of one, an asset of metadata only, or
// a federated asset, as a says. It is not idempotent: after ErrAmbiguous an
// asset may be there, empty and without an owner. Where the reply told its ids
// but not where to upload to, the ids are returned with that error.
func (c *Client) CreateAsset(ctx context.Context, a NewAsset) (Upload, error) {
	op := "create asset"
	if a.OriginalFileID != "" {
		op = "create version"
	}
	var u Upload
	err := c.call(ctx, request{op: op, method: http.MethodPost, path: "/asset", body: a.body(), limit: createLimit(a.Size)}, func(raw json.RawMessage) (err error) {
		u, err = decodeUpload(raw, a)
		return err
	})
	return u, err
}

// decodeUpload obeys the reply, not the request: a multipart upload is what has
// an upload id, whatever its size.
func decodeUpload(raw json.RawMessage, a NewAsset) (Upload, error) {
	var reply struct {
		Filename       word            `json:"filename"`
		ObjectID       word            `json:"objectId"`
		FileID         word            `json:"fileId"`
		OriginalFileID word            `json:"originalFileId"`
		UploadID       word            `json:"uploadId"`
		URL            word            `json:"url"`
		URLs           json.RawMessage `json:"urls"`
	}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return Upload{}, err
	}
	u := Upload{
		Filename:       or(string(reply.Filename), a.Filename),
		ObjectID:       string(reply.ObjectID),
		FileID:         string(reply.FileID),
		OriginalFileID: string(reply.OriginalFileID),
		UploadID:       string(reply.UploadID),
	}
	if u.ObjectID == "" || u.FileID == "" {
		return u, errors.New("it holds no objectId or no fileId")
	}
	if u.OriginalFileID == "" {
		// A first version is its own original.
		u.OriginalFileID = or(a.OriginalFileID, u.FileID)
	}
	switch {
	case a.ContentPath != "":
		u.UploadID, u.ContentPath = "", or(string(reply.URL), a.ContentPath)
		return u, nil
	case a.NoContent:
		// An upload id that came nevertheless is kept: it has to be cancelled.
		if u.UploadID == "" && reply.URL != "" {
			u.URLs = []PartURL{{1, secret.URL(reply.URL)}}
		}
		return u, nil
	}
	var err error
	if u.URLs, err = decodeURLs(reply.URLs); err != nil {
		return u, err
	}
	if len(u.URLs) == 0 && reply.URL != "" {
		u.URLs = []PartURL{{1, secret.URL(reply.URL)}}
	}
	if len(u.URLs) == 0 {
		return u, errors.New("it holds no URL to upload to")
	}
	return u, nil
}

// decodeURLs reads [{partNumber, url}], in any order, or a list of plain URLs in
// theirs. URLs of which none is numbered are numbered in their order. It checks
// neither gaps nor duplicates: the plan of the parts does.
func decodeURLs(raw json.RawMessage) ([]PartURL, error) {
	if !loose(raw).present() {
		return nil, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(inner(raw), &items); err != nil {
		return nil, errors.New("its urls are no list") // the cause may quote one
	}
	urls := make([]PartURL, len(items))
	numbered := false
	for i, item := range items {
		var part struct {
			Number number `json:"partNumber"`
			URL    word   `json:"url"`
		}
		if json.Unmarshal(item, &part) != nil && json.Unmarshal(item, &part.URL) != nil || part.URL == "" {
			return nil, errors.New("one of its urls cannot be read")
		}
		urls[i] = PartURL{int(part.Number), secret.URL(part.URL)}
		numbered = numbered || part.Number != 0
	}
	if !numbered {
		for i := range urls {
			urls[i].Number = i + 1
		}
	}
	slices.SortStableFunc(urls, func(a, b PartURL) int { return a.Number - b.Number })
	return urls, nil
}

// Completion names a multipart upload by what CreateAsset returned.
type Completion struct {
	FileID, OriginalFileID, UploadID, Filename string
	// Size is the whole content's, in bytes.
	Size int64
	// Parts are all the parts. CancelUpload needs none.
	Parts []CompletedPart
}

// CompletedPart is a stored part. ETag is as the content store sent it, quotes
// included.
type CompletedPart struct {
	Number int
	ETag   string
}

type completeBody struct {
	Action         string          `json:"action"`
	FileID         string          `json:"fileId"`
	OriginalFileID string          `json:"originalFileId,omitempty"`
	UploadID       string          `json:"uploadId"`
	Filename       string          `json:"filename"`
	Size           int64           `json:"filesize"`
	Parts          []completedPart `json:"parts,omitempty"`
}

type completedPart struct {
	Number int    `json:"partNumber"`
	ETag   string `json:"etag"`
}

func (k Completion) body(action string) completeBody {
	b := completeBody{
		Action: action, FileID: k.FileID, OriginalFileID: k.OriginalFileID,
		UploadID: k.UploadID, Filename: k.Filename, Size: k.Size,
	}
	for _, p := range k.Parts {
		b.Parts = append(b.Parts, completedPart(p))
	}
	slices.SortFunc(b.Parts, func(a, b completedPart) int { return a.Number - b.Number })
	return b
}

// CompleteUpload puts the parts of a multipart upload together. The store may
// need minutes while the API stops waiting after half of one, so ErrAmbiguous is
// ordinary here: look at the asset before asking again. ErrNoSuchUpload may mean
// that an earlier call has done it. A refusal for ErrInvalidPart is answered once
// by sending the ETags without quotes, since the documents disagree on them.
func (c *Client) CompleteUpload(ctx context.Context, k Completion) error {
	r := request{op: "complete upload", method: http.MethodPost, path: "/asset/complete", body: k.body("complete"), ack: true}
	err := c.call(ctx, r, acknowledged)
	if !errors.Is(err, ErrInvalidPart) || !errors.Is(err, ErrRejected) {
		return err
	}
	bare := k.body("complete")
	changed := false
	for i, p := range bare.Parts {
		bare.Parts[i].ETag = strings.Trim(p.ETag, `"`)
		changed = changed || bare.Parts[i].ETag != p.ETag
	}
	if !changed {
		return err
	}
	r.body = bare
	return c.call(ctx, r, acknowledged)
}

// CancelUpload gives a multipart upload up; its parts are dropped. The asset
// stays, empty: delete it. ErrNoSuchUpload means that there is nothing left to
// cancel.
func (c *Client) CancelUpload(ctx context.Context, k Completion) error {
	k.Parts = nil
	r := request{op: "cancel upload", method: http.MethodPost, path: "/asset/complete", body: k.body("cancel"), ack: true}
	return c.call(ctx, r, acknowledged)
}
