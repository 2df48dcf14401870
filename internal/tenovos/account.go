package tenovos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// User is an account.
type User struct{ ID string }

// CurrentUser returns the account that the client works as. It needs no
// permission, and so tells a refused account from a permission that is missing.
func (c *Client) CurrentUser(ctx context.Context) (User, error) {
	var u User
	err := c.call(ctx, request{op: "get current user", method: http.MethodGet, path: "/user", repeatable: true}, func(raw json.RawMessage) error {
		var w struct {
			UserID word `json:"userId"`
		}
		if err := json.Unmarshal(raw, &w); err != nil {
			return err
		}
		if w.UserID == "" {
			return errors.New("it holds no userId")
		}
		u = User{string(w.UserID)}
		return nil
	})
	return u, err
}

// Template is a metadata template. Type is one of default, action, search, proof
// and tile, or several of them with commas.
type Template struct {
	ID, Name, Type string
	Attributes     []Attribute
}

// Attribute is one field of a template.
type Attribute struct {
	// ID is the DefinitionID of its values.
	ID, Name, SearchField string
	// Type is as the service sends it: text, date and controlledVocabulary are
	// documented, others exist.
	Type string
	// Group is the name of the group in which the template shows it.
	Group                        string
	Required, ReadOnly, Multiple bool
	// Length is the most characters of a text; 0 is no limit.
	Length int
	// DateFormat is like MM/dd/yyyy; "" where there is none.
	DateFormat   string
	VocabularyID string
	// Columns are the attributes within this one: the columns of a table, or the
	// levels of a cascade from the top. None where the template shows none.
	Columns []Attribute
	// Raw is the whole descriptor, for what is not documented.
	Raw json.RawMessage
}

// Templates returns the metadata templates that the account may see.
func (c *Client) Templates(ctx context.Context) ([]Template, error) {
	// The documents want a Content-Type on this GET and the next.
	r := request{op: "list metadata templates", method: http.MethodGet, path: "/metadata/template", contentType: true, repeatable: true, limit: maxNamesReply}
	var list []Template
	err := c.call(ctx, r, func(raw json.RawMessage) (err error) {
		list, err = decodeList(raw, decodeTemplate)
		return err
	})
	return list, err
}

// Template returns one metadata template.
func (c *Client) Template(ctx context.Context, templateID string) (Template, error) {
	const op = "get metadata template"
	var t Template
	escaped, err := pathID(op, templateID)
	if err != nil {
		return t, err
	}
	r := request{op: op, method: http.MethodGet, path: "/metadata/template/" + escaped, contentType: true, repeatable: true, limit: maxNamesReply}
	err = c.call(ctx, r, func(raw json.RawMessage) (err error) {
		t, err = decodeTemplate(raw)
		return err
	})
	return t, err
}

type templateWire struct {
	ID     word            `json:"templateId"`
	Name   word            `json:"templateName"`
	Type   words           `json:"templateType"`
	Groups json.RawMessage `json:"metadataGroups"`
}

// decodeTemplate finds id, name and groups beside "template" or inside it.
func decodeTemplate(raw json.RawMessage) (Template, error) {
	var outer struct {
		templateWire
		Template json.RawMessage `json:"template"`
	}
	if err := json.Unmarshal(raw, &outer); err != nil {
		return Template{}, fmt.Errorf("a metadata template cannot be read: %w", err)
	}
	var inside templateWire
	if b := first(outer.Template); b != nil {
		if err := json.Unmarshal(b, &inside); err != nil {
			return Template{}, fmt.Errorf("a metadata template cannot be read: %w", err)
		}
	}
	t := Template{
		ID:   string(cmp.Or(outer.ID, inside.ID)),
		Name: string(cmp.Or(outer.Name, inside.Name)),
		Type: cmp.Or(strings.Join(outer.Type, ","), strings.Join(inside.Type, ",")),
	}
	if t.ID == "" {
		return t, errors.New("a metadata template has no templateId")
	}
	var groups []struct {
		Name       word              `json:"metadataGroupName"`
		Attributes []json.RawMessage `json:"metadataAttributes"`
	}
	if b := first(inside.Groups, outer.Groups); b != nil {
		if err := json.Unmarshal(b, &groups); err != nil {
			return t, fmt.Errorf("the groups of metadata template %s cannot be read: %w", t.ID, err)
		}
	}
	for _, g := range groups {
		for _, item := range g.Attributes {
			a, err := decodeAttribute(item, maxNesting)
			if err != nil {
				return t, fmt.Errorf("metadata template %s: %w", t.ID, err)
			}
			a.Group = string(g.Name)
			t.Attributes = append(t.Attributes, a)
		}
	}
	return t, nil
}

// Vocabulary is a list of permitted values.
type Vocabulary struct {
	ID, Name, SearchField string
	Values                []VocabularyValue
}

// VocabularyValue is one permitted value.
type VocabularyValue struct{ ID, Name string }

// Vocabularies returns the controlled vocabularies with their values.
func (c *Client) Vocabularies(ctx context.Context) ([]Vocabulary, error) {
	var list []Vocabulary
	err := c.call(ctx, request{op: "list vocabularies", method: http.MethodGet, path: "/metadata/vocabulary", repeatable: true, limit: maxNamesReply},
		func(raw json.RawMessage) (err error) {
			list, err = decodeList(raw, decodeVocabulary)
			return err
		})
	return list, err
}

// Vocabulary returns one controlled vocabulary with its values.
func (c *Client) Vocabulary(ctx context.Context, id string) (v Vocabulary, err error) {
	err = c.get(ctx, "get vocabulary", "/metadata/vocabulary/", id, "", maxNamesReply, func(raw json.RawMessage) (err error) {
		v, err = decodeVocabulary(raw)
		return err
	})
	return v, err
}

// decodeVocabulary finds the values in metadata, as a list shows them, or in
// metadataDocument, as a single vocabulary does.
func decodeVocabulary(raw json.RawMessage) (Vocabulary, error) {
	var w struct {
		ID          word            `json:"metadataDefinitionId"`
		Name        word            `json:"metadataDefinitionName"`
		SearchField word            `json:"metadataDefinitionSearchField"`
		Metadata    json.RawMessage `json:"metadata"`
		Document    json.RawMessage `json:"metadataDocument"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return Vocabulary{}, fmt.Errorf("a vocabulary cannot be read: %w", err)
	}
	v := Vocabulary{ID: string(w.ID), Name: string(w.Name), SearchField: string(w.SearchField)}
	if v.ID == "" {
		return v, errors.New("a vocabulary has no metadataDefinitionId")
	}
	for _, place := range []json.RawMessage{w.Metadata, w.Document} {
		var doc struct {
			Values []struct {
				ID   word `json:"valueId"`
				Name word `json:"valueName"`
			} `json:"values"`
		}
		b := first(place)
		if b == nil {
			continue
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			return v, fmt.Errorf("the values of vocabulary %s cannot be read: %w", v.ID, err)
		}
		for _, value := range doc.Values {
			v.Values = append(v.Values, VocabularyValue{string(value.ID), string(value.Name)})
		}
		if len(v.Values) > 0 {
			break
		}
	}
	return v, nil
}

// SecurityTemplate decides who may do what with the assets that carry it.
type SecurityTemplate struct{ ID, Name string }

// SecurityTemplates returns the security templates that the account may see.
func (c *Client) SecurityTemplates(ctx context.Context) ([]SecurityTemplate, error) {
	var list []SecurityTemplate
	err := c.call(ctx, request{op: "list security templates", method: http.MethodGet, path: "/security/template", repeatable: true, limit: maxNamesReply},
		func(raw json.RawMessage) (err error) {
			list, err = decodeList(raw, func(raw json.RawMessage) (SecurityTemplate, error) {
				var w struct {
					ID   word `json:"templateId"`
					Name word `json:"templateName"`
				}
				if err := json.Unmarshal(raw, &w); err != nil {
					return SecurityTemplate{}, fmt.Errorf("a security template cannot be read: %w", err)
				}
				return SecurityTemplate{string(w.ID), string(w.Name)}, nil
			})
			return err
		})
	return list, err
}
