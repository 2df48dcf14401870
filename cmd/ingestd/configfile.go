package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tenovos-ingest/ingestd/internal/config"
	"github.com/tenovos-ingest/ingestd/internal/yamltree"
)

// Where the configuration is looked for when -c names none: where a variable says, else
// where `make install` and the packages put it.
const (
	configVariable = "INGESTD_CONFIG"
	defaultConfig  = "/etc/ingestd/config.yaml"
)

// exampleName is how the example lies in the documentation, and in the source.
const exampleName = "config.example.yaml"

// configFlag gives a command the configuration that the command line or the environment
// names.
func configFlag(cmd *cobra.Command, path *string) {
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) (err error) {
		*path, err = configPath(cmd)
		return err
	}
}

// configPath returns where the configuration of a command is.
func configPath(cmd *cobra.Command) (string, error) {
	flag := cmd.Flags().Lookup("config")
	switch named := os.Getenv(configVariable); {
	case flag.Changed && flag.Value.String() == "":
		return "", &usageError{errors.New("-c names no file: is a variable of the shell empty?")}
	case flag.Changed:
		return flag.Value.String(), nil
	case named != "":
		return named, nil
	}
	return defaultConfig, nil
}

// unreadableError is a configuration file that cannot be read: the next start
// would not read it either.
type unreadableError struct{ error }

func (e *unreadableError) Unwrap() error { return e.error }

// loadConfig reads the configuration file with the environment of the process. A
// file that cannot be read is an *unreadableError.
func loadConfig(path string) (*config.Config, error) {
	cfg, err := config.Load(path, os.LookupEnv)
	if _, invalid := errors.AsType[*config.Invalid](err); err == nil || invalid {
		return cfg, err
	}
	return cfg, &unreadableError{fmt.Errorf("%w: %s", err, readAdvice(path, err))}
}

// loadLocal is loadConfig for commands that do not log in: credentials that only
// the service has may be missing.
func loadLocal(path string) (*config.Config, error) {
	cfg, err := loadConfig(path)
	if invalid, ok := errors.AsType[*config.Invalid](err); ok && invalid.OnlyCredentials {
		return cfg, nil
	}
	return cfg, err
}

// readAdvice says what to try about a configuration file that cannot be read.
func readAdvice(path string, err error) string {
	info, serr := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "run the command as root, or as the user of the service"
	case serr == nil && info.IsDir():
		if inside := filepath.Join(path, filepath.Base(defaultConfig)); isFile(inside) {
			return "it is a directory; did you mean " + inside + "?"
		}
		return "it is a directory; name the file in it"
	case !errors.Is(err, fs.ErrNotExist):
		return "check what lies there"
	}
	from := "as -c says"
	if os.Getenv(configVariable) == path {
		from = "as " + configVariable + " says"
	}
	switch {
	case strings.HasPrefix(path, "~"):
		return "a shell expands ~ at the beginning of a word alone: write $HOME" + strings.TrimPrefix(path, "~")
	case path == defaultConfig:
		return "-c is not given, " + configVariable + " is not set, and " + path + " is not there. " + exampleAdvice(path) + "; or name another file with -c FILE"
	}
	if near := neighbour(path); near != "" {
		return fmt.Sprintf("%s; did you mean %s?", from, near)
	}
	return fmt.Sprintf("%s; check the path. %s", from, exampleAdvice(path))
}

// neighbour returns a YAML file beside a path whose name is nearly the same; "" is none.
func neighbour(path string) string {
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.y*ml"))
	if err != nil {
		return ""
	}
	stems := make([]string, len(beside))
	for i, name := range beside {
		stems[i] = stemOf(name)
	}
	if i := slices.Index(stems, yamltree.Nearest(stemOf(path), stems)); i >= 0 {
		return beside[i]
	}
	return ""
}

func stemOf(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// exampleAdvice says how a configuration comes to lie at a path.
func exampleAdvice(path string) string {
	looked := examplePlaces()
	if i := slices.IndexFunc(looked, isFile); i >= 0 {
		return fmt.Sprintf("Begin with the example: `cp %s %s`, set url, login and folders in it, and run `ingestd check -c %[2]s`", looked[i], path)
	}
	return fmt.Sprintf("Begin with %s, which comes with the source and which `make install` puts into /usr/local/share/doc/ingestd (it is in none of %s)",
		exampleName, strings.Join(looked, ", "))
}

// examplePlaces are the places of the example: beside the program as `make install` puts it,
// of the packages, and in the source.
func examplePlaces() []string {
	const docs = "share/doc/ingestd/" + exampleName
	var out []string
	if program, err := os.Executable(); err == nil {
		prefix := filepath.Dir(filepath.Dir(program))
		out = append(out, filepath.Join(prefix, docs), filepath.Join(prefix, exampleName))
	}
	for _, name := range []string{"/usr/local/" + docs, "/usr/" + docs} {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return append(out, exampleName)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
