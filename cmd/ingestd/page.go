package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/tenovos-ingest/ingestd/internal/access"
	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/dashboard"
	"github.com/tenovos-ingest/ingestd/internal/health"
	"github.com/tenovos-ingest/ingestd/internal/metrics"
	"github.com/tenovos-ingest/ingestd/internal/tenovos"
	"github.com/tenovos-ingest/ingestd/journal"
)

// site is what the daemon serves over HTTP, from the start of the process to its end: also
// while Tenovos is waited for, and across reloads. It is used by one goroutine.
type site struct {
	journal *journal.Journal
	metrics *metrics.Metrics
	profile bool          // serve /debug/pprof/
	secret  access.Secret // of pages that are open during a reload

	serving *serving // nil while nothing is served
}

// serving is the server of one address, with who may ask it.
type serving struct {
	access *access.Access
	sums   [len(addressKeys)]string // of what it came by
	pages  atomic.Pointer[http.ServeMux]
	stop   context.CancelFunc
	ended  chan struct{}
	lists  *journal.Reader // for the page
	whole  *journal.Reader // for status.json, which is read while it is sent
}

// addressKeys are the keys with which the server is another one.
var addressKeys = [...]string{"listen", "listen_auth", "listen_names"}

func addressSums(cfg *config.Config) (sums [len(addressKeys)]string) {
	for i, key := range addressKeys {
		sums[i] = cfg.Sums[key]
	}
	return sums
}

// use serves what there is to see of a setup from now on, at its address. A port that is
// taken is no reason to leave files lying, so it is only said.
func (s *site) use(ctx context.Context, now *setup) {
	if s.serving != nil && s.serving.sums != addressSums(now.cfg) {
		s.close(now.log)
	}
	switch {
	case s.serving != nil:
		s.serving.pages.Store(s.pages(now))
		s.serving.access.EndStreams()
	case now.cfg.Listen.Address != "":
		if err := s.open(ctx, now); err != nil {
			now.log.Warn().AnErr("reason", err).Str("listen", now.cfg.Listen.Address).Msg("no status page; files are ingested all the same")
		}
	}
}

// open serves at the address of a setup.
func (s *site) open(ctx context.Context, now *setup) error {
	c := now.cfg.Listen
	a, err := access.New(access.Config{
		Listen: c.Address, Public: c.Public, Names: c.Names, Secret: s.secret, Log: now.log,
		Login: access.Login{User: c.User, PasswordHash: c.PasswordHash, Token: c.Token},
		Open:  []string{"/healthz"},
	})
	if err != nil {
		return err
	}
	lists, err := journal.OpenReader(ctx, now.cfg.Journal)
	if err != nil {
		return fmt.Errorf("the journal cannot be opened once more: %w", err)
	}
	whole, err := journal.OpenReader(ctx, now.cfg.Journal)
	if err != nil {
		_ = lists.Close() // nothing was read
		return fmt.Errorf("the journal cannot be opened once more: %w", err)
	}
	l, err := a.Listen(ctx)
	if err != nil {
		_, _ = lists.Close(), whole.Close() // nothing was read
		return err
	}
	serve, stop := context.WithCancel(ctx)
	v := &serving{access: a, sums: addressSums(now.cfg), stop: stop, ended: make(chan struct{}), lists: lists, whole: whole}
	s.serving = v
	v.pages.Store(s.pages(now))
	now.log.Info().Str("url", urlOf(l.Addr())).Msg("status page")
	go v.serve(serve, l, now.log)
	return nil
}

// serve serves until ctx ends; close waits for it.
func (v *serving) serve(ctx context.Context, l net.Listener, log zerolog.Logger) {
	defer close(v.ended)
	err := v.access.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		v.pages.Load().ServeHTTP(w, req)
	}))
	if err != nil {
		log.Error().Err(err).Msg("the status page has ended; files are ingested all the same")
	}
}

// close ends the server, with all that is under way, and waits for it.
func (s *site) close(log zerolog.Logger) {
	v := s.serving
	if v == nil {
		return
	}
	s.serving = nil
	v.stop()
	<-v.ended
	if err := errors.Join(v.lists.Close(), v.whole.Close()); err != nil {
		log.Error().Err(err).Msg("the status page's view of the journal could not be closed")
	}
}

// pages puts together what is served.
func (s *site) pages(now *setup) *http.ServeMux {
	mux := http.NewServeMux()
	h := health.New(func(ctx context.Context) error {
		_, err := journal.EventsOf(s.journal.Reader()).Last(ctx) // one look at the end of a table
		return err
	}, now.health)
	mux.HandleFunc("GET /healthz", h.Alive)
	mux.HandleFunc("GET /readyz", h.Ready)
	mux.Handle("GET /metrics", s.metrics.Handler())
	dashboard.New(dashboard.Deps{
		Lists: s.serving.lists, Whole: s.serving.whole, News: s.journal, Active: now.active, Ask: s.serving.asks(now.cfg), History: s.serving.history,
		Token: s.serving.access.Token, Stream: s.serving.access.Stream,
		AssetURL: now.cfg.AssetURL, Version: versionText(), Log: now.log,
	}).Register(mux)
	if s.profile {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// health is what the daemon knows of itself.
func (s *setup) health() health.State {
	e := s.engine.Load()
	if e == nil {
		why := "the daemon is between two configurations, or ending"
		if waits := s.waits.Load(); waits != nil {
			why = *waits
		}
		h := health.State{Waits: why}
		for _, f := range s.cfg.Folders {
			h.Folders = append(h.Folders, health.Folder{Name: f.Name, Paused: "it is not looked at meanwhile"})
		}
		return h
	}
	h := health.State{Waits: e.pipeline.Paused(), Ask: s.acct.answers}
	for _, f := range e.folders.all() {
		why := f.Paused
		if why == "" && f.Watch == "" {
			why = "it has not been looked at yet"
		}
		h.Folders = append(h.Folders, health.Folder{Name: f.Name, Paused: why})
	}
	return h
}

// answers asks Tenovos for something harmless: nil is that it answers, and knows the account.
func (a *account) answers(ctx context.Context) error {
	_, err := a.client.CurrentUser(ctx)
	if isOutage(err) || errors.Is(err, tenovos.ErrCredentials) || errors.Is(err, tenovos.ErrUnauthorized) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil // an answer, if an odd one
}

// urlOf is where a browser of this machine finds the server.
func urlOf(addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String()) // it is one of TCP
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}
