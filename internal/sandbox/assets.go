package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The readers of assets.

func (c assets) getAsset() (int, any) {
	return c.show(c.find(c.id))
}

func (c assets) getLatestVersion() (int, any) {
	a := c.find(c.id)
	if a == nil {
		return c.show(nil)
	}
	c.s.mu.Lock()
	chain := c.s.db.live(a.OriginalFileID)
	var latest *Asset
	for _, v := range chain {
		if latest == nil || v.Current || !latest.Current {
			latest = v
		}
	}
	c.s.mu.Unlock()
	return c.show(latest)
}

func (c assets) getVersions() (int, any) {
	a := c.find(c.id)
	if a == nil {
		return c.show(nil)
	}
	c.s.mu.Lock()
	chain := append([]*Asset(nil), c.s.db.chains[a.OriginalFileID]...)
	c.s.mu.Unlock()
	links(c).look(chain...)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.o.VersionsOrder == "newest" {
		slices.Reverse(chain)
	}
	out := []any{}
	for _, v := range chain {
		if !v.Deleted || !c.o.HideDeleted {
			out = append(out, c.asset(v, c.s.clock()))
		}
	}
	return http.StatusOK, out
}

func (c assets) getAssetContent() (int, any) {
	c.s.mu.Lock()
	a := c.s.db.byObject[c.id]
	c.s.mu.Unlock()
	if a != nil {
		links(c).look(a)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if a == nil || a.Deleted || !a.HasContent {
		return fail(http.StatusBadGateway, "Internal server error", "")
	}
	url, err := links(c).signer().PresignGet(c.r.Context(), a.Key, c.o.ContentLinkLife)
	if err != nil {
		return fail(http.StatusBadGateway, "Internal server error", "")
	}
	return http.StatusOK, map[string]any{"presignedURL": url}
}

// find returns the asset with the object or file id, or nil.
func (c assets) find(id string) *Asset {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	a := c.s.db.find(id)
	if a != nil && a.Deleted && c.o.HideDeleted {
		return nil
	}
	return a
}

func (c assets) show(a *Asset) (int, any) {
	if a == nil {
		return fail(http.StatusForbidden, "Asset not found", "")
	}
	links(c).look(a)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return http.StatusOK, c.asset(a, c.s.clock())
}

// asset is the Asset object as the API knew it at a time: an index that lags
// shows deletions and technical metadata late. The lock is held.
func (c assets) asset(a *Asset, at time.Time) map[string]any {
	state, current := "available", "N"
	deleted := a.Deleted && !a.DeletedAt.After(at)
	if deleted {
		state = "recycle bin"
	} else if a.Current {
		current = "Y"
	}
	metadata, flat := c.values(a)
	m := map[string]any{
		"objectId": a.ObjectID, "fileId": a.FileID, "originalFileId": a.OriginalFileID, "objectType": "Asset",
		"customerId": c.s.Account().CustomerID, "createdBy": a.CreatedBy, "createdEpoch": c.epoch(a.Created),
		"lastUpdatedBy": a.UpdatedBy, "lastUpdatedEpoch": c.epoch(a.Updated), "versionNumber": a.Created.UnixMilli(),
		"currentVersion": current, "fileState": state, "metadataState": state,
		"metadataTemplateId": a.TemplateID, "metadata": metadata, "metadataDenormalized": flat,
		"securityTemplateIds": a.SecurityIDs, "securityDenormalized": descriptions(c).security(),
	}
	m[c.draft("filename", "fileName")] = a.Filename
	c.tellContentPath(m, a)
	if deleted && !c.o.HideDeletedBy {
		m["fileDeletedEpoch"], m["fileDeletedBy"] = c.epoch(a.DeletedAt), a.DeletedBy
	}
	if technical := c.technical(a, at); technical != nil {
		m[c.draft("technicalMetadata", "technical_metadata")] = technical
		preview := "https://content.example.com/" + c.s.Account().CustomerID + "/" + a.FileID
		m["renditions"] = map[string]any{"imageThumb": preview + "-200x200.png", "imagePreview": preview + "-700x700.png"}
	}
	return m
}

// technical is the technical metadata once the content was processed, else nil.
func (c assets) technical(a *Asset, at time.Time) map[string]any {
	if !a.HasContent || a.ContentAt.Add(c.o.ChecksumLag).After(at) {
		return nil
	}
	t := map[string]any{"fileName": a.Filename}
	if c.tellSize(t, a.ContentSize); c.o.SizeReply == "display" {
		t["fileSize"] = displaySize(a.ContentSize)
	}
	if c.tellsChecksum(a) {
		t["MD5Checksum"] = a.ContentMD5
	}
	if c.o.FileSizeInBytes {
		t["fileSizeInBytes"] = a.ContentSize
	}
	return map[string]any{"tenovos_metadata": t}
}

// tellsChecksum says that the asset's MD5 is known and told.
func (c assets) tellsChecksum(a *Asset) bool {
	return a.ContentMD5 != "" && (c.o.Checksums == "all" || c.o.Checksums == "current" && a.Current)
}

// values are metadata[] with ids and metadataDenormalized with names.
func (c assets) values(a *Asset) ([]any, map[string]any) {
	list, flat := []any{}, map[string]any{}
	idKey := c.draft("metadataDefinitionId", "metadatadefinitionId")
	t := c.s.Account().template(a.TemplateID)
	for _, v := range a.Metadata {
		item := map[string]any{idKey: v.ID}
		if v.Value != nil {
			item["metadataDefinitionValue"] = v.Value
		}
		if v.Table != nil {
			item["metadataDefinitionTableValue"] = v.Table
		}
		list = append(list, item)
		if t == nil {
			continue
		}
		if at := t.attribute(v.ID); at != nil {
			if x := c.s.plain(at, v); x != nil {
				flat[at.SearchField] = x
			}
		}
	}
	if t == nil {
		return list, flat
	}
	for field, value := range c.systemValues(a) {
		flat[field] = value
		for _, g := range t.Groups {
			for _, at := range g.Attributes {
				if c.o.SystemMetadata && at.SearchField == field {
					list = append(list, map[string]any{idKey: at.ID, "metadataDefinitionValue": value})
				}
			}
		}
	}
	return list, flat
}

// systemValues are what the platform itself knows, by search field.
func (c assets) systemValues(a *Asset) map[string]string {
	out := map[string]string{
		"system_created_by":    a.CreatedBy,
		"system_created_epoch": strconv.FormatInt(a.Created.UnixMilli(), 10),
	}
	if technical := c.technical(a, c.s.clock()); technical != nil {
		out["system_file_size"] = displaySize(a.ContentSize)
		out["system_match"] = "Unique File"
		if c.tellsChecksum(a) {
			out["system_checksum"] = a.ContentMD5
		}
	}
	return out
}

// epoch is a time in milliseconds, as text where the knob wants it.
func (c assets) epoch(t time.Time) any {
	if c.o.NumbersAsText {
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return t.UnixMilli()
}

func (c assets) draft(name, inDraft string) string {
	if c.o.DraftNames {
		return inDraft
	}
	return name
}

// displaySize is a size as people read it, in the platform's mixture of units.
func displaySize(n int64) string {
	switch {
	case n >= 1_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 100_000:
		return fmt.Sprintf("%d kB", n/1000)
	case n >= 1024:
		return fmt.Sprintf("%d KiB", n/1024)
	}
	return fmt.Sprintf("%d bytes", n)
}

// jsonText is JSON within a string, as the delete reply nests it.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
