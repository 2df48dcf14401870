package journal

import (
	"bufio"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// laterSteps are the migrations, and three more that take their time.
func laterSteps() fs.FS {
	steps := fstest.MapFS{}
	for _, name := range shipped() {
		step, err := fs.ReadFile(embedded, name)
		if err != nil {
			panic(err) // it is part of the program
		}
		steps[name] = &fstest.MapFile{Data: step}
	}
	for n := len(shipped()) + 1; n <= len(shipped())+3; n++ {
		steps[fmt.Sprintf("migrations/%04d_more.sql", n)] = &fstest.MapFile{Data: fmt.Appendf(nil, `
			CREATE TABLE more%[1]d (n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
			WITH RECURSIVE i (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 20000)
				INSERT INTO more%[1]d SELECT n, printf('%%.100c', 'x') FROM i;
			ALTER TABLE folders ADD COLUMN more%[1]d INTEGER NOT NULL DEFAULT 7;
			UPDATE folders SET more%[1]d = (SELECT count(*) FROM more%[1]d);`, n)}
	}
	return steps
}

// shipped names the migrations.
func shipped() []string {
	names, err := fs.Glob(embedded, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is right
	}
	return names
}

// However often a process is killed while it brings a journal up to date, what is there
// is a whole version, and the next start goes on from it.
func TestKilledMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Admit(t.Context(), []file.File{fileAt("a", 1)})
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for after, half := time.Millisecond, 0; ; after += after / 2 {
		killWhileMigrating(t, path, after)
		version := wholeVersion(t, path)
		if version > len(shipped()) && version < len(shipped())+3 {
			half++
		}
		if version == len(shipped())+3 {
			t.Logf("killed after up to %v; %d times a middle step was the last", after, half)
			break
		}
	}
	migrations = laterSteps()
	t.Cleanup(func() { migrations = embedded })
	j, err = Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, ok, err := j.Reader().Latest(t.Context(), "in", "a"); err != nil || !ok {
		t.Errorf("what was there before is gone: %v", err)
	}
	if _, err := j.Admit(t.Context(), []file.File{fileAt("b", 1)}); err != nil {
		t.Error(err)
	}
}

// killWhileMigrating has another process open a journal with more migrations, and kills
// it some time after it began.
func killWhileMigrating(t *testing.T, path string, after time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], path)
	cmd.Env = append(os.Environ(), "JOURNAL_CHILD=migrate")
	in, err := cmd.StdinPipe() // open, so that it stays when it is done
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
}

// wholeVersion returns the version of a journal, which has all of its steps and nothing of
// those that follow.
func wholeVersion(t *testing.T, path string) int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ask := func(query string) (n int) {
		if err := db.QueryRow(query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	version := ask(`PRAGMA user_version`)
	for n := len(shipped()) + 1; n <= len(shipped())+3; n++ {
		there := ask(fmt.Sprintf(`SELECT count(*) FROM sqlite_schema WHERE name = 'more%d'`, n))
		there += ask(fmt.Sprintf(`SELECT count(*) FROM pragma_table_info('folders') WHERE name = 'more%d'`, n))
		switch {
		case n > version && there != 0, n <= version && there != 2:
			t.Fatalf("version %d has %d of the two things that step %d makes", version, there, n)
		case n <= version:
			if rows, noted := ask(fmt.Sprintf(`SELECT count(*) FROM more%d`, n)), ask(fmt.Sprintf(`SELECT min(more%d) FROM folders`, n)); rows != 20000 || noted != 20000 {
				t.Fatalf("step %d is not whole: %d rows, %d noted", n, rows, noted)
			}
		}
	}
	return version
}
