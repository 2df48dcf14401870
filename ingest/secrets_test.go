package ingest_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
)

// tokenShape is what tokens and the parts of presigned URLs look like that make
// them credentials.
var tokenShape = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}|(?i)x-amz-(signature|credential|security-token)`)

// wantNoSecrets fails where the log, a text of the journal or a reason that is
// shown holds a credential.
func (r *rig) wantNoSecrets() {
	r.t.Helper()
	secrets := []string{r.account.APIKey}
	for _, u := range r.account.Users {
		secrets = append(secrets, u.Password)
	}
	check := func(where, text string) {
		found := tokenShape.FindString(text)
		for _, s := range secrets {
			if strings.Contains(text, s) {
				found = s
			}
		}
		if found != "" {
			at := strings.Index(text, found)
			r.t.Errorf("%s holds a secret: %.200s", where, text[max(0, at-80):])
		}
	}
	check("the log", r.log.String())
	for _, e := range r.entries() {
		check("the reason of "+e.Path, fmt.Sprintf("%+v", e.Reason))
		check("the asset of "+e.Path, string(e.Asset))
	}
	r.eachText(check)
}

// eachText calls yield for every text that the journal stores, whatever table and
// column it is in. What is a secret is stored as a blob.
func (r *rig) eachText(yield func(where, text string)) {
	r.t.Helper()
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:"+r.journal+"?mode=ro")
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	columns := r.texts(ctx, db, `SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`)
	if len(columns) < 40 {
		r.t.Errorf("only %d columns were looked at: %v", len(columns), columns)
	}
	for _, name := range columns {
		table, column, _ := strings.Cut(name, ".")
		for _, text := range r.texts(ctx, db, fmt.Sprintf(`SELECT %q FROM %q WHERE typeof(%q) = 'text' AND %q <> ''`, column, table, column, column)) {
			yield("the journal's "+name, text)
		}
	}
}

func (r *rig) texts(ctx context.Context, db *sql.DB, query string) []string {
	r.t.Helper()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		r.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			r.t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		r.t.Fatal(err)
	}
	return out
}
