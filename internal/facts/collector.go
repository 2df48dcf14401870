package facts

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"syscall"
)

// Prefixes of facts of XMP by the place where it stands. Under XMPPrefix is what
// the sidecar tells of a property, else what is embedded.
const (
	XMPEmbeddedPrefix = "xmp-embedded."
	XMPSidecarPrefix  = "xmp-sidecar."
)

// Sources says which sources of facts are asked: what no rule names is not read.
type Sources struct{ EXIF, IPTC, XMP, XMPEmbedded, XMPSidecar, Sidecar, Manifest bool }

// Settings are what a Collector is made of.
type Settings struct {
	Root   string // path of the drop folder
	Levels Levels
	Sources
	Companions
	// Languages are the preferred ones of texts in several, the best first.
	Languages []string
	ManifestOptions
}

// Collector gathers what can be known of the files of one drop folder. It is safe
// for concurrent use.
type Collector struct {
	Settings
	manifests manifests
}

// NewCollector returns a Collector. Nothing is read before Collect.
func NewCollector(s Settings) *Collector {
	return &Collector{Settings: s, manifests: manifests{byDir: make(map[string]*manifestDir)}}
}

// Collection is what is known of a file.
type Collection struct {
	Facts Facts
	// Gaps are sources that could not be read.
	Gaps []Gap
	// Contradiction says that two rows of a manifest tell different things of the
	// file: it must not be ingested by either.
	Contradiction error
	// Companion tells which kinds of companions the file has.
	Companion map[Kind]bool
	// Gone says that the file itself is not there, or another one is, so that
	// nothing embedded is known.
	Gone bool
}

func (c *Collection) gap(source, format string, args ...any) {
	c.Gaps = append(c.Gaps, Gap{Source: source, Message: fmt.Sprintf(format, args...)})
}

// Collect gathers what is known of a file. at is where the file lies by now, below
// the folder, where that is not its path. The error is about the folder, which is
// not there, or about trouble of the file system that may pass: a fact that is
// missing for that would be missed for ever.
func (c *Collector) Collect(f File, at string) (*Collection, error) {
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return nil, fmt.Errorf("open the drop folder: %w", err)
	}
	defer root.Close()
	if at == "" {
		at = f.Path
	}
	out := &Collection{Facts: Gather(f, c.Levels), Companion: make(map[Kind]bool)}
	embedded := Want{EXIF: c.EXIF, IPTC: c.IPTC, XMP: c.XMP || c.XMPEmbedded}
	if embedded != (Want{}) {
		if err := c.embedded(root, f, at, embedded, out); err != nil {
			return nil, err
		}
	}
	if c.XMP || c.XMPSidecar {
		if err := c.xmpSidecar(root, f.Path, at, out); err != nil {
			return nil, err
		}
	}
	if c.Sidecar {
		if err := c.sidecar(root, f.Path, at, out); err != nil {
			return nil, err
		}
	}
	if c.Manifest {
		if err := c.row(root, f.Path, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *Collector) embedded(root *os.Root, f File, at string, want Want, out *Collection) error {
	file, info, err := openRegular(root, at)
	if passing(err) {
		return fmt.Errorf("look into the file: %w", err)
	}
	if err != nil {
		out.Gone = errors.Is(err, fs.ErrNotExist)
		out.gap("exif", "the file cannot be read: %v", err)
		return nil
	}
	defer file.Close() // nothing was written
	if !f.ModTime.IsZero() && (info.Size() != f.Size || !info.ModTime().Equal(f.ModTime)) {
		out.Gone = true
		out.gap("exif", "another file lies there by now")
		return nil
	}
	watched := &troubleReader{r: file}
	found, gaps := Embedded(watched, info.Size(), want, c.Languages)
	if watched.err != nil {
		return fmt.Errorf("look into the file: %w", watched.err)
	}
	out.Gaps = append(out.Gaps, gaps...)
	for name, fact := range found {
		out.Facts[name] = fact
		if property, ok := strings.CutPrefix(name, XMPPrefix); ok {
			out.Facts[XMPEmbeddedPrefix+property] = fact
		}
	}
	return nil
}

// xmpSidecar lays what the sidecar tells over what is embedded, property by
// property: a list or a structure is taken from one of them as a whole.
func (c *Collector) xmpSidecar(root *os.Root, file, at string, out *Collection) error {
	name, data, err := firstOf(root, append(sidecarsOf(file, true), sidecarsOf(at, true)...), MaxXMP)
	if passing(err) {
		return fmt.Errorf("read the sidecar: %w", err)
	}
	if name == "" && err == nil {
		return nil
	}
	out.Companion[KindXMP] = true
	if err != nil {
		out.gap("xmp-sidecar", "%v", err)
		return nil
	}
	origin := "the sidecar " + Clean(path.Base(name))
	found, err := ParseXMP(data, XMPSidecarPrefix, origin, c.Languages)
	if err != nil {
		out.gap("xmp-sidecar", "%s: %v", origin, err)
	}
	told := make(map[string]bool)
	for name := range found {
		told[propertyOf(strings.TrimPrefix(name, XMPSidecarPrefix))] = true
	}
	maps.DeleteFunc(out.Facts, func(name string, _ Fact) bool {
		rest, ok := strings.CutPrefix(name, XMPPrefix)
		return ok && told[propertyOf(rest)]
	})
	for name, fact := range found {
		out.Facts[name] = fact
		out.Facts[XMPPrefix+strings.TrimPrefix(name, XMPSidecarPrefix)] = fact
	}
	return nil
}

// propertyOf is the name of the property that a fact's path begins with.
func propertyOf(name string) string {
	if i := strings.IndexAny(name, ".["); i >= 0 {
		return name[:i]
	}
	return name
}

func (c *Collector) sidecar(root *os.Root, file, at string, out *Collection) error {
	name, data, err := firstOf(root, append(sidecarsOf(file, false), sidecarsOf(at, false)...), maxJSON)
	if passing(err) {
		return fmt.Errorf("read the sidecar: %w", err)
	}
	if name == "" && err == nil {
		return nil
	}
	out.Companion[KindSidecar] = true
	if err == nil {
		var found Facts
		if found, err = ParseSidecar(path.Base(name), data); err == nil {
			maps.Copy(out.Facts, found)
			return nil
		}
	}
	out.gap("sidecar", "%v", err)
	return nil
}

// row adds the row of the nearest manifest that has one for the file. Its error is
// about a directory, or a manifest, that cannot be read for now.
func (c *Collector) row(root *os.Root, file string, out *Collection) error {
	row, _, ok, err := c.nearest(root, file, func(err error) { out.gap("manifest", "%v", err) })
	if err != nil || !ok {
		return err
	}
	out.Companion[KindManifest] = true
	if row.Err != nil {
		out.Contradiction = row.Err
		return nil
	}
	maps.Copy(out.Facts, row.Facts())
	return nil
}

// nearest returns the row of the nearest manifest that has one for the file, and
// the directory of that manifest. Those that cannot be read are told and passed
// over, unless that may pass.
func (c *Collector) nearest(root *os.Root, file string, unreadable func(error)) (row Row, dir string, ok bool, err error) {
	for dir = path.Dir(file); ; dir = path.Dir(dir) {
		all, err := c.manifests.in(root, dir, c.Companions, c.ManifestOptions)
		if err != nil {
			return Row{}, "", false, fmt.Errorf("look for manifests: %w", err)
		}
		for _, m := range all {
			if passing(m.err) {
				return Row{}, "", false, fmt.Errorf("read the manifest: %w", m.err)
			}
			if m.err != nil {
				unreadable(m.err)
				continue
			}
			if row, ok = m.Row(below(file, dir)); ok {
				return row, dir, true, nil
			}
		}
		if dir == "." {
			return Row{}, "", false, nil
		}
	}
}

// below returns the path of a file below one of its directories.
func below(file, dir string) string {
	if dir == "." {
		return file
	}
	return file[len(dir)+1:]
}

// Forget has a companion read anew, whose change was noticed.
func (c *Collector) Forget(companion string) { c.manifests.forget(path.Dir(companion)) }

// ManifestAt reads the manifest at a path below the folder.
func (c *Collector) ManifestAt(rel string) (*Manifest, error) {
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return nil, fmt.Errorf("open the drop folder: %w", err)
	}
	defer root.Close()
	all, err := c.manifests.in(root, path.Dir(rel), c.Companions, c.ManifestOptions)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.path == rel {
			return m.Manifest, m.err
		}
	}
	return nil, &fs.PathError{Op: "read the manifest", Path: rel, Err: fs.ErrNotExist}
}

// openRegular opens a regular file beneath root, without waiting for anyone.
func openRegular(root *os.Root, rel string) (*os.File, fs.FileInfo, error) {
	info, err := root.Lstat(rel)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: rel, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, nil, err
	}
	file, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = file.Stat(); err != nil {
		_ = file.Close() // nothing was written
		return nil, nil, err
	}
	return file, info, nil
}

// firstOf reads the first of the files that is there; "" if none is.
func firstOf(root *os.Root, names []string, limit int64) (string, []byte, error) {
	for _, name := range names {
		data, err := readWhole(root, name, limit)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) {
			continue
		}
		return name, data, err
	}
	return "", nil, nil
}

func readWhole(root *os.Root, name string, limit int64) ([]byte, error) {
	file, info, err := openRegular(root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close() // nothing was written
	if info.Size() > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB", Clean(name), limit>>20)
	}
	return io.ReadAll(io.LimitReader(file, limit))
}
