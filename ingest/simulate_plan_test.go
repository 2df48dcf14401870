package ingest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/desk"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
)

// simPlan is a history before it happens: under which settings, and what is done one
// step after the other. It is a value, drawn from a seed or read from a text, so that a
// failure can be repeated and made shorter.
type simPlan struct {
	Setup simSetup
	Steps []simStep
}

// simSetup is how the daemon and the sandbox are configured.
type simSetup struct {
	Workers    int                   `json:"workers"`
	After      dropfolder.After      `json:"after,omitempty"`
	Duplicates dropfolder.Duplicates `json:"duplicates,omitempty"`
	Versions   string                `json:"versions,omitempty"`  // path, filename or none
	Rules      int                   `json:"rules,omitempty"`     // with others, what could not be mapped can be
	Multipart  bool                  `json:"multipart,omitempty"` // uploads have an id and a completion
	Verify     bool                  `json:"verify,omitempty"`    // the asset's own checksum is waited for
	Lag        int                   `json:"lag_ms,omitempty"`    // of the search index and of checksums
	URLLife    int                   `json:"url_life_ms,omitempty"`
	Along      bool                  `json:"along,omitempty"`   // a delete takes all versions along
	Slow       int                   `json:"slow_ms,omitempty"` // calls, and the rules, take up to so long
	Moves      bool                  `json:"moves,omitempty"`   // each entry's way is followed from commit to commit
	Texts      bool                  `json:"texts,omitempty"`   // all texts of the journal are looked at on the way
}

// simStep is one step. What its fields mean depends on what it does, see simDeeds.
type simStep struct {
	Do    string    `json:"do"`
	Path  string    `json:"path,omitempty"`
	To    string    `json:"to,omitempty"`
	Size  int       `json:"size,omitempty"`
	N     int       `json:"n,omitempty"`
	Keep  bool      `json:"keep_times,omitempty"`
	Seen  string    `json:"seen,omitempty"` // how the watcher learns of it: late, twice, never; else when it has settled
	Kind  string    `json:"kind,omitempty"`
	Where string    `json:"where,omitempty"`
	Down  int       `json:"down,omitempty"`
	Times int       `json:"times,omitempty"`
	Setup *simSetup `json:"setup,omitempty"`
	Wait  int       `json:"wait_ms,omitempty"` // before the next step
}

// String is the plan as text, a line for the settings and one for each step.
func (p simPlan) String() string {
	var b strings.Builder
	line := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // numbers and strings always marshal
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	line(p.Setup)
	for _, s := range p.Steps {
		line(s)
	}
	return b.String()
}

// parsePlan reads what String wrote.
func parsePlan(text string) (p simPlan, err error) {
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if i == 0 {
			err = json.Unmarshal([]byte(line), &p.Setup)
		} else {
			var s simStep
			err = json.Unmarshal([]byte(line), &s)
			p.Steps = append(p.Steps, s)
		}
		if err != nil {
			return p, fmt.Errorf("line %d of the plan: %w", i+1, err)
		}
	}
	return p, nil
}

// retryAsNew is a request to retry that makes a file an asset of its own.
const retryAsNew = "retry as new"

// simPaths are few, so that files meet each other: under one path, under one name.
var simPaths = []string{"a.jpg", "b.jpg", "x/a.jpg", "x/c.jpg", "y/c.jpg", "unmappable.jpg"}

// drawing draws a plan.
type drawing struct {
	*rand.Rand
	content int // the number of the latest content
	sizes   map[int]int
}

// drawPlan draws the history of a seed.
func drawPlan(seed uint64) simPlan {
	d := &drawing{Rand: rand.New(rand.NewPCG(seed, 13)), sizes: make(map[int]int)}
	p := simPlan{Setup: d.setup()}
	for range 3 + d.IntN(8) {
		p.Steps = append(p.Steps, d.step(p.Setup)...)
	}
	return p
}

func (d *drawing) oneIn(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d *drawing, from ...T) T { return from[d.IntN(len(from))] }

func (d *drawing) setup() simSetup {
	s := simSetup{
		Workers: 1 + d.IntN(4), After: pick(d, "", "", dropfolder.AfterMove, dropfolder.AfterDelete),
		Versions: pick(d, "path", "path", "path", "filename", "none"), Duplicates: pick(d, "", "", dropfolder.DuplicatesSkip, dropfolder.DuplicatesHold),
		Multipart: d.oneIn(2), Verify: d.oneIn(4), Along: d.oneIn(6), Texts: d.oneIn(20), Moves: d.oneIn(3),
	}
	if d.oneIn(4) {
		s.Lag = 100 + d.IntN(3000)
	}
	if d.oneIn(2) {
		s.Slow = pick(d, 10, 100, 500)
	}
	if d.oneIn(8) {
		s.URLLife = 1000 + d.IntN(4000)
	}
	return s
}

// changed is how a step waits and how the watcher learns of it.
func (d *drawing) changed(s simStep) simStep {
	s.Seen = pick(d, "", "", "", "", "late", "twice", "never")
	s.Wait = d.wait()
	return s
}

// wait is the pause before the next step, in milliseconds: often none, so that steps
// fall into the work.
func (d *drawing) wait() int {
	switch d.IntN(5) {
	case 0, 1:
		return 0
	case 2:
		return d.IntN(60)
	case 3:
		return d.IntN(600)
	}
	return d.IntN(8000)
}

func (d *drawing) path() string {
	if d.oneIn(12) {
		return simPaths[len(simPaths)-1]
	}
	return simPaths[d.IntN(len(simPaths)-1)]
}

// write is a file of new content, or of some that was there before.
func (d *drawing) write() simStep {
	s := simStep{Do: pick(d, "write", "write", "replace"), Path: d.path()}
	// Bytes that are written into a file that is in, with its times put back, are a touch
	// to the daemon by design.
	s.Keep = s.Do == "replace" && d.oneIn(4)
	if d.content > 0 && d.oneIn(4) {
		s.N = 1 + d.IntN(d.content)
	} else {
		d.content++
		s.N, d.sizes[d.content] = d.content, pick(d, 1000, 1000, 1000, 3000, 10+d.IntN(200_000), 0)
	}
	s.Size = d.sizes[s.N]
	return d.changed(s)
}

// step draws one step, or a few that belong together.
func (d *drawing) step(setup simSetup) []simStep {
	if d.content == 0 {
		return []simStep{d.write()}
	}
	switch n := d.IntN(100); {
	case n < 34:
		return []simStep{d.write()}
	case n < 40:
		return []simStep{d.changed(simStep{Do: "rename", Path: d.path(), To: pick(d, d.path(), "z/"+d.path())})}
	case n < 41:
		return []simStep{d.changed(simStep{Do: "move", Path: pick(d, "x", "y", "z"), To: pick(d, "x", "y", "z", "x/y")})}
	case n < 43:
		return []simStep{d.changed(simStep{Do: "exchange", Path: d.path(), To: d.path()})}
	case n < 46:
		return []simStep{d.changed(simStep{Do: "delete", Path: d.path()})}
	case n < 48:
		return []simStep{d.changed(simStep{Do: "touch", Path: d.path()})}
	case n < 66:
		return []simStep{d.fault(), d.write()}
	case n < 84:
		return []simStep{d.crash()}
	case n < 94:
		return []simStep{{Do: "ask", N: d.IntN(8), Wait: d.wait(),
			Kind: pick(d, desk.RequestRetry, retryAsNew, desk.RequestCancel, desk.RequestCancel, desk.RequestWithdraw, desk.RequestUndelete, desk.RequestVerify)}}
	case n < 96:
		return []simStep{{Do: pick(d, "restart", "expire"), Wait: d.wait()}}
	case n < 98:
		next := d.setup()
		next.Multipart, next.Lag, next.Along = setup.Multipart, setup.Lag, setup.Along
		next.Rules = d.IntN(2)
		return []simStep{{Do: "reload", Setup: &next, Wait: d.wait()}}
	}
	return []simStep{{Do: "scan", Wait: d.wait()}}
}

// fault is a line of the fault table, met by the files of one name or by all.
func (d *drawing) fault() simStep {
	i := d.IntN(len(troubles))
	names := slices.Sorted(maps.Keys(troubles[i].faults()))
	if strings.HasPrefix(troubles[i].operation, "Get") { // that something is not there is believed
		names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "404") })
	}
	s := simStep{Do: "fault", Where: troubles[i].name, Kind: pick(d, names...), Times: pick(d, 1, 1, 1, 2, 5)}
	if d.oneIn(2) {
		s.Path = d.path()
	}
	return s
}

// crash ends a life at a point that is counted from here.
func (d *drawing) crash() simStep {
	return simStep{Do: "crash", Where: pick(d, "commit", "commit", "commit", "before", "after"), N: 1 + d.IntN(pick(d, 4, 12, 40)),
		Down: d.IntN(3), Wait: d.wait()}
}

func (s simStep) wait() time.Duration { return time.Duration(s.Wait) * time.Millisecond }
