package tenovos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// DeleteAsset moves an asset to the recycle bin; UndeleteAsset brings it back.
// Whether other versions go with it is not documented. An unknown id is answered
// with a 5xx and so appears as ErrAmbiguous.
func (c *Client) DeleteAsset(ctx context.Context, objectID string) error {
	return c.delete(ctx, "delete asset", objectID, "delete")
}

// The actions that bring an asset back: the schema of the API names the one, its
// prose the other.
const (
	undelete  = "undelete"
	unDashed  = "un-delete"
	notInBin  = "failed to undelete asset" // how the service answers for an asset that is not deleted
	opRestore = "undelete asset"
)

// UndeleteAsset brings an asset back from the recycle bin. It is refused for one
// that is not there. Where the service does not know the action by the one of its
// two names, the other is sent; the one that it knows is remembered.
func (c *Client) UndeleteAsset(ctx context.Context, objectID string) error {
	word, other := undelete, unDashed
	if c.undeleteDashed.Load() {
		word, other = other, word
	}
	err := c.delete(ctx, opRestore, objectID, word)
	if !mayBeWord(err) {
		return err
	}
	again := c.delete(ctx, opRestore, objectID, other)
	switch {
	case understood(again):
		c.undeleteDashed.Store(other == unDashed)
		return again
	case mayBeWord(again):
		return fmt.Errorf("%w; and as %q: %w", err, other, again)
	}
	return again // it says more than a refusal of the word
}

// understood reports whether a reply proves that the service knows the action.
func understood(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return err == nil || ok && e.Kind == Rejected && strings.HasPrefix(strings.ToLower(e.Message), notInBin)
}

// mayBeWord reports whether an error may come of an action that the service does not
// know. It is documented to answer that with a 502, and is no less likely to refuse
// it like any other bad value. What a gateway answers for a service that it does not
// reach, or does not get an answer from in time, says nothing of the action.
func mayBeWord(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || errors.Is(err, ErrSession) || understood(err) {
		return false
	}
	switch e.Kind {
	case Rejected:
		return e.Status != 0
	case Ambiguous:
		switch e.Status {
		case http.StatusInternalServerError, http.StatusNotImplemented, http.StatusBadGateway:
			return true
		case http.StatusOK: // an error that is reported within a reply
			return e.Message != ""
		}
	}
	return false
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
