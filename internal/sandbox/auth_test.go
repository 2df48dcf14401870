package sandbox

import (
	"net/http"
	"testing"
	"time"
)

func TestLoginRefuses(t *testing.T) {
	c := start(t, Options{RequireClientID: true})
	u := c.s.Account().Users[0]
	id := c.s.Account().ClientID
	for _, tt := range []struct {
		body   any
		status int
		text   string
	}{
		{"{", 400, "Invalid Authentication Parameters"},
		{map[string]any{"username": u.Username, "password": u.Password}, 401, "clientId"},
		{map[string]any{"username": u.Username, "password": u.Password, "clientId": "other"}, 401, "does not exist"},
		{map[string]any{"password": u.Password, "clientId": id}, 401, "Invalid Authentication Parameters"},
		{map[string]any{"username": u.Username, "clientId": id}, 401, "Missing required parameter PASSWORD"},
		{map[string]any{"username": u.Username, "password": "wrong", "clientId": id}, 401, "Incorrect username or password"},
		{map[string]any{"session": map[string]any{"refreshToken": "x"}}, 400, "Invalid Authentication Parameters"},
		{map[string]any{"session": map[string]any{"refreshToken": "x", "accessToken": "y"}}, 401, "Invalid Refresh Token"},
	} {
		c.post("/auth/token", tt.body).want(t, tt.status, tt.text)
	}
	if n := c.s.State().Counts; n.Logins != 1 || n.LoginsRefused != 5 || n.Refreshes != 0 {
		t.Errorf("%+v", n)
	}
}

func TestRequireBasic(t *testing.T) {
	c := start(t, Options{})
	if err := c.s.Configure(func(o *Options) { o.RequireBasic = true }); err != nil {
		t.Fatal(err)
	}
	u := c.s.Account().Users[0]
	login := map[string]any{"username": u.Username, "password": u.Password}
	c.post("/auth/token", login).want(t, 401)
	req, _ := http.NewRequest(http.MethodGet, "http://x", nil)
	req.SetBasicAuth(u.Username, u.Password)
	c.headers["Authorization"] = req.Header.Get("Authorization")
	c.post("/auth/token", login).want(t, 200)
}

func TestTokensExpireAndRefresh(t *testing.T) {
	for _, tt := range []struct {
		name    string
		o       Options
		flat    bool
		refresh bool // does the answer hold a refresh token
		again   int  // status of a second refresh with the first refresh token
	}{
		{"same token", Options{}, false, true, 200},
		{"flat body", Options{}, true, true, 200},
		{"no token", Options{NoRefreshTokenOnRefresh: true}, false, false, 200},
		{"rotated", Options{RotateRefresh: true}, false, true, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.TokenLife = 2 * time.Second
			c := start(t, tt.o)
			c.get("/user").want(t, 200, SeedID("user", "ingest"))
			c.clock.add(2 * time.Second)
			c.get("/user").want(t, 401, `{"message":"Unauthorized"}`)
			tokens := map[string]any{"accessToken": c.session["accessToken"], "refreshToken": c.session["refreshToken"]}
			body := map[string]any{"session": tokens}
			if tt.flat {
				body = tokens
			}
			fresh := c.post("/auth/token", body)
			fresh.want(t, 200)
			if got := fresh.text("session", "refreshToken") != ""; got != tt.refresh {
				t.Errorf("refresh token present: %v", got)
			}
			c.use(fresh)
			c.get("/user").want(t, 200)
			c.post("/auth/token", body).want(t, tt.again)
		})
	}
}

func TestRefreshTokenExpires(t *testing.T) {
	c := start(t, Options{RefreshLife: time.Hour})
	c.clock.add(time.Hour)
	c.post("/auth/token", map[string]any{"session": c.session}).want(t, 401, "expired")
}

func TestHeadersAreChecked(t *testing.T) {
	c := start(t, Options{})
	full := c.headers
	with := func(drop string, kv ...string) {
		c.headers = map[string]string{}
		for k, v := range full {
			if k != drop {
				c.headers[k] = v
			}
		}
		for i := 0; i < len(kv); i += 2 {
			c.headers[kv[i]] = kv[i+1]
		}
	}
	set := func(change func(*Options)) {
		t.Helper()
		if err := c.s.Configure(change); err != nil {
			t.Fatal(err)
		}
	}
	with("X-API-Key")
	c.get("/user").want(t, 403, `{"message":"Forbidden"}`)
	with("Authorization")
	c.get("/user").want(t, 401)
	with("", "Authorization", "Bearer "+full["Authorization"])
	c.get("/user").want(t, 401)
	with("", "Authorization", full["AccessToken"])
	c.get("/user").want(t, 401)
	with("AccessToken")
	c.get("/user").want(t, 200)
	set(func(o *Options) { o.RequireAccessToken = true })
	c.get("/user").want(t, 401)
	set(func(o *Options) { o.RequireAccessToken, o.AuthorizeWith = false, "either" })
	with("", "Authorization", full["AccessToken"])
	c.get("/user").want(t, 200)
	set(func(o *Options) { o.AuthorizeWith = "access" })
	with("")
	c.get("/user").want(t, 401)
}

func TestLogout(t *testing.T) {
	c := start(t, Options{})
	c.do("DELETE", "/auth/token", nil).want(t, 502, "Internal server error")
	body := map[string]any{"endpointUrl": c.base, "clientId": c.s.Account().ClientID, "userPoolId": c.s.Account().UserPoolID,
		"username": "ingest", "session": c.session}
	c.do("DELETE", "/auth/token", body).want(t, 200, `"authorization":""`)
	c.get("/user").want(t, 401)
	c.post("/auth/token", map[string]any{"session": c.session}).want(t, 401, "revoked")
	c.do("DELETE", "/auth/token", body).want(t, 401, "Failed to Expire Session and Logout 1")

	old := start(t, Options{APIVersion: "1.0"})
	old.do("DELETE", "/auth/token", nil).want(t, 200)
}

func TestImpersonate(t *testing.T) {
	c := start(t, Options{})
	c.post("/auth/impersonate", map[string]any{"username": "nobody"}).want(t, 401, "Invalid Authentication Parameters")
	other := c.post("/auth/impersonate", map[string]any{"username": "librarian"})
	other.want(t, 200, `"refreshToken":""`)
	c.use(other)
	c.get("/user").want(t, 200, SeedID("user", "librarian"))
	if a := c.asset(c.create(nil).text("objectId")); a.CreatedBy != SeedID("user", "librarian") {
		t.Errorf("created by %s", a.CreatedBy)
	}
}
