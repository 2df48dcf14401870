package sandbox

import (
	"net/http"
	"time"
)

// seeded is when the customer's configuration was made.
var seeded = time.Date(2023, 3, 14, 9, 26, 53, 0, time.UTC)

func (c descriptions) getMetadataTemplates() (int, any) {
	out := []any{}
	for i := range c.s.Account().Templates {
		out = append(out, c.template(&c.s.Account().Templates[i]))
	}
	return http.StatusOK, out
}

func (c descriptions) getMetadataTemplate() (int, any) {
	t := c.s.Account().template(c.id)
	if t == nil {
		return fail(http.StatusBadRequest, "Metadata Template not found", "")
	}
	return http.StatusOK, c.template(t)
}

// template puts names and ids beside "template" or inside it: the documents
// have both.
func (c descriptions) template(t *Template) any {
	groups := []any{}
	for i, g := range t.Groups {
		groups = append(groups, map[string]any{"groupOrder": i + 1, "metadataGroupName": g.Name,
			"metadataGroupSearchField": g.SearchField, "metadataAttributes": c.attributes(g.Attributes)})
	}
	inner := map[string]any{"metadataGroups": groups}
	outer := map[string]any{"template": inner}
	names := outer
	if c.o.TemplateNameShape == "inside" {
		names = inner
	}
	names["templateId"], names["templateName"], names["templateType"] = t.ID, t.Name, t.Types
	names["createdEpoch"], names["lastUpdatedEpoch"] = assets(c).epoch(seeded), assets(c).epoch(seeded)
	return outer
}

func (c descriptions) attributes(attrs []Attribute) []any {
	out := []any{}
	for i, at := range attrs {
		m := map[string]any{
			"id": at.ID, "name": at.Name, "searchField": at.SearchField, "type": at.Type, "fieldOrder": i + 1,
			"required": at.Required, "readonly": at.ReadOnly, "visible": !at.Hidden, "isMultipleSelect": at.Multiple,
			"isRestricted": at.Type == "controlledVocabulary", "facetable": at.Type == "controlledVocabulary", "dateFormat": "N/A",
		}
		switch at.Type {
		case "text":
			if at.Length > 0 {
				m["length"] = at.Length
			}
		case "date":
			m["dateFormat"] = at.DateFormat
		case "controlledVocabulary":
			m["controlledVocabularyId"] = at.Vocabulary
		case "tableAttribute":
			m[c.o.TableColumnsKey] = c.attributes(at.Columns)
		}
		out = append(out, m)
	}
	return out
}

func (c descriptions) getAllControlledVocab() (int, any) {
	out := []any{}
	for i := range c.s.Account().Vocabularies {
		out = append(out, c.vocabulary(&c.s.Account().Vocabularies[i], "metadata"))
	}
	return http.StatusOK, out
}

func (c descriptions) getControlledVocab() (int, any) {
	v := c.s.Account().vocabulary(c.id)
	if v == nil {
		return fail(http.StatusNotFound, "Controlled vocabulary not found", "")
	}
	return http.StatusOK, c.vocabulary(v, "metadataDocument")
}

// vocabulary puts the values below key, unless the knob wants one key for all.
func (c descriptions) vocabulary(v *Vocabulary, key string) any {
	if c.o.VocabularyValuesShape != "documented" {
		key = c.o.VocabularyValuesShape
	}
	return map[string]any{
		"metadataDefinitionId": v.ID, "metadataDefinitionName": v.Name, "metadataDefinitionSearchField": v.SearchField,
		"metadataDefinitionType": "controlledVocabulary", "customerId": c.s.Account().CustomerID,
		"createdEpoch": assets(c).epoch(seeded), "lastUpdatedEpoch": assets(c).epoch(seeded),
		key: map[string]any{"values": v.Values, "searchable": true},
	}
}

func (c descriptions) getSecurityTemplates() (int, any) {
	out := []any{}
	for _, t := range c.s.Account().SecurityTemplates {
		out = append(out, map[string]any{
			"templateId": t.ID, "templateName": t.Name, "securityDenormalized": c.security(),
			"templateDocument": []any{map[string]any{"groupId": SeedID("group", "Ingest"), "groupPermissions": []any{
				map[string]any{"permissionId": SeedID("permission", "View"), "isPermitted": true},
				map[string]any{"permissionId": SeedID("permission", "Delete"), "isPermitted": true},
			}}},
		})
	}
	return http.StatusOK, out
}

func (c descriptions) security() []any {
	return []any{map[string]any{"groupId": SeedID("group", "Ingest"),
		"permissions": []string{SeedID("permission", "View"), SeedID("permission", "Delete")}}}
}

func (c descriptions) getCurrentUser() (int, any) {
	u := c.user
	return http.StatusOK, map[string]any{
		"userId": u.ID, "customerId": c.s.Account().CustomerID, "emailId": u.Email, "firstName": u.FirstName, "lastName": u.LastName,
		"roleId": u.RoleID, "status": "enabled", "groups": u.Groups,
	}
}
