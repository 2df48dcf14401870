package tenovos

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestColumns: columns are found under whatever key they stand.
func TestColumns(t *testing.T) {
	const territory = `{"id":"c-1","name":"Territory","type":"controlledVocabulary","controlledVocabularyId":"v-1","values":[{"id":"1","name":"EMEA"}]}`
	const expire = `{"id":"c-2","name":"Expire","type":"date","dateFormat":"dd/MM/yyyy"}`
	const cascade = `{"id":"c-3","name":"Place","type":"cascade","levels":[{"id":"l-1","name":"Continent","type":"controlledVocabulary"},` +
		`{"id":"l-2","name":"Country","type":"controlledVocabulary"}]}`
	quoted, err := json.Marshal("[" + territory + "," + expire + "]")
	if err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat(`{"x":`, 20) + "[" + expire + "]" + strings.Repeat("}", 20)
	for inside, want := range map[string]string{
		`"columns":[` + territory + `,` + expire + `]`:                        "c-1 c-2",
		`"metadataAttributes":[` + expire + `]`:                               "c-2",
		`"table":{"definition":{"fields":[` + territory + `]}}`:               "c-1",
		`"groups":[{"items":[` + territory + `]},{"items":[` + expire + `]}]`: "c-1 c-2",
		`"columns":` + string(quoted):                                         "c-1 c-2",
		`"allowed":[{"id":"g","name":"Group"}],"z":[` + expire + `]`:          "c-2",
		`"a":[{"id":"c-1","name":"No type"}]`:                                 "c-1",
		`"columns":[` + cascade + `]`:                                         "c-3(l-1 l-2)",
		`"columns":[` + expire + `,{"id":"no name"}]`:                         "",
		`"columns":[{"valueId":"1","valueName":"EMEA"}]`:                      "",
		`"columns":[1,"x",null,[]]`:                                           "",
		`"columns":[]`:                                                        "",
		`"x":` + deep:                                                         "",
	} {
		a, err := decodeAttribute([]byte(`{"id":"a","name":"Rights","type":"tableAttribute",`+inside+`}`), maxNesting)
		if got := columnIDs(a.Columns); err != nil || got != want {
			t.Errorf("%s: columns %q, %v; want %q", inside, got, err, want)
		}
	}
	a, err := decodeAttribute([]byte(`{"id":"a","type":"text","groups":[`+expire+`]}`), maxNesting)
	if err != nil || a.Columns != nil {
		t.Errorf("a text has columns: %+v, %v", a.Columns, err)
	}
}

func columnIDs(list []Attribute) string {
	var ids []string
	for _, a := range list {
		id := a.ID
		if a.Columns != nil {
			id += "(" + columnIDs(a.Columns) + ")"
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}
