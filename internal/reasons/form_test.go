package reasons

import "testing"

func TestForm(t *testing.T) {
	for message, want := range map[string]string{
		"":                                      "",
		"no rule of the folder matches":         "no rule of the folder matches",
		`Brand: "acme" is no value`:             `Brand: "…" is no value`,
		`Brand: "a \"b\" c" is no value`:        `Brand: "…" is no value`,
		`an open "quote`:                        `an open "quote`,
		"the file has 1,234 bytes, where 99 go": "the file has … bytes, where … go",
		"asset 0a-1b, or 2: gone":               "asset …, or …: gone",
		"a/b c.jpg changed":                     "… c.jpg changed",
		`"`:                                     `"`,
		" 5 ":                                   " … ",
		"a b.jpg is held by d/a b.jpg":          "… is held by …",
		"ä b.jpg, xa b.jpg and a b.jpgs":        "ä b.jpg, xa b.jpg and a b.jpgs",
		"ein Ü und ß":                           "ein Ü und ß",
	} {
		if got := Form(message, "d/a b.jpg"); got != want {
			t.Errorf("Form(%q) = %q, want %q", message, got, want)
		}
	}
}

func FuzzForm(f *testing.F) {
	f.Add(`Brand: "acme" is 1 of 2/3`)
	f.Fuzz(func(t *testing.T, message string) {
		if once := Form(message, "d/a b.jpg"); Form(once, "d/a b.jpg") != once {
			t.Errorf("Form(%q) is %q, and of that %q", message, once, Form(once, "d/a b.jpg"))
		}
	})
}
