package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// setDeleted moves an asset into the recycle bin or back. The lock is held.
func (c edits) setDeleted(a *Asset, deleted bool) {
	now := c.s.clock()
	a.Deleted, a.DeletedAt, a.DeletedBy = deleted, time.Time{}, ""
	if deleted {
		a.DeletedAt, a.DeletedBy = now, c.user.ID
	}
	a.Updated, a.UpdatedBy = now, c.user.ID
}

// setDeletedWith does so with all versions that a scope has go along. The lock is held.
func (c edits) setDeletedWith(a *Asset, scope string, deleted bool) {
	for _, v := range c.s.db.chains[a.OriginalFileID] {
		along := scope == "all" || scope == "newer" && v.Seq > a.Seq || scope == "older" && v.Seq < a.Seq
		if (v == a || along) && v.Deleted != deleted {
			c.setDeleted(v, deleted)
		}
	}
	c.s.db.flip(a.OriginalFileID, c.o)
}

func (c edits) deleteAsset() (int, any) {
	var req struct {
		Action     string `json:"action"`
		DeleteType string `json:"deleteType"`
	}
	err := decode(c.body, &req)
	undelete := req.Action == "undelete" && c.o.UndeleteVerb != "un-delete" || req.Action == "un-delete" && c.o.UndeleteVerb != "undelete"
	if err != nil || req.Action != "delete" && !undelete || req.DeleteType != "full" {
		return fail(http.StatusBadGateway, "Internal server error", "")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	a := c.s.db.byObject[c.id]
	switch {
	case a == nil:
		return fail(http.StatusInternalServerError, "Failed to delete Relationship", "payload.body.map is not a function")
	case undelete && !a.Deleted:
		return fail(http.StatusForbidden, "Failed to UnDelete Asset", "")
	}
	scope := c.o.DeleteScope
	if undelete && c.o.UndeleteScope != "same" {
		scope = c.o.UndeleteScope
	}
	c.setDeletedWith(a, scope, !undelete)
	data, err := c.deletedDocument(a)
	if err != nil {
		return fail(http.StatusInternalServerError, "Internal server error", "%v", err)
	}
	return http.StatusOK, map[string]any{"status": "success", "message": "Master Object update was successful", "data": data}
}

// deletedDocument is the asset as the delete reply has it: JSON in a string, with
// two documents that are JSON in strings again.
func (c edits) deletedDocument(a *Asset) (string, error) {
	m := assets(c).asset(a, c.s.clock())
	metadata, err := jsonText(m["metadata"])
	if err != nil {
		return "", err
	}
	if technical := assets(c).technical(a, c.s.clock()); technical != nil {
		if m["technicalMetadataDocument"], err = jsonText(technical); err != nil {
			return "", err
		}
	}
	m["metadataDocument"] = metadata
	for _, k := range []string{"metadata", "technicalMetadata", "technical_metadata", "metadataDenormalized", "securityDenormalized"} {
		delete(m, k)
	}
	return jsonText(m)
}

func (c edits) updateAsset() (int, any) {
	var req struct {
		Metadata    json.RawMessage `json:"metadata"`
		SecurityIDs []string        `json:"securityTemplateIds"`
	}
	err := decode(c.body, &req)
	values, err2 := parseMetadata(req.Metadata)
	if err != nil || err2 != nil {
		return failStatus(http.StatusForbidden, "Invalid fields for metadata template")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	a := c.s.db.byObject[c.id]
	if a == nil || a.Deleted {
		return failStatus(http.StatusForbidden, "Asset not found")
	}
	if bad := c.s.checkMetadata(c.s.Account().template(a.TemplateID), values); bad != "" {
		return failStatus(http.StatusForbidden, "Invalid fields for metadata template")
	}
	if c.s.checkSecurity(req.SecurityIDs) != "" || req.SecurityIDs != nil && len(req.SecurityIDs) == 0 {
		return failStatus(http.StatusForbidden, "Invalid security template ID(s)")
	}
	for _, v := range values {
		a.set(v)
	}
	if req.SecurityIDs != nil {
		a.SecurityIDs = req.SecurityIDs
	}
	a.Updated, a.UpdatedBy = c.s.clock(), c.user.ID
	return http.StatusOK, map[string]any{"status": "success", "message": "Asset updated successfully"}
}

// set replaces the value of one attribute.
func (a *Asset) set(v MetadataValue) {
	i := slices.IndexFunc(a.Metadata, func(x MetadataValue) bool { return x.ID == v.ID })
	if i < 0 {
		a.Metadata = append(a.Metadata, v)
		return
	}
	a.Metadata[i] = v
}

// bulkItem is one attribute of a bulk edit.
type bulkItem struct {
	MetadataValue
	Operation string `json:"operation"`
}

// bulkEdit is a bulk edit that was accepted and waits for its time.
type bulkEdit struct {
	due        time.Time
	user       string
	templateID string
	objects    []string
	items      []bulkItem
	security   []string
	securityOp string
}

func (c edits) editAssets() (int, any) {
	var req struct {
		TemplateID       string     `json:"metadataTemplateId"`
		ObjectIDs        []string   `json:"objectIds"`
		MetadataDocument []bulkItem `json:"metadataDocument"`
		Metadata         []bulkItem `json:"metadata"`
		SecurityIDs      []string   `json:"securityTemplateIds"`
		SecurityOp       string     `json:"securityTemplateOp"`
	}
	err := decode(c.body, &req)
	var items []bulkItem
	if c.o.BulkEditField != "metadata" {
		items = req.MetadataDocument
	}
	if c.o.BulkEditField != "metadataDocument" {
		items = append(items, req.Metadata...)
	}
	template := c.s.Account().template(req.TemplateID)
	invalid := func(detail string, args ...any) (int, any) {
		return fail(http.StatusBadRequest, "Invalid Request: Missing Bulk Edit Asset Details", detail, args...)
	}
	switch {
	case err != nil:
		return invalid("%v", err)
	case template == nil:
		return fail(http.StatusBadRequest, "Invalid metadataTemplateId", "")
	case len(req.ObjectIDs) == 0 || len(items) == 0 && len(req.SecurityIDs) == 0:
		return invalid("objectIds and something to change are needed")
	case len(req.SecurityIDs) > 0 && req.SecurityOp != "replace" && req.SecurityOp != "append":
		return invalid("securityTemplateOp is replace or append")
	}
	values := []MetadataValue{}
	for _, it := range items {
		at := template.attribute(it.ID)
		if it.Operation != "replace" && (it.Operation != "append" || at != nil && (at.Type == "date" || at.Type == "controlledVocabulary" && !at.Multiple)) {
			return invalid("operation %q is not allowed for %q", it.Operation, it.ID)
		}
		values = append(values, it.MetadataValue)
	}
	if bad := c.s.checkMetadata(template, values); bad != "" {
		return invalid("%s", bad)
	}
	if bad := c.s.checkSecurity(req.SecurityIDs); bad != "" {
		return invalid("%s", bad)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	for _, id := range req.ObjectIDs {
		if a := c.s.db.byObject[id]; a == nil || a.Deleted {
			return invalid("there is no asset %q", id)
		}
	}
	c.s.db.bulk = append(c.s.db.bulk, bulkEdit{due: c.s.clock().Add(c.o.BulkLag), user: c.user.ID, templateID: req.TemplateID,
		objects: req.ObjectIDs, items: items, security: req.SecurityIDs, securityOp: req.SecurityOp})
	return http.StatusOK, map[string]any{"jobId": uuid.NewString(), "collectionId": uuid.NewString()}
}

// applyBulkEdits carries out the bulk edits whose time has come.
func (s *Server) applyBulkEdits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.db.bulk = slices.DeleteFunc(s.db.bulk, func(e bulkEdit) bool {
		if e.due.After(now) {
			return false
		}
		for _, id := range e.objects {
			if a := s.db.byObject[id]; a != nil && !a.Deleted {
				e.apply(a, e.due)
			}
		}
		return true
	})
}

func (e bulkEdit) apply(a *Asset, now time.Time) {
	a.TemplateID, a.Updated, a.UpdatedBy = e.templateID, now, e.user
	for _, it := range e.items {
		v := it.MetadataValue
		if i := slices.IndexFunc(a.Metadata, func(x MetadataValue) bool { return x.ID == v.ID }); i >= 0 && it.Operation == "append" {
			v = a.Metadata[i].join(v)
		}
		a.set(v)
	}
	if e.securityOp == "replace" {
		a.SecurityIDs = nil
	}
	for _, id := range e.security {
		if !slices.Contains(a.SecurityIDs, id) {
			a.SecurityIDs = append(a.SecurityIDs, id)
		}
	}
}

// join appends: rows to rows, terms to terms, text to text.
func (v MetadataValue) join(w MetadataValue) MetadataValue {
	if w.Table != nil {
		return MetadataValue{ID: v.ID, Table: slices.Concat(v.Table, w.Table)}
	}
	var a, b []json.RawMessage
	if json.Unmarshal(v.Value, &a) == nil && json.Unmarshal(w.Value, &b) == nil {
		for _, x := range b {
			if !slices.ContainsFunc(a, func(y json.RawMessage) bool { return bytes.Equal(x, y) }) {
				a = append(a, x)
			}
		}
		if raw, err := json.Marshal(a); err == nil {
			return MetadataValue{ID: v.ID, Value: raw}
		}
	}
	var s, t string
	if json.Unmarshal(v.Value, &s) == nil && json.Unmarshal(w.Value, &t) == nil {
		if raw, err := json.Marshal(s + " " + t); err == nil {
			return MetadataValue{ID: v.ID, Value: raw}
		}
	}
	return w
}
