package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// usageError is a mistake on the command line.
type usageError struct{ error }

// config is the command line.
type config struct {
	listen, dir, api, seed string
	list                   string
	set                    []string
	urlLife, tokenLife     time.Duration
	exitWithStdin          bool
}

func parse(args []string, stderr io.Writer) (config, error) {
	c := config{}
	fs := flag.NewFlagSet("tenovos-sandbox", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&c.listen, "listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 takes a free one")
	fs.StringVar(&c.dir, "dir", "", "`directory` for content and state; default is a temporary one, removed at the end")
	fs.StringVar(&c.api, "api", "1.5", "API `version` to speak: 1.5 (enveloped, multipart above 100 MiB, shuffled URLs) or 1.0 (bare, multipart whenever filesize is sent, AccessToken and client id needed)")
	fs.StringVar(&c.seed, "seed", "", "JSON `file` with what the customer has configured; default is a built-in account")
	fs.DurationVar(&c.urlLife, "url-life", 0, "how long upload URLs live (default 24h)")
	fs.DurationVar(&c.tokenLife, "token-life", 0, "how long access tokens live (default 1h)")
	fs.StringVar(&c.list, "list", "", "print what the running sandbox with this control `URL` holds (filename, object id, bytes, MD5), and end")
	fs.BoolVar(&c.exitWithStdin, "exit-with-stdin", false, "end when stdin ends")
	fs.Func("set", "turn a `knob=value`, by its name in GET /_sandbox/options; may be repeated", func(v string) error {
		c.set = append(c.set, v)
		return nil
	})
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if fs.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return c, nil
}

// options turns the command line into those of the sandbox.
func (c config) options() (sandbox.Options, error) {
	o, err := sandbox.Preset(c.api)
	if err != nil {
		return o, err
	}
	o.Dir, o.URLLife, o.TokenLife = c.dir, c.urlLife, c.tokenLife
	for _, kv := range c.set {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			return o, fmt.Errorf("--set %q: want knob=value", kv)
		}
		if !json.Valid([]byte(value)) {
			value = string(mustJSON(value)) // a word or a duration
		}
		if err := json.Unmarshal(fmt.Appendf(nil, "{%s:%s}", mustJSON(name), value), &o); err != nil {
			return o, fmt.Errorf("--set %q: %w", kv, err)
		}
	}
	if c.seed == "" {
		return o, nil
	}
	f, err := os.Open(c.seed)
	if err != nil {
		return o, err
	}
	defer func() { _ = f.Close() }() // read only
	o.Account, err = sandbox.ReadAccount(f)
	return o, err
}

func mustJSON(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always encodes
	}
	return b
}

// run serves until ctx or stdin ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (err error) {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	if c.list != "" {
		return list(ctx, c.list, stdout)
	}
	o, err := c.options()
	if err != nil {
		return usageError{err}
	}
	addr, err := net.ResolveTCPAddr("tcp", c.listen)
	if err != nil {
		return usageError{fmt.Errorf("--listen: %w", err)}
	}
	if !addr.IP.IsLoopback() {
		return usageError{fmt.Errorf("--listen %s is not a loopback address: the sandbox has no secrets worth the name and must not be reachable from outside", c.listen)}
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "tenovos-sandbox-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	}
	s, err := sandbox.New(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	ln, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return err
	}
	if c.exitWithStdin {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		defer end()
		go func() { // ends with stdin, at the latest with the process: a read of stdin cannot be interrupted
			_, _ = io.Copy(io.Discard, stdin)
			end()
		}()
	}
	if err := announce(stdout, s, "http://"+ln.Addr().String()); err != nil {
		return errors.Join(err, ln.Close())
	}
	return serve(ctx, ln, s)
}

// announce prints the line that says where the sandbox is and what to log in
// with.
func announce(w io.Writer, s *sandbox.Server, origin string) error {
	a, o := s.Account(), s.Options()
	return json.NewEncoder(w).Encode(map[string]any{
		"url": origin + o.BasePath(), "control": origin + "/_sandbox", "api": o.APIVersion, "dir": o.Dir,
		"apiKey": a.APIKey, "username": a.Users[0].Username, "password": a.Users[0].Password, "clientId": a.ClientID,
	})
}

// serve answers until ctx ends and then gives requests under way a second.
func serve(ctx context.Context, ln net.Listener, s *sandbox.Server) error {
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 30 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if srv.Shutdown(grace) != nil {
		_ = srv.Close() // whoever is still connected has had the second
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
