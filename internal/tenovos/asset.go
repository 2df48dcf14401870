package tenovos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// Available is the FileState and MetadataState of an asset that is not deleted.
// RecycleBin is that of one that is soft-deleted.
const (
	Available  = "available"
	RecycleBin = "recycle bin"
)

// Asset is one version of an asset. The service marks no field as required;
// what it leaves out is zero here.
type Asset struct {
	ObjectID, FileID, OriginalFileID, Filename string
	// CreatedBy is the id of a User.
	CreatedBy                string
	FileState, MetadataState string
	TemplateID               string
	// MD5 is the content's, in lower-case hex, once the service has computed it.
	MD5 string
	// ContentPath is where the content of a federated asset is, where told.
	ContentPath string
	Created     time.Time
	// DeletedBy and Deletion say who put it into the recycle bin, and when, where told.
	DeletedBy string
	Deletion  time.Time
	// Current says that no later version exists.
	Current bool
	// FileSize is in bytes; -1 where the service does not tell it exactly.
	FileSize    int64
	SecurityIDs []string
	Metadata    []Value
	// HasContent says that the service knows anything of a content: a checksum,
	// technical metadata or a rendition. Content that has just arrived may not
	// have been looked at yet.
	HasContent bool
}

// Deleted reports whether the asset is in the recycle bin.
func (a Asset) Deleted() bool {
	return a.FileState == RecycleBin || a.MetadataState == RecycleBin
}

// SameContent reports whether two content paths may be the same: the documents write
// one as s3://bucket/key, as bucket/key and as the key alone.
func SameContent(a, b string) bool {
	if a == b {
		return true
	}
	of, ofURL := strings.CutPrefix(a, "s3://")
	other, otherURL := strings.CutPrefix(b, "s3://")
	switch _, key, _ := strings.Cut(of, "/"); {
	case ofURL == otherURL:
		return false // of two in one form each is itself
	case otherURL:
		return SameContent(b, a)
	default:
		other = strings.TrimPrefix(other, "/")
		return other != "" && (other == key || other == of)
	}
}

// decodeAsset reads an asset as GET /asset and the searches return it, with the
// names that other places use for the same.
func decodeAsset(raw json.RawMessage) (Asset, error) {
	var w struct {
		ObjectID       word   `json:"objectId"`
		FileID         word   `json:"fileId"`
		OriginalFileID word   `json:"originalFileId"`
		Filename       word   `json:"filename"`
		CreatedBy      word   `json:"createdBy"`
		CreatedEpoch   number `json:"createdEpoch"`
		FileState      word   `json:"fileState"`
		MetadataState  word   `json:"metadataState"`
		TemplateID     word   `json:"metadataTemplateId"`
		CurrentVersion flag   `json:"currentVersion"`
		SecurityIDs    words  `json:"securityTemplateIds"`
		ContentPath    word   `json:"contentPath"`
		SizeInBytes    number `json:"fileSizeInBytes"`
		Size           size   `json:"filesize"` // or fileSize: case does not count
		DeletedBy      word   `json:"fileDeletedBy"`
		DeletedEpoch   number `json:"fileDeletedEpoch"`

		Metadata           json.RawMessage `json:"metadata"`
		MetadataDocument   json.RawMessage `json:"metadataDocument"`
		Technical          json.RawMessage `json:"technicalMetadata"`
		TechnicalSnake     json.RawMessage `json:"technical_metadata"`
		TechnicalDocument  json.RawMessage `json:"technicalMetadataDocument"`
		Renditions         json.RawMessage `json:"renditions"`
		RenditionsDocument json.RawMessage `json:"renditionsDocument"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return Asset{}, fmt.Errorf("an asset cannot be read: %w", err)
	}
	if w.ObjectID == "" && w.FileID == "" {
		return Asset{}, errors.New("an asset has neither objectId nor fileId")
	}
	a := Asset{
		ObjectID: string(w.ObjectID), FileID: string(w.FileID), OriginalFileID: string(w.OriginalFileID),
		Filename: string(w.Filename), CreatedBy: string(w.CreatedBy),
		FileState: string(w.FileState), MetadataState: string(w.MetadataState),
		TemplateID: string(w.TemplateID), ContentPath: string(w.ContentPath),
		DeletedBy: string(w.DeletedBy), Current: bool(w.CurrentVersion), FileSize: -1, SecurityIDs: w.SecurityIDs,
	}
	if w.CreatedEpoch > 0 {
		a.Created = time.UnixMilli(int64(w.CreatedEpoch))
	}
	if w.DeletedEpoch > 0 {
		a.Deletion = time.UnixMilli(int64(w.DeletedEpoch))
	}
	if b := first(w.Metadata, w.MetadataDocument); b != nil {
		if err := json.Unmarshal(b, &a.Metadata); err != nil {
			return Asset{}, fmt.Errorf("the metadata of asset %s cannot be read: %w", or(a.FileID, a.ObjectID), err)
		}
	}
	technical := first(w.Technical, w.TechnicalSnake, w.TechnicalDocument)
	var t struct {
		Tenovos struct {
			MD5         word   `json:"MD5Checksum"`
			SizeInBytes number `json:"fileSizeInBytes"`
			Size        size   `json:"fileSize"`
		} `json:"tenovos_metadata"`
	}
	// Its other groups are of any shape, so a failure here is no failure.
	_ = json.Unmarshal(technical, &t)
	a.MD5 = strings.ToLower(string(t.Tenovos.MD5))
	for _, told := range []int64{int64(w.SizeInBytes), int64(t.Tenovos.SizeInBytes), int64(t.Tenovos.Size), int64(w.Size)} {
		if told > 0 {
			a.FileSize = told
			break
		}
	}
	a.HasContent = substance(technical) || substance(first(w.Renditions, w.RenditionsDocument))
	return a, nil
}

// first returns the first of the fields that is there, out of its string where
// it is JSON in a string; nil if none is.
func first(fields ...json.RawMessage) json.RawMessage {
	for _, f := range fields {
		if loose(f).present() {
			return inner(f)
		}
	}
	return nil
}

// substance reports whether anything in a JSON value is more than null, "", 0 or
// false.
func substance(raw json.RawMessage) bool {
	var v any
	return json.Unmarshal(raw, &v) == nil && filled(v)
}

func filled(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, field := range v {
			if filled(field) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(v, filled)
	default:
		return v != nil && v != "" && v != 0.0 && v != false
	}
}

// Asset returns an asset by its object id or its file id. The file id is answered
// several times faster.
func (c *Client) Asset(ctx context.Context, id string) (Asset, error) {
	return c.asset(ctx, "get asset", id, "")
}

// LatestAsset returns the latest version of the asset of which objectID is any.
func (c *Client) LatestAsset(ctx context.Context, objectID string) (Asset, error) {
	return c.asset(ctx, "get latest version", objectID, "/latest")
}

func (c *Client) asset(ctx context.Context, op, assetID, suffix string) (a Asset, err error) {
	err = c.get(ctx, op, "/asset/", assetID, suffix, maxAssetReply, func(raw json.RawMessage) (err error) {
		a, err = decodeAsset(raw)
		return err
	})
	return a, err
}

// Versions returns all versions of an asset by one's object id or by the original
// file id, in the order in which the service lists them.
func (c *Client) Versions(ctx context.Context, id string) ([]Asset, error) {
	var list []Asset
	err := c.get(ctx, "get versions", "/asset/", id, "/version", maxAssetReply, func(raw json.RawMessage) (err error) {
		list, err = decodeList(raw, decodeAsset)
		return err
	})
	return list, err
}

// ContentLink returns a URL from which the content can be read, for some seconds
// only. It is a credential. An unknown id is answered with a 502 and so appears
// as ErrUnavailable.
func (c *Client) ContentLink(ctx context.Context, objectID string) (secret.URL, error) {
	var link secret.URL
	err := c.get(ctx, "get content link", "/asset/", objectID, "/content", maxWordsReply, func(raw json.RawMessage) error {
		var reply struct {
			URL word `json:"presignedURL"`
		}
		if json.Unmarshal(raw, &reply) != nil || reply.URL == "" {
			return errors.New("it holds no presignedURL")
		}
		link = secret.URL(reply.URL)
		return nil
	})
	return link, err
}

// get sends a GET of prefix, the escaped id, and suffix, whose reply may have limit bytes.
func (c *Client) get(ctx context.Context, op, prefix, resource, suffix string, limit int64, decode decoder) error {
	escaped, err := pathID(op, resource)
	if err != nil {
		return err
	}
	return c.call(ctx, request{op: op, method: http.MethodGet, path: prefix + escaped + suffix, repeatable: true, limit: limit}, decode)
}

// decodeList reads a list of which each item is read by decode.
func decodeList[T any](raw json.RawMessage, decode func(json.RawMessage) (T, error)) ([]T, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, fmt.Errorf("it is no list: %w", err)
	}
	list := make([]T, len(items))
	for i, item := range items {
		var err error
		if list[i], err = decode(item); err != nil {
			return nil, err
		}
	}
	return list, nil
}
