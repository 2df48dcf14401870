package access

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

const password, token = "open sesame", "0123456789abcdef"

func withPassword(t testing.TB, cost int) Login {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return Login{User: "ops", PasswordHash: secret.Text(hash)}
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// TestLogin logs in with each kind of login, right and wrong. A wrong one is told so later.
func TestLogin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		login Login
		auth  string
		want  int
	}{
		{withPassword(t, bcrypt.MinCost), "", 401},
		{withPassword(t, bcrypt.MinCost), basic("ops", password), 200},
		{withPassword(t, bcrypt.MinCost), basic("ops", "wrong"), 401},
		{withPassword(t, bcrypt.MinCost), basic("ops", ""), 401},
		{withPassword(t, bcrypt.MinCost), basic("Ops", password), 401},
		{withPassword(t, bcrypt.MinCost), basic("", password), 401},
		{withPassword(t, bcrypt.MinCost), "Bearer " + password, 401},
		{withPassword(t, bcrypt.MinCost), "Basic " + password, 401},
		{withPassword(t, bcrypt.MinCost), "Digest username=ops", 401},
		{Login{Token: token}, "", 401},
		{Login{Token: token}, "Bearer " + token, 200},
		{Login{Token: token}, "bearer " + token, 200},
		{Login{Token: token}, "Bearer", 401},
		{Login{Token: token}, basic("anybody", token), 200},
		{Login{Token: token}, basic("", token), 200},
		{Login{Token: token}, basic(token, ""), 401},
		{Login{Token: token}, "Bearer " + token + "0", 401},
		{Login{Token: token}, "Bearer ", 401},
		{Login{Token: token}, token, 401},
		{Login{}, "", 200},
		{Login{}, basic("ops", "wrong"), 200},
	} {
		t.Run(fmt.Sprint(c.login.User, c.auth, c.want), func(t *testing.T) {
			t.Parallel()
			r := serve(t, Config{Login: c.login}, usual, text)
			var headers []string
			if c.auth != "" {
				headers = []string{"Authorization", c.auth}
			}
			began := time.Now()
			resp := r.ask(http.MethodGet, "/metrics", "", headers...)
			if resp.StatusCode != c.want {
				t.Errorf("%s, want %d", resp.Status, c.want)
			}
			slowed := time.Since(began) >= wrongPause
			if c.want == 401 && (c.auth != "") != slowed {
				t.Errorf("after %v", time.Since(began))
			}
			if c.want == 401 && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("a browser is not told to ask: %v", resp.Header)
			}
			if resp := r.ask(http.MethodGet, "/healthz", ""); resp.StatusCode != http.StatusOK {
				t.Errorf("the health needs a login: %s", resp.Status)
			}
			if resp := r.ask(http.MethodGet, "/healthz/", ""); c.login.Needed() && resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("another path passes for the health: %s", resp.Status)
			}
			r.end()
			if log := r.log.String(); strings.Contains(log, "wrong_logins") != (c.auth != "" && c.want == 401) || strings.Contains(log, token) || strings.Contains(log, password) {
				t.Errorf("logged: %s", log)
			}
		})
	}
}

// TestLoginBeforeToken tells nobody without a login whether a token of the page is right.
func TestLoginBeforeToken(t *testing.T) {
	r := serve(t, Config{Login: Login{Token: token}}, usual, text)
	if resp := r.ask(http.MethodPost, "/", "", "X-CSRF-Token", r.Token(nil)); resp.StatusCode != http.StatusUnauthorized {
		t.Error(resp.Status)
	}
	if resp := r.ask(http.MethodPost, "/", "", "Authorization", "Bearer "+token); resp.StatusCode != http.StatusForbidden {
		t.Error(resp.Status)
	}
}

// from makes requests from an address of this machine.
func from(addr string) *http.Transport {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
	return &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
}

// TestFloodOfWrongLogins makes 2,000 wrong logins, each with another password, as fast as they
// are answered. The right one passes meanwhile from another address, and after it from the
// same one.
func TestFloodOfWrongLogins(t *testing.T) {
	t.Parallel()
	const other, same = "127.0.0.2", "127.0.0.1"
	for _, addr := range []string{other, same} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			r := serve(t, Config{Login: withPassword(t, bcrypt.MinCost)}, usual, text)
			codes, ended := r.flood(same, 2000)
			if addr == same {
				<-ended
			}
			began := time.Now()
			if code := r.login1(from(addr), password); code != http.StatusOK {
				t.Errorf("the right login gets %d", code)
			}
			t.Logf("the right login took %v", time.Since(began).Round(time.Millisecond))
			<-ended
			g := r.login.guesses
			g.mu.Lock()
			computed := len(g.wrong)
			g.mu.Unlock()
			t.Logf("of 2,000 wrong logins %d were told so, %d to come later, %d were cut off; bcrypt was computed for %d",
				codes[http.StatusUnauthorized], codes[http.StatusTooManyRequests], codes[0], computed)
			if codes[http.StatusUnauthorized]+codes[http.StatusTooManyRequests]+codes[0] != 2000 {
				t.Errorf("%v", codes)
			}
			r.end()
			if n := strings.Count(r.log.String(), "a wrong login"); n != 1 {
				t.Errorf("%d lines are logged of it", n)
			}
		})
	}
}

// flood makes wrong logins from an address. When it has begun it returns, and how it ended is
// there when ended closes.
func (r *rig) flood(addr string, n int) (map[int]int, <-chan struct{}) {
	codes, ended := map[int]int{}, make(chan struct{})
	tr, gate := from(addr), make(chan bool, 200)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			gate <- true
			code := r.login1(tr, fmt.Sprint("wrong ", i))
			<-gate
			mu.Lock()
			codes[code]++
			mu.Unlock()
		})
	}
	go func() {
		all.Wait()
		close(ended)
	}()
	for { // in the middle of it
		r.login.guesses.mu.Lock()
		begun := r.login.guesses.unsaid > n/20
		r.login.guesses.mu.Unlock()
		if begun {
			return codes, ended
		}
		time.Sleep(time.Millisecond)
	}
}

// login1 logs in once, and returns the status; 0 is a connection whose place went to another.
func (r *rig) login1(tr *http.Transport, password string) int {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.addr+"/", nil)
	if err != nil {
		r.t.Error(err)
		return 0
	}
	req.SetBasicAuth("ops", password)
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestRightLoginIsRemembered computes bcrypt once for a right login and for a wrong one, not
// for each request.
func TestRightLoginIsRemembered(t *testing.T) {
	d := newDoorman(withPassword(t, bcrypt.MinCost), NewSecret(), zerolog.Nop())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.RemoteAddr = "192.0.2.1:1000"
	for range 3 {
		if v := d.password(req, "ops", password); v != right {
			t.Fatal(v)
		}
		if v := d.password(req, "ops", "wrong"); v != wrong {
			t.Fatal(v)
		}
		d.login.PasswordHash = "none: what is computed from now on is wrong"
	}
	if v := d.password(req, "other", password); v != wrong {
		t.Error("another user passes with what was remembered")
	}
}

// TestTurns gives the turn to who made the fewest mistakes, then to the last to come, and
// has the oldest of the worst give way where there are too many.
func TestTurns(t *testing.T) {
	g := newGuesses(zerolog.Nop())
	bad, good := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	g.sources[bad] = 1
	g.working = true // until all wait
	var order []string
	var all sync.WaitGroup
	var mu sync.Mutex
	begin := func(name string, addr netip.Addr) {
		g.mu.Lock()
		before := len(g.waiting)
		g.mu.Unlock()
		all.Go(func() {
			if !g.wait(t.Context(), addr) {
				name += " gave way"
			}
			mu.Lock()
			order = append(order, name)
			mu.Unlock()
			if !strings.HasSuffix(name, "way") {
				g.done(0)
			}
		})
		for { // until it waits
			g.mu.Lock()
			n := len(g.waiting)
			g.mu.Unlock()
			if n > before || before == maxWaiting {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	for i := range maxWaiting - 2 {
		begin(fmt.Sprint("bad ", i), bad)
	}
	begin("good 0", good)
	begin("good 1", good)
	begin("good 2", good)
	for { // the one that had to give way has said so
		mu.Lock()
		n := len(order)
		mu.Unlock()
		if n == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	g.done(0)
	all.Wait()
	want := []string{"bad 0 gave way", "good 2", "good 1", "good 0", fmt.Sprint("bad ", maxWaiting-3), fmt.Sprint("bad ", maxWaiting-4)}
	if got := order[:len(want)]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the turns are %q, want %q", got, want)
	}
}

// TestBcryptShare lets bcrypt take a burst, and then its share of a processor.
func TestBcryptShare(t *testing.T) {
	g := newGuesses(zerolog.Nop())
	took := 100 * time.Millisecond
	burst := int(bcryptAhead / (bcryptShare * took))
	for i := range burst {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if !g.wait(ctx, netip.Addr{}) {
			t.Fatalf("the turn %d does not come", i)
		}
		cancel()
		g.done(took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g.mu.Lock()
	g.free = time.Now().Add(time.Hour) // as after a few more
	g.mu.Unlock()
	time.AfterFunc(10*time.Millisecond, cancel)
	if g.wait(ctx, netip.Addr{}) {
		t.Error("bcrypt takes more than its share")
	}
}
