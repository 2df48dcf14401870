package tenovos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Edit is a change of one asset. What is nil stays as it is, and so does each
// attribute that Metadata does not name.
type Edit struct {
	Metadata    []Value  `json:"metadata,omitempty"`
	SecurityIDs []string `json:"securityTemplateIds,omitempty"`
}

// UpdateAsset changes the metadata or the security of one asset, at once. It may
// be repeated.
func (c *Client) UpdateAsset(ctx context.Context, assetID string, e Edit) error {
	const op = "update asset"
	escaped, err := pathID(op, assetID)
	if err != nil {
		return err
	}
	r := request{op: op, method: http.MethodPatch, path: "/asset/" + escaped, body: e, repeatable: true, ack: true}
	return c.call(ctx, r, acknowledged)
}

// BulkEdit is a change of many assets of one template.
type BulkEdit struct {
	TemplateID string
	ObjectIDs  []string
	Metadata   []BulkValue
	// SecurityIDs replace those of the assets, or are added to them with
	// AppendSecurity.
	SecurityIDs    []string
	AppendSecurity bool
}

// BulkValue replaces an attribute's value, or appends to it. Only a Text, a Multi
// and a Table can be appended to.
type BulkValue struct {
	Value
	Append bool
}

// MarshalJSON writes the value with its operation, as only a bulk edit wants it.
func (v BulkValue) MarshalJSON() ([]byte, error) {
	if v.Append && v.Kind != Text && v.Kind != Multi && v.Kind != Table {
		return nil, fmt.Errorf("attribute %s: a value of kind %q can only be replaced", v.DefinitionID, v.Kind)
	}
	item, err := v.item()
	if err != nil {
		return nil, err
	}
	item.Operation = operation(v.Append)
	return json.Marshal(item)
}

func operation(appending bool) string {
	if appending {
		return "append"
	}
	return "replace"
}

// Job is a bulk edit under way. The API has no way to ask how it goes.
type Job struct {
	ID, CollectionID string
}

// BulkEdit starts a change of many assets, which the service carries out later.
// Repeating one that appends appends twice, so a lost reply is ErrAmbiguous.
func (c *Client) BulkEdit(ctx context.Context, e BulkEdit) (Job, error) {
	body := struct {
		TemplateID  string      `json:"metadataTemplateId"`
		Metadata    []BulkValue `json:"metadataDocument,omitempty"`
		ObjectIDs   []string    `json:"objectIds"`
		SecurityIDs []string    `json:"securityTemplateIds,omitempty"`
		SecurityOp  string      `json:"securityTemplateOp,omitempty"`
	}{TemplateID: e.TemplateID, Metadata: e.Metadata, ObjectIDs: append([]string{}, e.ObjectIDs...), SecurityIDs: e.SecurityIDs}
	if len(e.SecurityIDs) > 0 {
		body.SecurityOp = operation(e.AppendSecurity)
	}
	var job Job
	err := c.call(ctx, request{op: "bulk edit", method: http.MethodPatch, path: "/asset", body: body}, func(raw json.RawMessage) error {
		var reply struct {
			JobID        word `json:"jobId"`
			CollectionID word `json:"collectionId"`
		}
		if err := json.Unmarshal(raw, &reply); err != nil {
			return err
		}
		if reply.JobID == "" {
			return errors.New("it holds no jobId")
		}
		job = Job{string(reply.JobID), string(reply.CollectionID)}
		return nil
	})
	return job, err
}

// DeleteAsset moves an asset to the recycle bin; UndeleteAsset brings it back.
// Whether other versions go with it is not documented. An unknown id is answered
// with a 5xx and so appears as ErrAmbiguous.
func (c *Client) DeleteAsset(ctx context.Context, objectID string) error {
	return c.delete(ctx, "delete asset", objectID, "delete")
}

// UndeleteAsset brings an asset back from the recycle bin. It is refused for one
// that is not there.
func (c *Client) UndeleteAsset(ctx context.Context, objectID string) error {
	return c.delete(ctx, "undelete asset", objectID, "undelete")
}

func (c *Client) delete(ctx context.Context, op, objectID, action string) error {
	escaped, err := pathID(op, objectID)
	if err != nil {
		return err
	}
	body := struct {
		Action string `json:"action"`
		Type   string `json:"deleteType"`
	}{action, "full"}
	return c.call(ctx, request{op: op, method: http.MethodPost, path: "/asset/" + escaped + "/delete", body: body, ack: true}, acknowledged)
}
