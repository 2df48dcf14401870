package config

import (
	"time"

	"golang.org/x/text/encoding"

	"github.com/tenovos-ingest/ingestd/internal/mapping"
	"github.com/tenovos-ingest/ingestd/internal/notify"
	"github.com/tenovos-ingest/ingestd/internal/secret"
	"github.com/tenovos-ingest/ingestd/internal/timetable"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// Config is a configuration file, complete with its defaults. Paths are absolute
// and clean, sizes are bytes.
type Config struct {
	File          string // the file it was read from, as given
	Tenovos       Tenovos
	Insecure      bool          // http:// to other hosts is allowed
	Journal       string        // path of the database
	JournalKeep   time.Duration // how long resting entries are kept, for the prune command; 0 is for ever
	Workers       int           // files in flight
	Upload        Upload
	Retry         Retry
	Manifests     Manifests
	Listen        Listen
	AssetURL      string // of an asset, with {object_id} or {file_id}; "" is none
	Log           Log
	Notify        []Notify      // who is told of what
	ShutdownGrace time.Duration // how long parts on their way may take to finish
	Folders       []Folder      // at least one

	// Warnings are what is no mistake, but hardly meant; Secrets are the files that hold
	// secrets, this one among them where it does.
	Warnings []yamltree.Problem
	Secrets  []SecretFile

	// Sums tells configurations apart: of each key of the file but folders, a
	// SHA-256 (hex) of what it says, variables and secrets put in. They are not to
	// be shown: that of a weak password can be guessed.
	Sums map[string]string
}

// Tenovos says how to reach the account.
type Tenovos struct {
	URL                string // without a slash at the end
	Version            string // "1.5" or "1.0"
	APIKey             secret.Text
	Username           string
	Password           secret.Text
	ClientID           string // needed by 1.0
	MaxConcurrentCalls int
	SendAccessToken    bool // send the AccessToken header
	BasicLogin         bool // send the credentials as HTTP Basic, too

	// The keys that gave the credentials and where each stands, for messages: such as
	// "tenovos.password at config.yaml:7 (the variable TENOVOS_PASSWORD)".
	APIKeyFrom, UsernameFrom, PasswordFrom, ClientIDFrom string
}

// Upload bounds the transfer of content.
type Upload struct {
	Parts         int             // in flight for one file
	MaxFileSize   int64           // bytes
	Bandwidth     timetable.Rates // over all uploads
	Verify        string          // etag, asset
	VerifyTimeout time.Duration   // how long verify: asset waits for Tenovos' checksum
}

// Retry bounds the attempts at one file.
type Retry struct {
	MaxAttempts  int
	Initial, Max time.Duration // the first pause between attempts, and the longest
}

// Manifests bounds what manifests cost.
type Manifests struct {
	Memory           int64 // bytes that those of all folders take together
	RowsWithoutFiles int   // of one manifest, that become assets by themselves
}

// Notify is one who is told of what happens.
type Notify struct {
	notify.Receiver
	Name string // tells it from the others, the same over reloads and restarts
}

// Log says what is logged, and how.
type Log struct {
	Level  string // trace, debug, info, warn, error
	Format string // auto, json, console
}

// Folder is a drop folder.
type Folder struct {
	Name             string
	Path             string
	Previously       string   // the folder's former name, whose history counts; "" is none
	Root             string   // Path without symbolic links, as far as it exists; Path where its file system did not answer
	Include, Exclude []string // doublestar patterns of slash-separated paths below it
	Settle           time.Duration
	Patience         time.Duration // quiet time where nothing tells of an open writer; 0 is the watcher's default
	Ready            string        // name of the sentinel of a finished file, {name}.done; "" is none
	Watch            string        // auto, notify, poll
	PollInterval     time.Duration
	Rescan           time.Duration
	Marker           string            // a path below the folder that must exist; "" is none
	Order            string            // arrival; size,mixed; size; oldest; newest; path
	Workers          int               // of its files in flight; 0 is three quarters of all, or all for a single folder
	Hours            timetable.Hours   // in which its files may be begun
	Batch            string            // none; all: the files of a drop are created together
	After            string            // keep, move, delete
	Done, Failed     string            // where files are moved to, below the folder; {date}, {folder} and {path} stand in them
	Shared           bool              // another ingestd may work on the folder at the same time
	Tell             bool              // people are told of files that are held, by notes beside them
	TellGiven        bool              // the file says so, or not, by itself: it counts for a backfill, too
	Contact          string            // who such a note names; "" is nobody
	Receipt          string            // csv: a list of what became of each file is kept beside what is in; "" is none
	Prune            bool              // remove directories that a move leaves empty
	Resume           time.Duration     // how long files are left alone before they are moved or deleted
	Versions         string            // path, filename, off
	Duplicates       string            // skip, upload, hold
	Empty            string            // hold, ingest, ignore: files without a byte
	Manifests        []string          // names of manifests, patterns among them; nil: the usual ones, if a rule wants any
	FileColumn       string            // the column of manifests that names the file, before the usual ones; "" is none
	Encoding         encoding.Encoding // of manifests without a byte order mark; nil finds out
	MatchCase        bool              // the case of file names counts in manifests
	Languages        []string          // of texts in several, the best first
	WaitFor          mapping.WaitFor   // of files whose rule has none
	Rules            mapping.Rules
	Pos              yamltree.Pos // of its path

	// Sum is a SHA-256 (hex) of all that the file says of the folder, RulesSum of
	// what decides the metadata of its files.
	Sum, RulesSum string
}

// defaults returns a Config without folders and credentials.
func defaults(file string) *Config {
	return &Config{
		File: file,
		Sums: map[string]string{},
		Tenovos: Tenovos{
			Version:            "1.5",
			MaxConcurrentCalls: 8,
			SendAccessToken:    true,
		},
		Workers:       8,
		Upload:        Upload{Parts: 4, MaxFileSize: 5 << 30, Verify: "etag", VerifyTimeout: 30 * time.Minute},
		Retry:         Retry{MaxAttempts: 8, Initial: time.Second, Max: 5 * time.Minute},
		Manifests:     Manifests{Memory: 256 << 20, RowsWithoutFiles: 100_000},
		Listen:        Listen{Address: "127.0.0.1:9470"},
		Log:           Log{Level: "info", Format: "auto"},
		ShutdownGrace: 15 * time.Second,
	}
}

// defaultFolder returns a Folder without name, path and rules.
func defaultFolder() Folder {
	return Folder{
		Include:      []string{"**"},
		Settle:       5 * time.Second,
		Watch:        "auto",
		PollInterval: 30 * time.Second,
		Rescan:       5 * time.Minute,
		Order:        "arrival",
		Batch:        "none",
		After:        "keep",
		Done:         "_ingested",
		Failed:       "_failed",
		Duplicates:   "skip",
		Empty:        "hold",
		Languages:    []string{"en"},
	}
}
