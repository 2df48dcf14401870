package sandbox

import "testing"

// TestLacks refuses what an account has no right to, in each shape, and nothing else.
func TestLacks(t *testing.T) {
	c := start(t, Options{Lacks: "admin,GetControlledVocab"})
	template, vocabulary := SeedID("template", "Video"), SeedID("vocabulary", "Brand")
	for shape, want := range map[string]struct {
		status int
		text   string
	}{
		"notAuthorized": {403, "User is not authorized to access this resource"}, "unauthorized": {401, "Unauthorized"},
		"forbidden": {403, "Forbidden"}, "other": {403, "Insufficient privileges"},
	} {
		if err := c.s.Configure(func(o *Options) { o.LacksShape = shape }); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/metadata/template", "/security/template", "/metadata/vocabulary/" + vocabulary} {
			c.get(path).want(t, want.status, want.text)
		}
		for _, path := range []string{"/user", "/metadata/template/" + template, "/metadata/vocabulary"} {
			c.get(path).want(t, 200)
		}
	}
	if err := c.s.Configure(func(o *Options) { o.Lacks = "NoSuchThing" }); err == nil {
		t.Error("an operation that there is not was taken")
	}
}
