package main

import (
	"context"
	"maps"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dropdone"
	"github.com/tenovos-ingest/ingestd/internal/dropfolder"
	"github.com/tenovos-ingest/ingestd/internal/follow"
	"github.com/tenovos-ingest/ingestd/internal/mounts"
	receivers "github.com/tenovos-ingest/ingestd/internal/notify"
	"github.com/tenovos-ingest/ingestd/internal/receipts"
	"github.com/tenovos-ingest/ingestd/journal"
)

const (
	followGrace = 5 * time.Second  // what is left may take so long in the end
	followAgain = 30 * time.Second // pause after trouble with the journal
	// How long the first event of a quiet time waits for others: a batch is one look, and one
	// write to a share.
	gatherHooks    = 200 * time.Millisecond
	gatherReceipts = time.Second
)

// followers bring the journal's events out of it, beside the engine and also while there is
// none: to who is told of them, and into receipts. Those whose configuration a reload leaves
// as it is do not notice it. The zero value of running follows nothing. They belong to one
// goroutine.
type followers struct {
	journal *journal.Journal
	running map[string]*following
}

// following is a follower at work.
type following struct {
	spec  followerSpec
	end   chan struct{}
	ended chan struct{}
}

// followerSpec is a follower as the configuration wants it.
type followerSpec struct {
	same  any // of what decides whether a running one will do
	taker follow.Taker
	opt   follow.Options
}

// follow has those at work that a configuration wants, and no others. Trouble is only said: it is
// no reason to leave files lying.
func (fs *followers) follow(ctx context.Context, cfg *config.Config, log zerolog.Logger) {
	wanted, err := fs.specs(cfg, log)
	if err == nil {
		err = journal.FollowersOf(fs.journal).Keep(ctx, places(wanted, cfg))
	}
	if err != nil && ctx.Err() == nil {
		log.Error().Err(err).Msg("who is to be told cannot be told of all that happens")
	}
	if fs.running == nil {
		fs.running = make(map[string]*following)
	}
	before := make(map[string]<-chan struct{})
	for name, f := range fs.running {
		if spec, ok := wanted[name]; ok && reflect.DeepEqual(spec.same, f.spec.same) {
			continue
		}
		close(f.end)
		before[name] = f.ended
		delete(fs.running, name)
	}
	for name, spec := range wanted {
		if fs.running[name] == nil {
			f := &following{spec: spec, end: make(chan struct{}), ended: make(chan struct{})}
			fs.running[name] = f
			go fs.run(ctx, f, before[name], log)
		}
	}
}

// places names those who have a place in the feed. Who watches drops has one only while somebody
// is told of them: it would else begin where it ended, and tell of all the drops since.
func places(wanted map[string]followerSpec, cfg *config.Config) []string {
	names := slices.Collect(maps.Keys(wanted))
	if tellsOfDrops(cfg) {
		names = append(names, dropdone.Name)
	}
	return names
}

// tellsOfDrops reports that somebody is told of drops that are done.
func tellsOfDrops(cfg *config.Config) bool {
	return slices.ContainsFunc(cfg.Notify, func(n config.Notify) bool { return slices.Contains(n.On, receivers.DropDone) })
}

// run follows until it is told to end. Trouble with the journal is the engine's to end the
// process for; here it is only waited out.
func (fs *followers) run(ctx context.Context, f *following, before <-chan struct{}, log zerolog.Logger) {
	defer close(f.ended)
	if before != nil { // the one of the former configuration has the same place
		<-before
	}
	for {
		err := follow.New(f.spec.opt, eventFeed{journal.EventsOf(fs.journal.Reader())}, journal.FollowersOf(fs.journal), f.spec.taker).Run(ctx, f.end)
		if err == nil || ctx.Err() != nil {
			return
		}
		log.Error().Err(err).Str("receiver", f.spec.opt.Title).Msg("the events of the journal cannot be followed; it is tried again")
		select {
		case <-time.After(followAgain):
		case <-f.end:
			return
		case <-ctx.Done():
			return
		}
	}
}

// stop ends all of them, which bring what there is still, and waits for that.
func (fs *followers) stop() {
	for _, f := range fs.running {
		close(f.end)
	}
	for _, f := range fs.running {
		<-f.ended
	}
	fs.running = nil
}

// specs are the followers that a configuration wants, by name.
func (fs *followers) specs(cfg *config.Config, log zerolog.Logger) (map[string]followerSpec, error) {
	out := make(map[string]followerSpec)
	add := func(same any, taker follow.Taker, opt follow.Options) {
		opt.Notify = listenTo(fs.journal)
		opt.Trouble = func(ctx context.Context, why string) error {
			return journal.FollowersOf(fs.journal).SetTrouble(ctx, opt.Name, opt.Title, why)
		}
		opt.Grace, opt.Now, opt.Log = followGrace, time.Now, log
		out[opt.Name] = followerSpec{same: []any{same, cfg.Log}, taker: taker, opt: opt}
	}
	again := func(ctx context.Context, e follow.Event) (bool, error) {
		return saidBefore(ctx, fs.journal.Reader(), e)
	}
	for _, n := range cfg.Notify {
		taker, err := receivers.New(n.Receiver, receivers.Deps{Again: again, Host: hostName(), Log: log})
		if err != nil {
			return nil, err
		}
		opt := follow.Options{Name: n.Name, Title: n.Title(), AtOnce: receivers.AtOnce(n.Receiver), Gather: gatherHooks, Keep: follow.ThreeDays}
		if n.IsMail() {
			opt.Gather = n.Digest
		}
		add(n, taker, opt)
	}
	for _, f := range cfg.Folders {
		if f.Receipt == "" {
			continue
		}
		folder := dropfolder.Folder{Name: f.Name, Path: f.Path, Marker: f.Marker}
		taker := receipts.New(receipts.Config{
			Folder: f.Name, Path: f.Path, Dir: f.ReceiptDir(), Now: time.Now, Again: again,
			Mounts: mounts.New([]dropfolder.Folder{folder}, func() {}, log),
			Facts: func(ctx context.Context, e follow.Event) (receipts.Facts, error) {
				return factsOf(ctx, fs.journal.Reader(), e)
			},
		})
		// Its place is the directory's: a folder that gets another name has the same list.
		opt := follow.Options{Name: "receipt:" + f.Path, Title: "receipt of folder " + f.Name, Gather: gatherReceipts}
		add([]string{f.Name, f.Path, f.Marker, f.ReceiptDir()}, taker, opt)
	}
	return out, nil
}

// listenTo has a channel told of new events.
func listenTo(j *journal.Journal) func(c chan<- struct{}) (end func()) {
	return func(c chan<- struct{}) func() {
		j.Notify(c, journal.AboutEvents)
		return func() { j.Notify(c, journal.AboutNothing) }
	}
}

// watchDrops makes events of drops that are done, where somebody is told of them, until ctx
// ends.
func (e *engine) watchDrops(ctx context.Context, cfg *config.Config) error {
	if !tellsOfDrops(cfg) {
		return nil
	}
	d := &dropdone.Watch{
		Folders: make(map[string]dropdone.Folder, len(cfg.Folders)),
		Feed:    eventFeed{journal.EventsOf(e.journal.Reader())}, Places: journal.FollowersOf(e.journal), Notify: listenTo(e.journal),
		Open: journal.OutwardOf(e.journal.Reader()).Open, Now: time.Now,
		Tell: func(ctx context.Context, folder, dir, summary string) error {
			return recordDrop(ctx, e.journal, folder, dir, summary)
		},
	}
	for _, f := range cfg.Folders {
		together := f.Batch == "all"
		d.Folders[f.Name] = dropdone.Folder{Settle: f.Settle, Itself: together, Arriving: func(dir string) (arriving, perhaps bool) {
			if together {
				coming := e.watcher.Drop(f.Name, dir)
				return coming.Moving || coming.Settling+coming.Waiting > 0, false
			}
			return e.folders.settling(f.Name) > 0, true
		}}
	}
	err := d.Run(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to end
	}
	return err
}

// hostName is how this machine calls itself.
var hostName = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
})
