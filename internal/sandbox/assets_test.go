package sandbox

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

func TestCreateRefuses(t *testing.T) {
	c := start(t, Options{Enveloped: true})
	for name, tt := range map[string]struct {
		changes map[string]any
		message string
	}{
		"no filename":       {map[string]any{"filename": nil}, "Failed to parse Asset"},
		"empty filename":    {map[string]any{"filename": ""}, "Failed to parse Asset"},
		"no metadata":       {map[string]any{"metadata": nil}, "Unexpected end of JSON input"},
		"no template":       {map[string]any{"metadataTemplateId": nil}, "Invalid Asset: Missing Metadata Template ID"},
		"no security":       {map[string]any{"securityTemplateIds": []string{}}, "Invalid Asset: Missing Security Template ID(s)"},
		"unknown template":  {map[string]any{"metadataTemplateId": SeedID("template", "Nothing")}, "Metadata Template not found"},
		"unknown security":  {map[string]any{"securityTemplateIds": []string{SeedID("security", "Nothing")}}, "Invalid security template ID(s)"},
		"unknown original":  {map[string]any{"originalFileId": SeedID("file", "none")}, "Invalid Response from Create Asset"},
		"wrong metadata":    {map[string]any{"metadata": []any{map[string]any{"metadataDefinitionId": "x"}}}, "Invalid fields for metadata template"},
		"metadata by name":  {map[string]any{"metadata": []any{map[string]any{"name": "Title"}}}, "Failed to parse Asset"},
		"half a byte":       {map[string]any{"filesize": 1.5}, "Failed to parse Asset"},
		"filesize in words": {map[string]any{"filesize": "many"}, "Failed to parse Asset"},
	} {
		t.Run(name, func(t *testing.T) {
			c.post("/asset", newAsset(tt.changes)).want(t, 403, `"message":"`+tt.message+`"`)
		})
	}
	c.post("/asset", "{").want(t, 403, "Failed to parse Asset")
	if n := len(c.s.State().Assets); n != 0 {
		t.Errorf("%d assets were made", n)
	}
	set := func(change func(*Options)) { _ = c.s.Configure(change) }
	null := newAsset(map[string]any{"metadata": json.RawMessage("null")})
	c.post("/asset", null).want(t, 200, `"status":"success"`, `"data":{`)
	set(func(o *Options) { o.RefuseNullMetadata = true })
	c.post("/asset", null).want(t, 403)
	set(func(o *Options) { o.EnforceRequired = true })
	c.post("/asset", newAsset(nil)).want(t, 403, "Title")
	set(func(o *Options) { o.ErrorsIn200 = true })
	c.post("/asset", newAsset(nil)).want(t, 200, `"status":"error"`)
	set(func(o *Options) { o.ErrorShape = "string" })
	c.post("/asset", newAsset(nil)).want(t, 200, `"Invalid fields for metadata template"`)
}

func attr(path string) string { return SeedID("attribute", "Creative Asset/"+path) }

func value(path string, v any) map[string]any {
	return map[string]any{"metadataDefinitionId": attr(path), "metadataDefinitionValue": v}
}

func term(vocabulary, name string) map[string]any {
	return map[string]any{"valueId": SeedID("value", vocabulary+"/"+name)}
}

func table(rows ...[]any) map[string]any {
	return map[string]any{"metadataDefinitionId": attr("Usage Rights"), "metadataDefinitionTableValue": rows}
}

func TestMetadata(t *testing.T) {
	c := start(t, Options{})
	emea := value("Usage Rights/Territory", term("Territory", "EMEA"))
	for name, tt := range map[string]struct {
		value any
		bad   string // "" is accepted
	}{
		"text":              {value("Title", "Äpfel"), ""},
		"longest text":      {value("Campaign", strings.Repeat("ü", 60)), ""},
		"text too long":     {value("Campaign", strings.Repeat("ü", 61)), "61 characters"},
		"number":            {value("Title", 7), "must be a string"},
		"date":              {value("Shot Date", "02/10/2021"), ""},
		"date as ISO":       {value("Shot Date", "2021-02-10"), "MM/dd/yyyy"},
		"own format":        {value("Embargo Until", "2021-02-10"), ""},
		"no such day":       {value("Shot Date", "02/30/2021"), "MM/dd/yyyy"},
		"term":              {value("Brand", term("Brand", "Acme")), ""},
		"term as name":      {value("Brand", "Acme"), "valueId"},
		"foreign term":      {value("Brand", term("Channel", "Web")), "not in vocabulary"},
		"terms for one":     {value("Brand", []any{term("Brand", "Acme")}), "valueId"},
		"terms":             {value("Channels", []any{term("Channel", "Web"), term("Channel", "Print")}), ""},
		"one for terms":     {value("Channels", term("Channel", "Web")), "several values"},
		"empty":             {map[string]any{"metadataDefinitionId": attr("Brand")}, ""},
		"table":             {table([]any{emea, value("Usage Rights/Rights Expire", "31/12/2030")}, []any{}), ""},
		"wrong cell":        {table([]any{emea}, []any{value("Usage Rights/Rights Expire", "12/31/2030")}), "row 2"},
		"cell of no column": {table([]any{value("Title", "x")}), "not a column"},
		"text for table":    {value("Usage Rights", "EMEA"), "metadataDefinitionTableValue"},
		"column as field":   {value("Usage Rights/Note", "x"), "not an attribute"},
		"read-only":         {map[string]any{"metadataDefinitionId": attr("Checksum"), "metadataDefinitionValue": "x"}, "read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.post("/asset", newAsset(map[string]any{"metadata": []any{tt.value}}))
			if tt.bad == "" {
				a.want(t, 200)
			} else {
				a.want(t, 403, "Invalid fields for metadata template", tt.bad)
			}
		})
	}
	made := c.create(map[string]any{"metadata": []any{value("Brand", term("Brand", "Müller & Söhne")), table([]any{emea})}})
	shown := c.get("/asset/" + made.text("objectId"))
	if shown.text("metadataDenormalized", "brand") != "Müller & Söhne" || !strings.Contains(string(shown.body), `"usage_rights":[{"territory":"EMEA"}]`) {
		t.Errorf("%s", shown.body)
	}
}

func TestVersions(t *testing.T) {
	c := start(t, Options{})
	first := c.create(nil)
	original := first.text("fileId")
	if first.text("originalFileId") != original {
		t.Errorf("first version: %s", first.body)
	}
	c.put(first.text("url"), "one").want(t, 200)
	second := c.create(map[string]any{"originalFileId": original})
	if second.text("originalFileId") != original || second.text("fileId") == original || second.text("objectId") == first.text("objectId") {
		t.Errorf("second version: %s", second.body)
	}
	current := func(want answered) {
		t.Helper()
		for _, m := range []answered{first, second} {
			if got := c.asset(m.text("objectId")).Current; got != (m.text("objectId") == want.text("objectId")) {
				t.Errorf("current of %s is %v", m.text("objectId"), got)
			}
		}
		if got := c.get("/asset/" + first.text("objectId") + "/latest").text("objectId"); got != want.text("objectId") {
			t.Errorf("latest is %s", got)
		}
	}
	current(second)
	if got := c.asset(first.text("objectId")).Versions; len(got) != 2 || got[1] != second.text("objectId") {
		t.Errorf("chain %v", got)
	}
	for _, id := range []string{original, second.text("fileId"), second.text("objectId")} {
		var list []map[string]any
		if err := json.Unmarshal(c.get("/asset/"+id+"/version").body, &list); err != nil || len(list) != 2 || list[0]["objectId"] != first.text("objectId") {
			t.Errorf("versions of %s: %v %v", id, list, err)
		}
	}
	c.post("/asset", newAsset(map[string]any{"originalFileId": second.text("fileId")})).want(t, 403, "Invalid Response from Create Asset")
	c.post("/asset/"+second.text("objectId")+"/delete", map[string]any{"action": "delete", "deleteType": "full"}).want(t, 200)
	current(first)
	c.post("/asset/"+second.text("objectId")+"/delete", map[string]any{"action": "undelete", "deleteType": "full"}).want(t, 200)
	current(second)
	if err := c.s.Configure(func(o *Options) { o.VersionFlipsLate = true }); err != nil {
		t.Fatal(err)
	}
	third := c.create(map[string]any{"originalFileId": original})
	current(first)
	c.put(third.text("url"), "three").want(t, 200)
	if !c.asset(third.text("objectId")).Current {
		t.Error("content did not make the version current")
	}
}

func TestDelete(t *testing.T) {
	c := start(t, Options{})
	made := c.create(map[string]any{"metadata": []any{value("Title", "x")}})
	c.put(made.text("url"), "body").want(t, 200)
	path := "/asset/" + made.text("objectId")
	act := func(action string) answered {
		return c.post(path+"/delete", map[string]any{"action": action, "deleteType": "full"})
	}
	act("undelete").want(t, 403, "Failed to UnDelete Asset")
	act("un-delete").want(t, 502)
	act("remove").want(t, 502, "Internal server error")
	c.post("/asset/"+SeedID("x", "y")+"/delete", map[string]any{"action": "delete", "deleteType": "full"}).want(t, 500, "Failed to delete Relationship", "payload.body.map is not a function")
	gone := act("delete")
	gone.want(t, 200, "Master Object update was successful")
	var data struct{ FileState, MetadataState, CurrentVersion, MetadataDocument, TechnicalMetadataDocument string }
	if err := json.Unmarshal([]byte(gone.text("data")), &data); err != nil {
		t.Fatal(err)
	}
	if data.FileState != "recycle bin" || data.MetadataState != "recycle bin" || data.CurrentVersion != "N" ||
		!strings.Contains(data.MetadataDocument, attr("Title")) || !strings.Contains(data.TechnicalMetadataDocument, sum("body")) {
		t.Errorf("%+v", data)
	}
	c.patch(path, map[string]any{"metadata": []any{value("Title", "y")}}).want(t, 403)
	c.get(path+"/content").want(t, 502)
	c.get(path).want(t, 200, "recycle bin")
	c.get(path+"/latest").want(t, 403, "Asset not found")
	act("delete").want(t, 200)
	act("undelete").want(t, 200)
	c.get(path).want(t, 200, `"currentVersion":"Y"`)
	c.get("/asset/"+SeedID("x", "y")).want(t, 403, "Asset not found")
}

func TestFederated(t *testing.T) {
	c := start(t, Options{})
	made := c.create(map[string]any{"contentPath": "s3://bucket/some/file.tif", "skipTranscode": true})
	if made.text("url") != "some/file.tif" || made.text("uploadId") != "" {
		t.Errorf("%s", made.body)
	}
	if got := c.asset(made.text("objectId")).FederatedPath; got != "s3://bucket/some/file.tif" {
		t.Errorf("the asset's content is at %q", got)
	}
}

func TestEdit(t *testing.T) {
	c := start(t, Options{BulkLag: 5e9})
	made := c.create(map[string]any{"metadata": []any{value("Title", "one"), value("Channels", []any{term("Channel", "Web")})}})
	id := made.text("objectId")
	c.patch("/asset/"+id, map[string]any{"metadata": []any{value("Title", "two")}, "securityTemplateIds": []string{SeedID("security", "Creative Public")}}).
		want(t, 200, `"status":"success"`)
	c.patch("/asset/"+id, map[string]any{"metadata": []any{map[string]any{"metadataDefinitionId": "x"}}}).want(t, 403, `"status":"error"`, "Invalid fields for metadata template")
	c.patch("/asset/"+id, map[string]any{"securityTemplateIds": []string{"x"}}).want(t, 403, "Invalid security template ID(s)")

	bulk := func(changes map[string]any) answered {
		m := map[string]any{"metadataTemplateId": SeedID("template", "Creative Asset"), "objectIds": []string{id}}
		maps.Copy(m, changes)
		return c.patch("/asset", m)
	}
	op := func(v map[string]any, operation string) map[string]any { v["operation"] = operation; return v }
	bulk(map[string]any{"metadataTemplateId": "x"}).want(t, 400, "Invalid metadataTemplateId")
	bulk(nil).want(t, 400, "Missing Bulk Edit Asset Details")
	bulk(map[string]any{"metadata": []any{op(value("Title", "x"), "replace")}}).want(t, 400, "Missing Bulk Edit Asset Details")
	bulk(map[string]any{"metadataDocument": []any{op(value("Brand", term("Brand", "Acme")), "append")}}).want(t, 400)
	bulk(map[string]any{"metadataDocument": []any{
		op(value("Title", "three"), "append"), op(value("Channels", []any{term("Channel", "Web"), term("Channel", "Print")}), "append"),
		op(value("Brand", term("Brand", "Acme")), "replace"), op(table([]any{value("Usage Rights/Note", "n")}), "append"),
	}, "securityTemplateIds": []string{SeedID("security", "Creative Internal")}, "securityTemplateOp": "append"}).want(t, 200, "jobId", "collectionId")
	if got := c.get("/asset/"+id).text("metadataDenormalized", "title"); got != "two" {
		t.Errorf("applied at once: %q", got)
	}
	c.clock.add(5e9)
	c.get("/asset/"+id).want(t, 200, `"title":"two three"`, `"channels":["Web","Print"]`, `"brand":"Acme"`, `"usage_rights":[{"note":"n"}]`,
		SeedID("security", "Creative Public"), SeedID("security", "Creative Internal"))
}
