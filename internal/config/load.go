package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// maxFile bounds the configuration file, in bytes. It leaves room for a `map` of
// every value in a large vocabulary.
const maxFile = 8 << 20

// Load reads and checks a configuration file. env looks up a variable, as
// os.LookupEnv does.
//
// The error is an *Invalid for a file with mistakes, and another error for one
// that cannot be read. With an *Invalid the Config holds what could be read, for
// `check` to go on with, and for commands that do not log in where nothing but
// the credentials is missing; nothing else may use it, but for the place of the
// journal, where a daemon is asked what it makes of the file.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	data, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parse(path, data, env)
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	return data, err
}

// parse is Load of a file that has been read.
func parse(file string, data []byte, env func(string) (string, bool)) (*Config, error) {
	c := defaults(file)
	root, err := decode(data)
	if err != nil {
		return c, &Invalid{File: file, Problems: []yamltree.Problem{syntaxProblem(data, err)}}
	}
	plain, shown, ofTree := yamltree.Plain(root, env)
	l := &loader{Reader: yamltree.NewReader(shown), config: c, env: env, shown: shown}
	if plain != nil {
		l.file(plain)
	}
	c.Warnings = yamltree.SortProblems(c.Warnings)
	problems := ofTree
	complained := map[yamltree.Pos]bool{}
	for _, p := range ofTree {
		complained[p.Pos] = true
	}
	for _, p := range l.Problems() {
		if !complained[p.Pos] { // what a missing variable leads to is no second mistake
			problems = append(problems, p)
		}
	}
	if len(problems) == 0 {
		return c, nil
	}
	// A mistake of the tree (a duplicate key, a missing variable) may well be in
	// the credentials: only its absence makes the account known.
	return c, &Invalid{
		File: file, Problems: yamltree.SortProblems(problems),
		AccountKnown:    l.accountKnown && len(ofTree) == 0,
		OnlyCredentials: !slices.ContainsFunc(problems, func(p yamltree.Problem) bool { return !slices.Contains(l.credentials, p.Pos) }),
	}
}

// decode returns the one document of a YAML stream.
func decode(data []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, fmt.Errorf("yaml: line %d: a second document begins; the file must hold one", more.Line)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, io.EOF
	}
	return doc.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// syntaxProblem gives the YAML parser's error a place. The parser offers its line
// in no other way than in the text.
func syntaxProblem(data []byte, err error) yamltree.Problem {
	p := yamltree.Problem{Pos: yamltree.Pos{Line: 1, Column: 1}, Message: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if errors.Is(err, io.EOF) {
		p.Message, p.Hint = "the file is empty", "config.example.yaml is a start"
	} else if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil && line > 0 {
			p.Line = line
		}
		p.Message = "not YAML: " + m[2]
		if at, ok := tabFrom(data, p.Line); ok {
			p.Pos, p.Message, p.Hint = at, "not YAML: a tab stands where only spaces may", "use spaces, not tabs"
		}
	}
	return p
}

// tabFrom returns the first tab in the indentation of a line, or of what follows
// it up to the next one that says something: the parser names a line that may lie
// before the tab's, in words that say nothing of tabs.
func tabFrom(data []byte, line int) (yamltree.Pos, bool) {
	lines := bytes.Split(data, []byte("\n"))
	for i := line; i <= len(lines); i++ {
		text := bytes.TrimLeft(lines[i-1], " \t")
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		indent := lines[i-1][:len(lines[i-1])-len(text)]
		if column := bytes.IndexByte(indent, '\t'); column >= 0 {
			return yamltree.Pos{Line: i, Column: column + 1}, true
		}
		if i > line {
			break
		}
	}
	return yamltree.Pos{}, false
}
