package intake

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/hands"
	"github.com/tenovos-ingest/ingestd/internal/holdings"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	"github.com/tenovos-ingest/ingestd/internal/stage"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Config is the stage's share of the configuration.
type Config struct {
	Folders     []dropfolder.Folder
	MaxFileSize int64 // bytes; a larger file fails
	// Adopt looks for an asset of the same filename and MD5 before one is created.
	Adopt bool
	// VerifyTimeout is how long Tenovos may take to compute a checksum.
	VerifyTimeout time.Duration
}

// Paths is what the journal knows of a path and of the file that lies there.
type Paths interface {
	Previous(ctx context.Context, e journal.Entry) (journal.Entry, bool, error)
	HasNewer(ctx context.Context, e journal.Entry) (bool, error)
	LastAttempt(ctx context.Context, e journal.Entry) (journal.Entry, bool, error)
	SameFile(ctx context.Context, e journal.Entry) ([]journal.Entry, error)
	FormerPaths(ctx context.Context, f file.File) ([]string, error)
	Displaced(ctx context.Context, e journal.Entry) (bool, error)
}

// Contents is what the journal knows of a content and of a filename.
type Contents interface {
	HasSameSize(ctx context.Context, e journal.Entry) (bool, error)
	SameContent(ctx context.Context, e journal.Entry) ([]journal.Entry, error)
	Named(ctx context.Context, filename string, id int64, folders []string) (journal.Named, error)
}

// Journal is what the stage asks of the journal, as *journal.Reader has it.
type Journal interface {
	Paths
	Contents
}

// Around is what goes on around the stage, and what it has done there: what makes the
// difference between a worker that decides and a forecast.
type Around struct {
	// Learn records facts about an entry.
	Learn func(ctx context.Context, id int64, l journal.Learned) error
	// InHand calls yield with each entry in somebody's hands, Abort ends the sending of one.
	InHand func(yield func(id int64, f *hands.Flight) bool)
	Abort  func(id int64)
	// HoldBack is the wait of an entry that needs a circuit which is tripped; false where it
	// may go on. Passed notes that a body went through circuits.
	HoldBack func(w *stage.Work, circuits ...string) (journal.Move, bool)
	Passed   func(ctx context.Context, id, size int64, circuits ...string) error
	// MayCreate reports that nothing is in the way of creating an entry's asset at once.
	MayCreate func(ctx context.Context, w *stage.Work, asset tenovos.NewAsset) bool
	// Missed tells of companions, and of what in the file, that cannot be read.
	Missed func(e journal.Entry, m dropfolder.Mapped)
	// Renamed is told, once that is recorded, of an entry whose file has a new path.
	Renamed func(old journal.Entry, now string)
}

// Deps are the parts that the stage works with.
type Deps struct {
	Around
	Journal  Journal
	API      holdings.API
	Holdings *holdings.Holdings
	Mounts   *mounts.Mounts
	Log      zerolog.Logger
	Now      func() time.Time
}

// Intake decides what settled entries become. Safe for concurrent use.
type Intake struct {
	cfg     Config
	names   []string
	folders map[string]dropfolder.Folder
	Deps             // not to be changed
	naming  sync.Map // filenames of which a file is just becoming an asset or a version
}

// New makes the stage of settled entries.
func New(cfg Config, d Deps) *Intake {
	in := &Intake{cfg: cfg, folders: make(map[string]dropfolder.Folder, len(cfg.Folders)), Deps: d}
	for _, f := range cfg.Folders {
		in.folders[f.Name] = f
		in.names = append(in.names, f.Name) // entries of others wait for theirs
	}
	return in
}

// settled is a settled entry in hand, and what it was recognised as.
type settled struct {
	*stage.Work
	as Recognition
}

// Recognition is what a settled entry was recognised as, for whoever foretells it.
type Recognition struct {
	Kind Kind
	Of   journal.Entry // another entry, which it has to do with; zero where there is none
}

// Kind is a kind of recognition.
type Kind string

// The kinds. What is none of them is new.
const (
	Continues Kind = "continues" // the next content of a path that was ingested, as Of
	Unchanged Kind = "unchanged" // the very content of Of, the latest of its path
	Renamed   Kind = "renamed"   // the file of Of, under another path
	Copy      Kind = "copy"      // the content of Of, at another path
	Namesake  Kind = "namesake"  // the filename of Of, which is on its way, or of an asset
)

func (w *settled) recognised(k Kind, of journal.Entry) { w.as = Recognition{k, of} }

// Decide says what becomes of a settled entry: creating where nothing is in the way of
// that, mapped where it has to wait with its asset, a rest, or a wait.
func (in *Intake) Decide(ctx context.Context, w *stage.Work) (journal.Move, error) {
	return in.decide(ctx, &settled{Work: w})
}

func (in *Intake) decide(ctx context.Context, w *settled) (journal.Move, error) {
	if w.Kind != journal.File {
		return in.mapRow(ctx, w)
	}
	return in.mapFile(ctx, w)
}
