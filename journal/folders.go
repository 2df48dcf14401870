package journal

import (
	"context"
	"database/sql"
	"time"
)

// FolderState is what only the watcher knows of a drop folder, kept as gauges so
// that other processes can see it.
type FolderState struct {
	Name     string // the folder's name in the configuration
	Path     string
	Watch    string // how it is watched
	Paused   string // why it is not; "" while it is
	PausedBy string // the classes of all that it waits for, a space between, see Pauses; "" while it is not paused
	Settling int    // files seen but not yet stable
	Open     int    // of these, files that only wait for a writer to close them
	Waiting  int    // files whose sentinel is not there yet; not in Settling
	Polled   int    // directories polled, with all below, for want of watches
	LastScan time.Time

	Unreadable int    // directories and files that cannot be read; what is below them is in no count
	Unread     string // the first of these, with the reason; "" for none

	Arriving  int    // of Settling, files beside which a transfer is under way
	Beside    string // the first of these transfers; "" for none
	Empty     int    // of Settling, files that are empty and wait for their content
	EmptyFile string // the first of these; "" for none

	Hours string // what its files wait for outside of its hours, in words; "" within them
}

// Counts are the books of one folder: Seen is the sum of By at any time.
type Counts struct {
	FolderState
	Companions int            // sidecars and manifests; they are no entries
	Edits      int            // corrections of assets that are still to be sent, or seen
	Seen       int            // entries admitted and not forgotten, counted on its own
	Pruned     int            // entries that were forgotten; they are in no other count
	QueuedAt   time.Time      // since when the settled or mapped entry waits that has waited longest; zero for none
	By         map[Status]int // entries by status; a status without any is missing
}

// Folders are the drop folders that a journal has entries of: how their queues are
// ordered, what their rules were, and what their watchers say.
type Folders struct{ j *Journal }

// FoldersOf returns the folders of a journal.
func FoldersOf(j *Journal) Folders { return Folders{j} }

// SetSoon has the states of folders recorded with the next commit, or by Flush.
func (fs Folders) SetSoon(states ...FolderState) { fs.j.gauges.set(states) }

// Flush records the states of folders that no commit has taken along, in one
// transaction; where there are none it commits nothing. It does not touch their counts of
// entries seen.
func (fs Folders) Flush(ctx context.Context) error {
	if len(fs.j.gauges.waiting()) == 0 {
		return nil
	}
	return fs.j.write(ctx, "record the state of folders", func(*session) error { return nil }, AboutFolders)
}

// Set records the states of folders now.
func (fs Folders) Set(ctx context.Context, states ...FolderState) error {
	fs.SetSoon(states...)
	return fs.Flush(ctx)
}

func setFolder(ctx context.Context, tx *session, s FolderState) error {
	_, err := tx.exec(ctx, `INSERT INTO folders (name, path, watch, paused, paused_by, settling, open, waiting, polled, last_scan, unreadable, unread,
				arriving, beside, empty, empty_file, hours)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET path = excluded.path, watch = excluded.watch, paused = excluded.paused, paused_by = excluded.paused_by,
				settling = excluded.settling, open = excluded.open, waiting = excluded.waiting,
				polled = excluded.polled, last_scan = excluded.last_scan,
				unreadable = excluded.unreadable, unread = excluded.unread,
				arriving = excluded.arriving, beside = excluded.beside, empty = excluded.empty, empty_file = excluded.empty_file,
				hours = excluded.hours`,
		s.Name, s.Path, s.Watch, s.Paused, s.PausedBy, s.Settling, s.Open, s.Waiting, s.Polled, ms(s.LastScan), s.Unreadable, s.Unread,
		s.Arriving, s.Beside, s.Empty, s.EmptyFile, s.Hours)
	return err
}

// countFolders reads the open edits once, not once a folder.
const countFolders = `WITH corrected (folder, n) AS MATERIALIZED (SELECT e.folder, count(*) FROM ` + openEdits + ` GROUP BY e.folder)
	SELECT name, path, watch, paused, paused_by, settling, open, waiting, polled, last_scan, unreadable, unread,
		arriving, beside, empty, empty_file, hours,
		(SELECT count(*) FROM companions c WHERE c.folder = name),
		coalesce(corrected.n, 0), seen, pruned
	FROM folders LEFT JOIN corrected ON corrected.folder = name ORDER BY name`

// countEntries counts what rests in one index, in another what waits for its turn, with the
// time since when the first of it is queued, and one by one what was begun.
const countEntries = `SELECT folder, status, count(*), 0 FROM entries {using entries_status} WHERE rests = 1 GROUP BY status, folder
	UNION ALL SELECT folder, status, count(*), min(queued_at) FROM work {using work_status} WHERE lane < 2 GROUP BY status, folder
	UNION ALL SELECT folder, status, count(*), min(queued_at) FROM work {using work_due} WHERE lane = 2 GROUP BY status, folder`

// HoursOf tells of the folders that are outside of their hours what their files wait for, by
// name.
func HoursOf(ctx context.Context, r *Reader) (map[string]string, error) {
	out := make(map[string]string)
	err := r.ask(ctx, "read which folders wait for their hours", func(tx *session) error {
		return each(ctx, tx, func(rows *sql.Rows) error {
			var name, hours string
			err := rows.Scan(&name, &hours)
			out[name] = hours
			return err
		}, `SELECT name, hours FROM folders WHERE hours <> ''`)
	})
	return out, err
}

// Counts returns the books of all folders, by name. It counts the entries in an
// index that covers the question: some 0.2 s for a million of them.
func (r *Reader) Counts(ctx context.Context) ([]Counts, error) {
	var all []Counts
	err := r.read(ctx, "count entries", func(tx *session) error {
		index := make(map[string]int)
		err := each(ctx, tx, func(rows *sql.Rows) error {
			c := Counts{By: make(map[Status]int)}
			var scanned int64
			err := rows.Scan(&c.Name, &c.Path, &c.Watch, &c.Paused, &c.PausedBy, &c.Settling, &c.Open, &c.Waiting, &c.Polled, &scanned,
				&c.Unreadable, &c.Unread, &c.Arriving, &c.Beside, &c.Empty, &c.EmptyFile, &c.Hours, &c.Companions, &c.Edits, &c.Seen, &c.Pruned)
			if err != nil {
				return err
			}
			c.LastScan = at(scanned)
			index[c.Name] = len(all)
			all = append(all, c)
			return nil
		}, countFolders)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var name string
			var s Status
			var n int
			var queued int64
			if err := rows.Scan(&name, &s, &n, &queued); err != nil {
				return err
			}
			c := &all[index[name]]
			c.By[s] = n
			if s.Runnable() && !s.Active() && (c.QueuedAt.IsZero() || at(queued).Before(c.QueuedAt)) {
				c.QueuedAt = at(queued)
			}
			return nil
		}, countEntries)
	})
	return all, err
}
