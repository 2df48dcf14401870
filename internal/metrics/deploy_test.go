package metrics

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/journal"
)

// full is a rig of which every metric has a value.
func full(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	_, err := r.journal.Admit(t.Context(), []file.File{{Folder: "in", Path: "a"}})
	r.ok(err)
	r.ok(journal.FoldersOf(r.journal).Set(t.Context(), journal.FolderState{Name: "in", Path: "/secret/place", Watch: "notify"}))
	r.Watch([]string{"in"})
	r.Call("create asset", nil, 0)
	r.Stored(0)
	r.Retried("network")
	return r
}

// family is a metric as it is exposed.
type family struct{ kind, labels string }

// families are the metrics of our own, by name.
func families(t *testing.T) map[string]family {
	t.Helper()
	found, err := full(t).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]family{}
	for _, f := range found {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		out[f.GetName()] = family{strings.ToLower(f.GetType().String()), strings.Join(labels, ",")}
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// named are the metrics of ours and of the process that an expression names.
func named(expr string) []string {
	var out []string
	for _, name := range regexp.MustCompile(`\b(?:ingestd|process|go)_\w+`).FindAllString(expr, -1) {
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if strings.HasSuffix(name, "_seconds"+suffix) {
				name = strings.TrimSuffix(name, suffix)
			}
		}
		out = append(out, name)
	}
	return out
}

// TestDocumented holds the table in docs/metrics.md against what is exposed.
func TestDocumented(t *testing.T) {
	told := map[string]family{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(ingestd_\\w+)(?:\\{([\\w,]+)\\})?` \\| (\\w+) \\| .+ \\|$").FindAllStringSubmatch(read(t, "../../docs/metrics.md"), -1) {
		labels := strings.Split(m[2], ",")
		slices.Sort(labels)
		told[m[1]] = family{m[3], strings.Join(labels, ",")}
	}
	for name, f := range families(t) {
		if strings.HasPrefix(name, "ingestd_") && told[name] != f {
			t.Errorf("%s is %+v, docs/metrics.md says %+v", name, f, told[name])
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("docs/metrics.md tells of %s, which is not exposed", name)
	}
}

// TestWordsAreDocumented looks for each value of the labels with fixed ones in docs/metrics.md.
func TestWordsAreDocumented(t *testing.T) {
	doc := read(t, "../../docs/metrics.md")
	for _, word := range slices.Concat(journal.Pauses(), []string{ok, clientError, unauthorized, throttled, serverError, badReply, intermediary, timeout, network, cancelled}) {
		if !strings.Contains(doc, "`"+word+"`") {
			t.Errorf("docs/metrics.md does not tell of %s", word)
		}
	}
}

// board is as much of a board of Grafana as is looked at.
type board struct {
	Templating struct{ List []struct{ Name, Type string } }
	Panels     []struct {
		ID                       int
		Type, Title, Description string
		Datasource               source
		Targets                  []struct {
			Expr       string
			Datasource source
		}
		FieldConfig struct{ Defaults struct{ Unit string } }
	}
}

type source struct{ UID string }

func readBoard(t *testing.T) (b board) {
	t.Helper()
	if err := json.Unmarshal([]byte(read(t, "../../deploy/grafana-dashboard.json")), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDashboard holds the queries of the board against the metrics that there are: each is
// asked for what exists, and everything that exists is shown. It can be imported anywhere.
func TestDashboard(t *testing.T) {
	known := families(t)
	shown := map[string]bool{}
	ids := map[int]bool{}
	for _, p := range readBoard(t).Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			continue
		}
		if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("panel %d (%s) lacks something: %+v", p.ID, p.Title, p)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" {
				t.Errorf("panel %s asks the data source %q", p.Title, q.Datasource.UID)
			}
			for _, name := range named(q.Expr) {
				if shown[name] = true; known[name] == (family{}) {
					t.Errorf("panel %s asks for %s, which does not exist", p.Title, name)
				}
			}
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "ingestd_") && !shown[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
	variables := map[string]string{}
	for _, v := range readBoard(t).Templating.List {
		variables[v.Name] = v.Type
	}
	if !maps.Equal(variables, map[string]string{"datasource": "datasource", "instance": "query", "folder": "query"}) {
		t.Errorf("the variables are %v", variables)
	}
}

// TestAlerts holds the rules against the metrics that there are, and each alert against its
// tests.
func TestAlerts(t *testing.T) {
	rules, tests := read(t, "../../deploy/alerts.yaml"), read(t, "../../deploy/alerts_test.yaml")
	known := families(t)
	for _, text := range []string{rules, tests} {
		for _, name := range named(text) {
			if known[name] == (family{}) {
				t.Errorf("%s does not exist", name)
			}
		}
	}
	alerts := strings.Split(rules, "- alert: ")[1:]
	for _, rule := range alerts {
		name, _, _ := strings.Cut(rule, "\n")
		for _, part := range []string{"expr: ", "severity: ", "summary: ", "description: "} {
			if strings.Count(rule, part) != 1 {
				t.Errorf("%s has no %s, or several", name, part)
			}
		}
		silent := strings.Count(tests, `expr: 'ALERTS{alertstate="firing", alertname="`+name+`"}'}`)
		if fires := strings.Contains(tests, `labels: 'ALERTS{alertname="`+name+`"`); silent == 0 || !fires {
			t.Errorf("%s is not tested to fire, and not to fire", name)
		}
		if !strings.Contains(read(t, "../../docs/metrics.md"), "`"+name+"`") {
			t.Errorf("docs/metrics.md does not tell of %s", name)
		}
	}
	if len(alerts) < 8 {
		t.Errorf("there are %d alerts", len(alerts))
	}
}

// TestPromtool has Prometheus' own tool check a scrape, and the rules with their tests.
func TestPromtool(t *testing.T) {
	promtool := os.Getenv("PROMTOOL")
	if promtool == "" {
		promtool = "promtool"
	}
	path, err := exec.LookPath(promtool)
	switch {
	case err != nil && os.Getenv("CI") == "":
		t.Skipf("%v: Debian's package prometheus has it; PROMTOOL names another one", err)
	case err != nil:
		t.Fatal(err)
	}
	run := func(stdin string, args ...string) {
		cmd := exec.CommandContext(t.Context(), path, args...)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 && args[1] == "metrics" {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	text, _ := full(t).scrape()
	run(text, "check", "metrics")
	run("", "check", "rules", "../../deploy/alerts.yaml")
	run("", "test", "rules", "../../deploy/alerts_test.yaml")

	// The queries of the board as rules, which JSON may be as well as YAML.
	rules := []map[string]string{}
	variables := strings.NewReplacer("$instance", "a", "$folder", "b", "$__rate_interval", "5m")
	for _, p := range readBoard(t).Panels {
		for _, q := range p.Targets {
			rules = append(rules, map[string]string{"record": fmt.Sprintf("board:%d_%d", p.ID, len(rules)), "expr": variables.Replace(q.Expr)})
		}
	}
	asRules, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "board", "rules": rules}}})
	board := filepath.Join(t.TempDir(), "board.yaml")
	if err == nil {
		err = os.WriteFile(board, asRules, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	run("", "check", "rules", board)
}
