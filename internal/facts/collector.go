package facts

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/embedded"
	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/filetime"
	"github.com/tenovos-ingest/ingestd/internal/manifest"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/sidecar"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// Sources says which sources of facts are asked: what no rule names is not read.
type Sources struct {
	EXIF, IPTC, XMP, XMPEmbedded, XMPSidecar, Sidecar, Manifest bool
	Image, Video, PDF, Office, PNG                              bool
}

// Settings are what a Collector is made of.
type Settings struct {
	Root   string // path of the drop folder
	Levels Levels
	Sources
	Companions
	// Languages are the preferred ones of texts in several, the best first.
	Languages       []string
	ManifestOptions manifest.Options
	// Tables bounds what manifests take of memory, those of other folders included; nil
	// is a bound of its own.
	Cache *manifest.Cache
	// VirtualRows is how many rows of a manifest may be assets although no file is
	// there; 0 is DefaultVirtualRows, and less is none.
	VirtualRows int
}

// Collector gathers what can be known of the files of one drop folder. It is safe
// for concurrent use.
type Collector struct {
	Settings
	directories directories
	manifests   *manifest.Folder
}

// NewCollector returns a Collector. Nothing is read before Collect.
func NewCollector(s Settings) *Collector {
	if s.Cache == nil {
		s.Cache = manifest.NewCache(manifest.DefaultMemory)
	}
	if s.VirtualRows == 0 {
		s.VirtualRows = manifest.DefaultVirtualRows
	}
	c := &Collector{Settings: s, directories: directories{cache: s.Cache, byPath: make(map[string]*directory)}}
	c.manifests = &manifest.Folder{
		Root: s.Root, Options: s.ManifestOptions, Cache: s.Cache, VirtualRows: s.VirtualRows, Directories: ofManifests{c},
	}
	return c
}

// Collection is what is known of a file.
type Collection struct {
	Facts metadata.Facts
	// Gaps are sources that could not be read.
	Gaps []metadata.Gap
	// Contradiction says that two rows of a manifest tell different things of the
	// file: it must not be ingested by either.
	Contradiction error
	// Companion tells which kinds of companions the file has that can be read.
	Companion map[Kind]bool
	// Unread has the companions that are there and cannot be read, the nearest of
	// each kind: what they tell of the file, if anything, is not known.
	Unread map[Kind]Unread
	// Gone says that the file itself is not there, cannot be opened, or is another
	// one by now, so that nothing embedded is known.
	Gone bool
}

// Unread is a companion that is there and cannot be read.
type Unread struct {
	Path string // below the folder
	Err  error  // for good, or until somebody corrects it
}

// unread notes a companion that cannot be read.
func (c *Collection) unread(kind Kind, source, companion string, err error) {
	c.gap(source, "%v", err)
	if _, nearer := c.Unread[kind]; !nearer {
		c.Unread[kind] = Unread{companion, err}
	}
}

func (c *Collection) gap(source, format string, args ...any) {
	c.Gaps = append(c.Gaps, metadata.Gap{Source: source, Message: fmt.Sprintf(format, args...)})
}

// Collect gathers what is known of a file. Of one that was never looked at, without an
// inode, the time is not known, and nothing tells whether it is another one by now. at is where the file lies by now, below
// the folder, where that is not its path. The error is about the folder, which is
// not there, or about trouble of the file system that may pass, or a manifest that is
// just being read (a NotYetError): a fact that is missing for that would be missed for
// ever.
func (c *Collector) Collect(f file.File, at string) (*Collection, error) {
	root, err := file.OpenRoot(c.Root)
	if err != nil {
		return nil, fmt.Errorf("open the drop folder: %w", err)
	}
	defer root.Close()
	if at == "" {
		at = f.Path
	}
	modified, gaps := modifiedAt(root, f, at)
	out := &Collection{Facts: Gather(f, modified, c.Levels), Gaps: gaps, Companion: make(map[Kind]bool), Unread: make(map[Kind]Unread)}
	want := embedded.Want{
		EXIF: c.EXIF, IPTC: c.IPTC, XMP: c.XMP || c.XMPEmbedded,
		Image: c.Image, Video: c.Video, PDF: c.PDF, Office: c.Office, PNG: c.PNG,
	}
	if want != (embedded.Want{}) {
		if err := c.embedded(root, f, at, want, out); err != nil {
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

func (c *Collector) embedded(root *file.Root, f file.File, at string, want embedded.Want, out *Collection) error {
	opened, info, err := root.OpenRegular(at)
	if file.Passing(err) {
		return fmt.Errorf("look into the file: %w", err)
	}
	if err != nil {
		out.Gone = true
		out.gap("exif", "the file cannot be read: %v", err)
		return nil
	}
	defer opened.Close() // nothing was written
	if f.Ino != 0 && (info.Size() != f.Size || filetime.Of(info.ModTime()) != f.ModTime) {
		out.Gone = true
		out.gap("exif", "another file lies there by now")
		return nil
	}
	watched := &file.TroubleReader{Reader: opened}
	found, gaps := embedded.Read(watched, info.Size(), want, c.Languages)
	if watched.Err != nil {
		return fmt.Errorf("look into the file: %w", watched.Err)
	}
	out.Gaps = append(out.Gaps, gaps...)
	for name, fact := range found {
		out.Facts[name] = fact
		if property, ok := strings.CutPrefix(name, xmp.Prefix); ok {
			out.Facts[xmp.EmbeddedPrefix+property] = fact
		}
	}
	return nil
}

// xmpSidecar lays what the sidecar tells over what is embedded, property by
// property: a list or a structure is taken from one of them as a whole.
func (c *Collector) xmpSidecar(root *file.Root, of, at string, out *Collection) error {
	all, err := c.sidecarsAt(root, of, at, KindXMP)
	if err != nil {
		return err
	}
	var found metadata.Facts
	for {
		name, data, err := firstOf(root, all, xmp.MaxSize)
		var amiss error
		if file.Passing(err) {
			return fmt.Errorf("read the sidecar: %w", err)
		}
		if name.Path == "" && err == nil {
			return nil
		}
		origin := "the sidecar " + metadata.Clean(path.Base(name.Path))
		if err == nil {
			found, err = xmp.Parse(data, xmp.SidecarPrefix, origin, c.Languages)
		}
		switch {
		case errors.Is(err, xmp.ErrExcess), errors.Is(err, xmp.ErrDamaged):
			amiss = err
		case err != nil:
			out.unread(KindXMP, "xmp-sidecar", name.Path, fmt.Errorf("%s: %w", origin, err))
			return nil
		}
		if extension := extensionOf(found); !name.Stem || extension == "" || isFor(of, extension) {
			if amiss != nil {
				out.gap("xmp-sidecar", "%s: %v", origin, amiss)
			}
			break
		}
		all = all[slices.Index(all, name)+1:] // it is for another file of the name
	}
	out.Companion[KindXMP] = true
	told := make(map[string]bool)
	for name := range found {
		told[propertyOf(strings.TrimPrefix(name, xmp.SidecarPrefix))] = true
	}
	maps.DeleteFunc(out.Facts, func(name string, _ metadata.Fact) bool {
		rest, ok := strings.CutPrefix(name, xmp.Prefix)
		return ok && told[propertyOf(rest)]
	})
	for name, fact := range found {
		out.Facts[name] = fact
		out.Facts[xmp.Prefix+strings.TrimPrefix(name, xmp.SidecarPrefix)] = fact
	}
	return nil
}

// sidecarsAt returns where sidecars of a file may lie, which is elsewhere by now.
func (c *Collector) sidecarsAt(root *file.Root, file, at string, kind Kind) ([]Beside, error) {
	all, err := c.sidecarsOf(root, file, kind)
	if err == nil && at != file {
		var moved []Beside
		moved, err = c.sidecarsOf(root, at, kind)
		all = append(all, moved...)
	}
	if err != nil {
		return nil, fmt.Errorf("look for sidecars: %w", err)
	}
	return all, nil
}

// propertyOf is the name of the property that a fact's path begins with.
func propertyOf(name string) string {
	if i := strings.IndexAny(name, ".["); i >= 0 {
		return name[:i]
	}
	return name
}

func (c *Collector) sidecar(root *file.Root, of, at string, out *Collection) error {
	all, err := c.sidecarsAt(root, of, at, KindSidecar)
	if err != nil {
		return err
	}
	name, data, err := firstOf(root, all, sidecar.MaxSize)
	if file.Passing(err) {
		return fmt.Errorf("read the sidecar: %w", err)
	}
	if name.Path == "" && err == nil {
		return nil
	}
	var found metadata.Facts
	if err == nil {
		found, err = sidecar.Parse(path.Base(name.Path), data)
	}
	if err != nil {
		out.unread(KindSidecar, "sidecar", name.Path, err)
		return nil
	}
	out.Companion[KindSidecar] = true
	maps.Copy(out.Facts, found)
	return nil
}

// row adds the row of the nearest manifest that has one for the file. Its error is
// about a directory, or a manifest, that cannot be read for now.
func (c *Collector) row(root *file.Root, of string, out *Collection) error {
	rows, _, err := c.manifests.Nearest(root, of, func(path string, err error) { out.unread(KindManifest, "manifest", path, err) })
	if err != nil || len(rows) == 0 {
		return err
	}
	out.Companion[KindManifest] = true
	if out.Contradiction = manifest.Contradiction(rows); out.Contradiction != nil {
		return nil
	}
	for _, row := range slices.Backward(rows) {
		maps.Copy(out.Facts, row.Facts())
	}
	return nil
}

// Forget has a companion read anew, whose change was noticed.
func (c *Collector) Forget(companion string) { c.directories.forget(path.Dir(companion)) }

// Virtual calls each with the rows of a manifest that are assets by themselves, see
// [Folder.Virtual].
func (c *Collector) Virtual(manifest string, each func(rows []manifest.Virtual, wrong []error) error) error {
	return c.manifests.Virtual(manifest, each)
}

// VirtualAt returns the row by which a path is an asset although no file is there, see
// [Folder.VirtualAt].
func (c *Collector) VirtualAt(path string) (manifest.Virtual, bool, error) {
	return c.manifests.VirtualAt(path)
}
