package tenovos

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const userReply = `{"userId":"u-1","emailId":"a@b.example","groups":["g-1"]}`

func TestSessionIsMadeOnceAndKept(t *testing.T) {
	f := newFake(t)
	f.reply("GET /user", 200, userReply)
	c := f.client()
	for range 3 {
		if _, err := c.CurrentUser(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if l, r := f.counts(); l != 1 || r != 0 {
		t.Errorf("%d logins and %d refreshes, want one login", l, r)
	}
	login := f.last("POST", "/auth/token")
	if login.header.Get("Authorization") != "" || login.header.Get("AccessToken") != "" {
		t.Error("a login must carry no tokens")
	}
	if want := `{"username":"ingest","password":"pass-word-91"}`; login.body != want {
		t.Errorf("login sent %s, want %s", login.body, want)
	}
	h := f.last("GET", "/user").header
	if h.Get("Authorization") != "authorization-1" || h.Get("AccessToken") != "access-1" || h.Get("X-API-Key") != testKey {
		t.Errorf("wrong headers: %v", h)
	}
}

func TestSwitches(t *testing.T) {
	f := newFake(t)
	f.reply("GET /user", 200, userReply)
	f.reply("DELETE /auth/token", 200, `{"session":{}}`)
	c := f.client(func(cfg *Config) {
		cfg.OmitAccessToken, cfg.BasicLogin, cfg.ClientID, cfg.Version = true, true, "client-9", "1.0"
	})
	if _, err := c.CurrentUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.last("GET", "/user").header.Get("AccessToken") != "" {
		t.Error("AccessToken was sent although it is switched off")
	}
	login := f.last("POST", "/auth/token")
	if !strings.HasPrefix(login.header.Get("Authorization"), "Basic ") || !strings.Contains(login.body, `"clientId":"client-9"`) {
		t.Errorf("login lacks Basic or clientId: %v %s", login.header, login.body)
	}
	if err := c.ExpireToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.last("DELETE", "/auth/token").header.Get("AccessToken") == "" {
		t.Error("ending a session needs its AccessToken in any case")
	}
}

func TestRefreshBeforeTheEnd(t *testing.T) {
	for _, tc := range []struct {
		name   string
		life   time.Duration
		margin time.Duration
	}{
		{"an hour: five minutes", time.Hour, 5 * time.Minute},
		{"ten minutes: a tenth", 10 * time.Minute, time.Minute},
		{"two seconds: a tenth", 2 * time.Second, 200 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.life = tc.life
			c := f.client()
			steps := []struct {
				wait time.Duration
				want int
			}{{0, 0}, {tc.life - tc.margin - time.Millisecond, 0}, {time.Millisecond, 1}, {0, 1}}
			for i, s := range steps {
				f.sleep(s.wait)
				if err := c.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
				if l, r := f.counts(); l != 1 || r != s.want {
					t.Fatalf("step %d: %d logins, %d refreshes, want 1 and %d", i, l, r, s.want)
				}
			}
			var body struct{ Session map[string]string }
			if err := json.Unmarshal([]byte(f.last("POST", "/auth/token").body), &body); err != nil ||
				body.Session["accessToken"] != "access-1" || body.Session["refreshToken"] != "refresh-1" {
				t.Errorf("refresh sent %v, %v", body, err)
			}
		})
	}
}

func TestTokensThatLiveTwoSecondsNeedOneLogin(t *testing.T) {
	f := newFake(t)
	f.life, f.noRefresh = 2*time.Second, true // the first refresh token is kept
	f.reply("GET /user", 200, userReply)
	c := f.client()
	for range 200 {
		if _, err := c.CurrentUser(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.sleep(700 * time.Millisecond)
	}
	if l, r := f.counts(); l != 1 || r < 60 {
		t.Errorf("%d logins, %d refreshes", l, r)
	}
	if !strings.Contains(f.last("POST", "/auth/token").body, `"refreshToken":"refresh-1"`) {
		t.Error("a reply without a refresh token must not lose the old one")
	}
}

func TestFiftyCallersRenewOnce(t *testing.T) {
	const callers = 50
	f := newFake(t)
	var arrived atomic.Int32
	all := make(chan struct{})
	c := f.client(func(cfg *Config) { cfg.MaxConcurrentCalls = callers })
	if err := c.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	// All callers are refused before one is told so, with a token that looks good.
	f.route("GET /user", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "authorization-1" {
			write(w, 200, userReply)
			return
		}
		if arrived.Add(1) == callers {
			close(all)
		}
		<-all
		write(w, 401, `{"message":"The incoming token has expired"}`)
	})
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if _, err := c.CurrentUser(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if l, r := f.counts(); l != 1 || r != 1 {
		t.Errorf("%d logins and %d refreshes, want one of each", l, r)
	}
}

func TestFiftyCallersShareARefusedLogin(t *testing.T) {
	f := newFake(t)
	c := f.client(func(cfg *Config) { cfg.MaxConcurrentCalls, cfg.Password = 50, "wrong" })
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := c.CurrentUser(t.Context()); !errors.Is(err, ErrCredentials) || !errors.Is(err, ErrUnauthorized) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if l, _ := f.counts(); l != 1 {
		t.Errorf("the refused password was sent %d times", l)
	}
	f.sleep(refusalHold)
	if err := c.Ready(t.Context()); !errors.Is(err, ErrCredentials) {
		t.Errorf("got %v", err)
	}
	if l, _ := f.counts(); l != 2 {
		t.Errorf("%d logins; a later call should ask again", l)
	}
}

func TestFailedRefresh(t *testing.T) {
	for _, tc := range []struct {
		name            string
		status          int
		body            string
		calls           int // that fail before the one that succeeds
		logins, refresh int
	}{
		{"401: the password", 401, `{"status":"error","message":"Refresh Token has been revoked"}`, 0, 2, 1},
		{"400: the password", 400, `{"status":"error","message":"Invalid Authentication Parameters"}`, 0, 2, 1},
		{"an error inside a 200: the password", 200, `{"status":"error","message":"NotAuthorizedException"}`, 0, 2, 1},
		{"a 500 for ever: the password in the end", 500, `{"message":"Internal server error"}`, maxRefreshFaults - 1, 2, maxRefreshFaults},
		{"throttled: wait", 429, `{"message":"Too Many Requests"}`, 5, 1, 5},
		{"a gateway in between: wait", 403, `<html><title>403 Forbidden</title></html>`, 5, 1, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			if err := c.Login(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.refuse = func(body string) (int, any) {
				if strings.Contains(body, `"session"`) {
					return tc.status, tc.body
				}
				return 0, nil
			}
			f.sleep(time.Hour)
			for i := range tc.calls {
				if err := c.Ready(t.Context()); err == nil {
					t.Fatalf("call %d should fail", i)
				}
			}
			err := error(nil)
			if tc.logins == 2 {
				err = c.Ready(t.Context())
			}
			if l, r := f.counts(); err != nil || l != tc.logins || r != tc.refresh {
				t.Errorf("%v with %d logins, %d refreshes, want %d and %d", err, l, r, tc.logins, tc.refresh)
			}
		})
	}
}

func TestRefusedRefreshTokenIsNotTriedAgain(t *testing.T) {
	f := newFake(t)
	c := f.client()
	if err := c.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.sleep(time.Hour)
	f.refuse = func(body string) (int, any) {
		if strings.Contains(body, `"session"`) {
			return 401, `{"status":"error","message":"revoked"}`
		}
		return 503, `{"message":"Service Unavailable"}`
	}
	for range 3 {
		if err := c.Ready(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if l, r := f.counts(); l != 4 || r != 1 {
		t.Errorf("%d logins, %d refreshes, want 4 and 1", l, r)
	}
}

func TestLoginRefusals(t *testing.T) {
	for _, tc := range []struct {
		name        string
		status      int
		body        string
		credentials bool
		kind        error
		hint        string
	}{
		{"password", 401, `{"status":"error","message":"Incorrect username or password."}`, true, ErrUnauthorized, "check tenovos.username and tenovos.password_file"},
		{"client id", 401, `{"status":"error","message":"Value '' at 'clientId' failed"}`, true, ErrUnauthorized, "tenovos.client_id"},
		{"parameters", 400, `{"status":"error","message":"Invalid Authentication Parameters"}`, true, ErrUnauthorized, "tenovos.username"},
		{"API key", 403, `{"message":"Forbidden"}`, true, ErrUnauthorized, "check tenovos.api_key"},
		{"inside a 200", 200, `{"status":"error","message":"User is disabled."}`, true, ErrUnauthorized, "User is disabled"},
		{"firewall", 403, `<html><title>403 Forbidden</title>`, false, ErrUnauthorized, "403 Forbidden"},
		{"wrong path", 403, `{"message":"Missing Authentication Token"}`, false, ErrUnavailable, "tenovos.url"},
		{"no such path", 404, `<html><title>404</title>`, false, ErrUnavailable, "tenovos.url"},
		{"throttled", 429, ``, false, ErrThrottled, "Too Many Requests"},
		{"server", 502, `{"message":"Internal server error"}`, false, ErrUnavailable, "502"},
		{"no tokens", 200, `{"session":{}}`, false, ErrUnavailable, "no authorization token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			f.refuse = func(string) (int, any) { return tc.status, tc.body }
			c := f.client(func(cfg *Config) { cfg.Version, cfg.PasswordFrom = "1.0", "tenovos.password_file" })
			_, err := c.CreateAsset(t.Context(), NewAsset{})
			if errors.Is(err, ErrCredentials) != tc.credentials || !errors.Is(err, tc.kind) || !errors.Is(err, ErrSession) || !strings.Contains(err.Error(), tc.hint) {
				t.Errorf("got %v", err)
			}
			if l, _ := f.counts(); l != 1 {
				t.Errorf("%d logins", l)
			}
		})
	}
}

func TestA401IsReplayedOnce(t *testing.T) {
	f := newFake(t)
	var creates atomic.Int32
	c := f.client()
	f.route("POST /asset", func(w http.ResponseWriter, _ *http.Request) {
		if creates.Add(1) == 1 {
			write(w, 401, `{"message":"Unauthorized"}`)
			return
		}
		write(w, 200, `{"objectId":"o","fileId":"f","url":"https://s/x"}`)
	})
	if _, err := c.CreateAsset(t.Context(), NewAsset{}); err != nil {
		t.Fatal(err)
	}
	f.reply("GET /asset/f-1", 401, `{"message":"Unauthorized"}`)
	_, err := c.Asset(t.Context(), "f-1")
	var e *Error
	if !errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrCredentials) || !errors.As(err, &e) || e.Op != "get asset" {
		t.Errorf("got %v", err)
	}
	if l, r := f.counts(); l != 1 || r != 2 {
		t.Errorf("%d logins, %d refreshes, want 1 and 2", l, r)
	}
}

func TestUnknownLifeIsAnHour(t *testing.T) {
	for _, expire := range []string{`0`, `"soon"`, `null`, `1546300800000`} {
		f := newFake(t)
		f.auth = func(w http.ResponseWriter, _ *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.logins++
			write(w, 200, `{"data":{"session":{"authorization":"a","accessToken":"b","expireEpoch":`+expire+`}}}`)
		}
		c := f.client()
		for range 5 {
			if err := c.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.sleep(10 * time.Minute)
		}
		if l, _ := f.counts(); l != 1 {
			t.Errorf("expireEpoch %s: %d logins within an hour", expire, l)
		}
	}
}

func TestExpireToken(t *testing.T) {
	f := newFake(t)
	f.reply("DELETE /auth/token", 200, `{"session":{"authorization":"","accessToken":""}}`)
	c := f.client()
	if err := c.ExpireToken(t.Context()); err != nil {
		t.Fatalf("without a session: %v", err)
	}
	if err := c.Login(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.ExpireToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := `{"endpointUrl":"https://endpoint.example/v1","clientId":"client-1","userPoolId":"pool-1","username":"ingest",` +
		`"session":{"authorization":"authorization-1","accessToken":"access-1","refreshToken":"refresh-1"}}`
	if got := f.last("DELETE", "/auth/token").body; got != want {
		t.Errorf("sent %s", got)
	}
	if err := c.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l, r := f.counts(); l != 2 || r != 0 {
		t.Errorf("%d logins, %d refreshes: an ended session cannot be refreshed", l, r)
	}
}

func TestImpersonate(t *testing.T) {
	f := newFake(t)
	f.reply("POST /auth/impersonate", 200, `{"username":"jo","session":{"authorization":"A","accessToken":"B","refreshToken":"","expireEpoch":"1772370000000"}}`)
	s, err := f.client().Impersonate(t.Context(), "jo")
	if err != nil || s.Username != "jo" || s.Authorization.Reveal() != "A" || s.RefreshToken != "" {
		t.Errorf("got %+v, %v", s, err)
	}
	if got := f.last("POST", "/auth/impersonate"); got.body != `{"username":"jo"}` || got.header.Get("AccessToken") == "" {
		t.Errorf("sent %+v", got)
	}
}

// TestWaitersOutliveACancelledRenewal: the one that renews gives up, and those
// who wait for it must not fail for that.
func TestWaitersOutliveACancelledRenewal(t *testing.T) {
	f := newFake(t)
	first, leave := context.WithCancel(t.Context())
	entered := make(chan struct{})
	var once sync.Once
	f.auth = func(w http.ResponseWriter, _ *http.Request) {
		leader := false
		once.Do(func() { leader = true })
		if leader {
			close(entered)
			<-first.Done()
			return
		}
		f.authorize(w, `{"password":"`+testPassword+`"}`)
	}
	c := f.client()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Ready(first); !errors.Is(err, context.Canceled) {
			t.Errorf("the leader got %v", err)
		}
	})
	<-entered
	for range 5 {
		wg.Go(func() {
			if err := c.Ready(t.Context()); err != nil {
				t.Errorf("a waiter got %v", err)
			}
		})
	}
	impatient, stop := context.WithCancel(t.Context())
	wg.Go(func() {
		if err := c.Ready(impatient); !errors.Is(err, context.Canceled) && err != nil {
			t.Errorf("the impatient got %v", err)
		}
	})
	stop()
	leave()
	wg.Wait()
}
