package tenovos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// InFilename has a Query look in filenames.
const InFilename = "filename"

// scanLimit is the largest page that Scan may ask for.
const scanLimit = 100

// Query asks for assets. What it finds is limited by the account's permissions
// and by the index, which may lag: not found does not mean not there.
type Query struct {
	// Terms are matched word by word and may hold *: compare what comes back.
	Terms []string
	// Any finds assets with any of the terms; otherwise with all of them.
	Any bool
	// Field is InFilename, or "" for everywhere.
	Field string
	// From is Search's offset: 0, 50, 100 and so on, below 10,000.
	From int
	// Limit is Scan's page size, at most and by default 100.
	Limit int
	// Cursor continues a Scan: the Cursor of the page before.
	Cursor                          string
	IncludeDeleted, IncludeVersions bool
	Sort                            []Sort
}

// Sort orders results by an attribute's search field, "lastUpdatedEpoch" for
// example.
type Sort struct {
	SearchField string
	Descending  bool
}

// Page is one page of results.
type Page struct {
	// Hits is how many assets match in all, as the service says: -1 where it does not.
	// It may be wrong: less than was shown, or more than can be reached.
	Hits   int
	Assets []Asset
	// Cursor is for the next Scan; "" after the last page, and with Search.
	Cursor string
}

type sortBy struct {
	Field string `json:"metadataDefinitionSearchField"`
	Order string `json:"order"`
}

type queryBody struct {
	From            *int     `json:"from,omitempty"`
	Limit           int      `json:"limit,omitempty"`
	Terms           []string `json:"searchTerm"`
	Operation       string   `json:"operation"`
	Field           string   `json:"keywordSearchField,omitempty"`
	IncludeDeleted  bool     `json:"includeDeleted"`
	IncludeVersions bool     `json:"includeVersions"`
	Sort            []sortBy `json:"sortBy,omitempty"`
	Cursor          string   `json:"cursor,omitempty"`
}

func (q Query) body() queryBody {
	b := queryBody{
		Terms: append([]string{}, q.Terms...), Operation: "AND", Field: q.Field,
		IncludeDeleted: q.IncludeDeleted, IncludeVersions: q.IncludeVersions,
	}
	if q.Any {
		b.Operation = "OR"
	}
	for _, s := range q.Sort {
		order := "asc"
		if s.Descending {
			order = "desc"
		}
		b.Sort = append(b.Sort, sortBy{s.SearchField, order})
	}
	return b
}

// Search returns one page of at most 50 assets from q.From on. It reaches the
// first 10,000 results; Scan reaches all.
func (c *Client) Search(ctx context.Context, q Query) (Page, error) {
	b := q.body()
	b.From = &q.From
	page, err := c.query(ctx, "search", "/search/keyword", b)
	page.Cursor = ""
	return page, err
}

// Scan returns one page of all the assets that match. Call it again with the
// page's Cursor until that is "".
func (c *Client) Scan(ctx context.Context, q Query) (Page, error) {
	b := q.body()
	b.Cursor = q.Cursor
	b.Limit = scanLimit
	if q.Limit > 0 {
		b.Limit = min(q.Limit, scanLimit)
	}
	page, err := c.query(ctx, "scan assets", "/asset/scan", b)
	if len(page.Assets) == 0 || page.Cursor == q.Cursor {
		page.Cursor = "" // a cursor that does not move would go round for ever
	}
	return page, err
}

func (c *Client) query(ctx context.Context, op, path string, body queryBody) (Page, error) {
	var page Page
	err := c.call(ctx, request{op: op, method: http.MethodPost, path: path, body: body, repeatable: true, limit: maxAssetReply}, func(raw json.RawMessage) error {
		var reply struct {
			Hits   *number           `json:"hitCount"`
			Result []json.RawMessage `json:"result"`
			Cursor word              `json:"cursor"`
		}
		if err := json.Unmarshal(raw, &reply); err != nil {
			return err
		}
		if reply.Result == nil && (reply.Hits == nil || *reply.Hits != 0) {
			return errors.New("the reply holds no result list")
		}
		page = Page{Hits: -1, Cursor: string(reply.Cursor), Assets: make([]Asset, len(reply.Result))}
		if reply.Hits != nil {
			page.Hits = max(int(*reply.Hits), -1)
		}
		for i, item := range reply.Result {
			var err error
			if page.Assets[i], err = decodeAsset(item); err != nil {
				return err
			}
		}
		if n := len(reply.Result); n > 0 && page.Cursor == "" {
			// One example shows the cursor inside the last result.
			var last struct {
				Cursor word `json:"cursor"`
			}
			if json.Unmarshal(reply.Result[n-1], &last) == nil {
				page.Cursor = string(last.Cursor)
			}
		}
		return nil
	})
	return page, err
}
