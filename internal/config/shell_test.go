package config

import (
	"strings"
	"testing"
)

// What a shell would put into a path is refused with what to write, in every key that
// takes a path.
func TestPathsThatAShellWouldExpand(t *testing.T) {
	t.Setenv("HOME", "/home/jane")
	const file = `tenovos: {url: "http://127.0.0.1:8080/v1", api_key: k, username: u, password_file: SECRET}
journal: JOURNAL
folders:
  - name: drop
    path: PATH
    marker: MARKER
    done: DONE
    failed: FAILED
    rules: [{match: "**", template: T, security: S}]
`
	whole := map[string]string{"SECRET": "/nowhere/password", "JOURNAL": "/nowhere/journal.db", "PATH": "/nowhere/drop", "MARKER": ".here", "DONE": "done", "FAILED": "failed"}
	for name, key := range map[string]string{"SECRET": "password_file", "JOURNAL": "journal", "PATH": "path", "MARKER": "marker", "DONE": "done", "FAILED": "failed"} {
		for _, tc := range []struct{ path, want string }{
			{"~/drop", key + `: a shell expands ~, a configuration does not: "~/drop" (write /home/jane/drop)`},
			{"~", key + `: a shell expands ~, a configuration does not: "~" (write /home/jane)`},
			{"~joe/drop", key + `: a shell expands ~joe, a configuration does not: "~joe/drop" (write /home/joe/drop, or where that home is)`},
			{"$HOME/drop", key + `: a variable has braces here: "$HOME/drop" (write ${HOME})`},
			{"/srv/~/drop", ""}, {"/srv/$HOME", ""}, {"a~", ""},
		} {
			if name == "SECRET" && !strings.Contains(tc.path, "/") || name != "SECRET" && name != "JOURNAL" && name != "PATH" && tc.path[0] == '/' {
				continue // the name of a credential, and below a folder
			}
			text := file
			for n, p := range whole {
				if n == name {
					p = tc.path
				}
				text = strings.ReplaceAll(text, n, `"`+p+`"`)
			}
			_, err := parse("f.yaml", []byte(text), lookup(nil))
			got := ""
			if err != nil {
				got = err.Error()
			}
			if tc.want == "" && (strings.Contains(got, "shell") || strings.Contains(got, "braces")) || !strings.Contains(got, tc.want) {
				t.Errorf("%s: %q: got %s, want %s", key, tc.path, got, tc.want)
			}
		}
	}
}
