package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// statusReport is what `status --json` prints, as a program outside of this module
// would declare it.
type statusReport struct {
	Folders []books     `json:"folders"`
	Entries []fileEntry `json:"entries"`
}

type books struct {
	Name, Path, Watch, Paused                                    string
	Seen, Ignored, Settling, Queued, Uploading, Filed, Duplicate int
	Held, Failed, Cancelled, Superseded, Withdrawn               int
	LastScan                                                     string `json:"last_scan"`
}

type fileEntry struct {
	ID                   int64
	Folder, Path, Status string
	Reason, Hint         string
	ObjectID             string `json:"object_id"`
	FileID               string `json:"file_id"`
	OriginalFileID       string `json:"original_file_id"`
	Attempts             int
	Size, Sent           int64
	Updated              time.Time
}

// balance reports folders whose files are not all accounted for.
func (r statusReport) balance() error {
	var bad []error
	for _, f := range r.Folders {
		sum := f.Ignored + f.Settling + f.Queued + f.Uploading + f.Filed + f.Duplicate + f.Held + f.Failed + f.Cancelled + f.Superseded + f.Withdrawn
		if f.Seen != sum {
			bad = append(bad, fmt.Errorf("the books of %s do not balance: %+v", f.Name, f))
		}
	}
	return errors.Join(bad...)
}

// journalTexts returns every text in a journal, as any tool for SQLite would show
// it.
func journalTexts(path string) ([]byte, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tables, err := texts(db, `SELECT name FROM sqlite_schema WHERE type = 'table'`)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, table := range tables {
		columns, err := texts(db, `SELECT name FROM pragma_table_info(?)`, table)
		if err != nil {
			return nil, err
		}
		for _, column := range columns {
			quoted := `"` + strings.ReplaceAll(column, `"`, `""`) + `"`
			found, err := texts(db, `SELECT `+quoted+` FROM "`+table+`" WHERE typeof(`+quoted+`) = 'text'`)
			if err != nil {
				return nil, err
			}
			for _, text := range found {
				fmt.Fprintf(&out, "%s.%s: %s\n", table, column, text)
			}
		}
	}
	return out.Bytes(), nil
}

func texts(db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}
