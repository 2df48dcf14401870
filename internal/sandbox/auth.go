package sandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// session is what one login or refresh gave out.
type session struct {
	user          *User
	authorization string // ID token, for the Authorization header
	access        string // access token, for the AccessToken header and for refreshing
	refresh       string // "" for an impersonated session
	expires       time.Time
	refreshUntil  time.Time
	revoked       bool
	refreshDead   bool // by rotation
}

// sessions finds sessions by each of their tokens.
type sessions struct {
	byAuthorization, byAccess, byRefresh map[string]*session
}

func newSessions() sessions {
	return sessions{byAuthorization: map[string]*session{}, byAccess: map[string]*session{}, byRefresh: map[string]*session{}}
}

// authorise checks the headers of an API request. It returns status 0 when they
// are in order, and sets c.user unless the operation needs no session.
func (c *call) authorise() (int, any) {
	if !equal(c.r.Header.Get("X-Api-Key"), c.s.Account().APIKey) {
		return fail(http.StatusForbidden, "Forbidden", "")
	}
	if c.op == "GetAuthToken" || c.op == "ExpireToken" {
		return 0, nil
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	given := c.r.Header.Get("Authorization")
	var found *session
	if c.o.AuthorizeWith != "access" {
		found = c.s.sessions.byAuthorization[given]
	}
	if found == nil && c.o.AuthorizeWith != "authorization" {
		found = c.s.sessions.byAccess[given]
	}
	ok := c.s.valid(found)
	if access := c.r.Header.Get("Accesstoken"); access != "" || c.o.RequireAccessToken || c.op == "Impersonate" {
		ok = ok && c.s.valid(c.s.sessions.byAccess[access])
	}
	if !ok {
		return fail(http.StatusUnauthorized, "Unauthorized", "")
	}
	c.user = found.user
	return 0, nil
}

func (s *Server) valid(x *session) bool {
	return x != nil && !x.revoked && s.clock().Before(x.expires)
}

// authRequest is the body of POST /auth/token: a login, or a refresh with the
// tokens nested as in the schema or flat as in the prose. The whole earlier
// answer posted back is a refresh too.
type authRequest struct {
	ClientID     string `json:"clientId"`
	Username     string `json:"username"`
	Password     string `json:"password"`
	AccessToken  string `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
	Session      struct {
		AccessToken  string `json:"accessToken"`
		RefreshToken string `json:"refreshToken"`
	} `json:"session"`
}

func (c accounts) getAuthToken() (int, any) {
	var req authRequest
	if err := json.Unmarshal(c.body, &req); err != nil {
		return failStatus(http.StatusBadRequest, "Invalid Authentication Parameters")
	}
	access, refresh := req.Session.AccessToken, req.Session.RefreshToken
	if access == "" && refresh == "" {
		access, refresh = req.AccessToken, req.RefreshToken
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if access != "" || refresh != "" {
		return c.refresh(access, refresh)
	}
	refuse := func(message string) (int, any) {
		c.s.counts.LoginsRefused++
		return failStatus(http.StatusUnauthorized, message)
	}
	switch {
	case c.o.RequireClientID && req.ClientID == "":
		return refuse("2 validation errors detected: Value '' at 'clientId' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
			"Value '' at 'clientId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+]+")
	case req.ClientID != "" && req.ClientID != c.s.Account().ClientID:
		return refuse("User pool client " + req.ClientID + " does not exist.")
	case req.Username == "":
		return refuse("Invalid Authentication Parameters")
	case req.Password == "":
		return refuse("Missing required parameter PASSWORD")
	}
	user := c.s.userNamed(req.Username)
	if c.o.RequireBasic {
		name, password, ok := c.r.BasicAuth()
		if !ok || name != req.Username || !equal(password, req.Password) {
			return refuse("Incorrect username or password.")
		}
	}
	if user == nil || !equal(req.Password, user.Password) {
		return refuse("Incorrect username or password.")
	}
	c.s.counts.Logins++
	return http.StatusOK, c.authResponse(c.newSession(user, randomToken(), c.s.clock().Add(c.o.RefreshLife)), true)
}

// refresh trades a refresh token for a new session. It needs the access token
// as well, which may have expired.
func (c accounts) refresh(access, refresh string) (int, any) {
	if access == "" || refresh == "" {
		return failStatus(http.StatusBadRequest, "Invalid Authentication Parameters")
	}
	old, owner := c.s.sessions.byRefresh[refresh], c.s.sessions.byAccess[access]
	switch {
	case old == nil || owner == nil || old.user != owner.user, old.refreshDead:
		return failStatus(http.StatusUnauthorized, "Invalid Refresh Token")
	case old.revoked:
		return failStatus(http.StatusUnauthorized, "Refresh Token has been revoked")
	case !c.s.clock().Before(old.refreshUntil):
		return failStatus(http.StatusUnauthorized, "Refresh Token has expired")
	}
	c.s.counts.Refreshes++
	token := refresh
	if c.o.RotateRefresh {
		old.refreshDead = true
		token = randomToken()
	}
	x := c.newSession(old.user, token, old.refreshUntil)
	return http.StatusOK, c.authResponse(x, !c.o.NoRefreshTokenOnRefresh)
}

// expireToken revokes a session and what was refreshed from it.
func (c accounts) expireToken() (int, any) {
	var req struct {
		EndpointURL string         `json:"endpointUrl"`
		ClientID    string         `json:"clientId"`
		UserPoolID  string         `json:"userPoolId"`
		Username    string         `json:"username"`
		Session     map[string]any `json:"session"`
	}
	err := json.Unmarshal(c.body, &req)
	needed := c.o.LogoutBody == "required" || c.o.LogoutBody == "auto" && c.o.APIVersion == "1.5"
	if needed && (err != nil || req.ClientID == "" || req.UserPoolID == "" && !c.o.EmptyUserPoolID) {
		return fail(http.StatusBadGateway, "Internal server error", "")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	x := c.s.sessions.byAccess[c.r.Header.Get("Accesstoken")]
	if !c.s.valid(x) {
		return failStatus(http.StatusUnauthorized, "Failed to Expire Session and Logout 1")
	}
	for _, other := range c.s.sessions.byAccess {
		if other.user == x.user && other.refresh == x.refresh {
			other.revoked = true
		}
	}
	return http.StatusOK, map[string]any{
		"endpointUrl": c.endpoint(), "clientId": c.s.Account().ClientID, "userPoolId": c.poolID(), "username": x.user.Username,
		"session": map[string]any{"authorization": "", "accessToken": "", "refreshToken": ""},
	}
}

// impersonate opens a session of another user that cannot be refreshed.
func (c accounts) impersonate() (int, any) {
	var req struct {
		Username string `json:"username"`
	}
	if err := json.Unmarshal(c.body, &req); err != nil {
		return failStatus(http.StatusBadRequest, "Invalid Authentication Parameters")
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	user := c.s.userNamed(req.Username)
	if req.Username == "" || user == nil {
		return failStatus(http.StatusUnauthorized, "Invalid Authentication Parameters")
	}
	return http.StatusOK, c.authResponse(c.newSession(user, "", time.Time{}), true)
}

// newSession makes and files a session. The lock is held.
func (c accounts) newSession(user *User, refresh string, refreshUntil time.Time) *session {
	now := c.s.clock()
	x := &session{user: user, refresh: refresh, expires: now.Add(c.o.TokenLife), refreshUntil: refreshUntil}
	claims := map[string]any{
		"sub": user.ID, "iat": now.Unix(), "exp": x.expires.Unix(), "jti": randomToken()[:16],
		"iss": "https://cognito-idp.us-east-1.amazonaws.com/" + c.s.Account().UserPoolID,
	}
	claims["token_use"], claims["cognito:username"], claims["email"] = "id", user.Username, user.Email
	x.authorization = c.s.jwt(claims)
	delete(claims, "email")
	delete(claims, "cognito:username")
	claims["token_use"], claims["username"], claims["client_id"] = "access", user.Username, c.s.Account().ClientID
	claims["scope"] = "aws.cognito.signin.user.admin"
	x.access = c.s.jwt(claims)
	c.s.sessions.byAuthorization[x.authorization] = x
	c.s.sessions.byAccess[x.access] = x
	if refresh != "" {
		c.s.sessions.byRefresh[refresh] = x
	}
	return x
}

func (c accounts) authResponse(x *session, withRefresh bool) any {
	refresh := x.refresh
	if !withRefresh {
		refresh = ""
	}
	return map[string]any{
		"endpointUrl": c.endpoint(), "clientId": c.s.Account().ClientID, "userPoolId": c.poolID(), "username": x.user.Username, "password": "",
		"session": map[string]any{
			"authorization": x.authorization, "accessToken": x.access, "refreshToken": refresh, "expireEpoch": x.expires.UnixMilli(),
		},
	}
}

func (c accounts) poolID() string {
	if c.o.EmptyUserPoolID {
		return ""
	}
	return c.s.Account().UserPoolID
}

// endpoint is the base URL by which the client came.
func (c accounts) endpoint() string {
	base, _, _ := strings.Cut(c.r.URL.Path, "/auth/")
	return links(c).origin() + base
}

func (s *Server) userNamed(name string) *User {
	for i := range s.Account().Users {
		if u := &s.Account().Users[i]; name != "" && (u.Username == name || u.Email == name) {
			return u
		}
	}
	return nil
}

// jwt makes a token of the shape that Cognito's have.
func (s *Server) jwt(claims map[string]any) string {
	enc := base64.RawURLEncoding
	body, err := json.Marshal(claims)
	if err != nil {
		panic("sandbox: claims: " + err.Error()) // strings and numbers always encode
	}
	text := enc.EncodeToString([]byte(`{"kid":"sandbox","alg":"HS256"}`)) + "." + enc.EncodeToString(body)
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	return text + "." + enc.EncodeToString(mac.Sum(nil))
}

func randomToken() string { return "eyJjdHkiOiJKV1Qi." + rand.Text() + rand.Text() }

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
