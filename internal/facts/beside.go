package facts

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
	"github.com/tenovos-ingest/ingestd/internal/metadata"
	"github.com/tenovos-ingest/ingestd/internal/xmp"
)

// A sidecar names its file by the whole name (photo.jpg.xmp), an XMP sidecar also by
// the name without its extension (photo.xmp). The case of the name and of the
// extension, and Unicode normal forms, do not count; but a sidecar that spells the name
// of one file exactly is not that of another, and of several the exact one counts.

// sidecarFile is a sidecar in a directory.
type sidecarFile struct {
	name   string
	target string // the name without its extension: what it speaks of
	kind   Kind
	whole  owners // files whose name is the target
	stem   owners // files whose name without extension is
}

// owners tells whether there are files of a name.
type owners struct{ exact, folded bool }

func (o *owners) see(exact bool) {
	o.exact, o.folded = o.exact || exact, true
}

// sidecarsIn gathers the sidecars of a directory by the folded name of what they
// speak of, and whether that is there; kinds are those of the entries, "" of what is
// no companion. It keeps nothing of other files.
func sidecarsIn(entries []fs.DirEntry, kinds []Kind) map[string][]sidecarFile {
	found := map[string][]sidecarFile{}
	for i, e := range entries {
		kind := kinds[i]
		if kind == "" || kind == KindManifest || !e.Type().IsRegular() {
			continue
		}
		target, _ := metadata.SplitExt(e.Name())
		found[metadata.Key(target)] = append(found[metadata.Key(target)], sidecarFile{name: e.Name(), target: target, kind: kind})
	}
	if len(found) == 0 {
		return nil
	}
	for i, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() || kinds[i] != "" && kinds[i] != KindSidecar {
			continue // a JSON file may be spoken of as well
		}
		stem, _ := metadata.SplitExt(name)
		whole := found[metadata.Key(name)]
		for i := range whole {
			whole[i].whole.see(whole[i].target == name)
		}
		if stem == name {
			continue
		}
		stems := found[metadata.Key(stem)]
		for i := range stems {
			if stems[i].name != name { // photo.json has its own stem
				stems[i].stem.see(stems[i].target == stem)
			}
		}
	}
	for _, list := range found {
		slices.SortFunc(list, func(a, b sidecarFile) int { return cmp.Compare(a.name, b.name) })
	}
	return found
}

// Beside is where a companion of a single file lies, or may lie.
type Beside struct {
	Path string // below the folder
	// Stem says that it has the file's name without its extension, as others may;
	// Alone that it is for this extension only, as it says itself.
	Stem, Alone bool
}

// sidecarsOf returns where the sidecars of a kind of a file lie, and may lie, the one
// that counts first. The error is about a directory that cannot be listed for now.
func (c *Collector) sidecarsOf(root *file.Root, file string, kind Kind) ([]Beside, error) {
	name, dir := path.Base(file), path.Dir(file)
	known, err := c.directories.look(root, dir, c.Companions)
	if err != nil {
		return nil, err
	}
	var out []Beside
	add := func(name string, stem bool) {
		found := Beside{Path: path.Join(dir, name), Stem: stem}
		if !slices.Contains(out, found) {
			out = append(out, found)
		}
	}
	extensions := []string{".xmp", ".XMP"}
	if kind == KindSidecar {
		extensions = []string{".json", ".yaml", ".yml", ".JSON", ".YAML", ".YML"}
	}
	for _, ext := range extensions {
		add(name+ext, false)
	}
	for _, s := range known.sidecars[metadata.Key(name)] {
		if s.kind == kind && (s.target == name || !s.whole.exact) {
			add(s.name, false)
		}
	}
	stem, ext := metadata.SplitExt(name)
	if kind != KindXMP || ext == "" {
		return out, nil
	}
	for _, ext := range extensions {
		add(stem+ext, true)
	}
	for _, s := range known.sidecars[metadata.Key(stem)] {
		if s.kind == kind && (s.target == stem || !s.stem.exact) {
			add(s.name, true)
		}
	}
	return out, nil
}

// Beside returns where the companions of a single file lie, or may lie. It reads
// what tells whose a sidecar is.
func (c *Collector) Beside(of string) []Beside {
	root, err := file.OpenRoot(c.Root)
	if err != nil {
		return nil
	}
	defer root.Close()
	var out []Beside
	kinds := []Kind{KindXMP}
	if c.Sidecars {
		kinds = append(kinds, KindSidecar)
	}
	for _, kind := range kinds {
		all, err := c.sidecarsOf(root, of, kind)
		if err != nil {
			continue
		}
		for _, b := range all {
			if b.Stem {
				data, err := readWhole(root, b.Path, xmp.MaxSize)
				if err != nil {
					continue
				}
				extension := sidecarExtension(data, c.Languages)
				if extension != "" && !isFor(of, extension) {
					continue
				}
				b.Alone = extension != ""
			}
			out = append(out, b)
		}
	}
	return out
}

// forExtension is the property by which a sidecar says for files of which extension
// it is.
const forExtension = "photoshop:sidecarforextension"

// sidecarExtension returns the extension that a sidecar is for; "" for any.
func sidecarExtension(data []byte, languages []string) string {
	found, _ := xmp.Parse(data, xmp.SidecarPrefix, "sidecar", languages) // one that cannot be read is for any
	return extensionOf(found)
}

func extensionOf(sidecar metadata.Facts) string {
	if fact, ok := sidecar[xmp.SidecarPrefix+forExtension]; ok {
		return strings.TrimPrefix(fact.Values[0], ".")
	}
	return ""
}

func isFor(file, extension string) bool {
	_, ext := metadata.SplitExt(path.Base(file))
	return strings.EqualFold(strings.TrimPrefix(ext, "."), extension)
}

// Companion is Companions.Of for a file in the folder: a .json or .yaml speaks of
// another only if that is there.
func (c *Collector) Companion(rel string) (Kind, bool) {
	kind, ok := c.Of(rel)
	if !ok || kind != KindSidecar {
		return kind, ok
	}
	root, err := file.OpenRoot(c.Root)
	if err != nil {
		return kind, true // nobody knows
	}
	defer root.Close()
	target, _ := metadata.SplitExt(rel)
	if info, err := root.Lstat(target); err == nil && info.Mode().IsRegular() || file.Passing(err) {
		return kind, true
	}
	known, err := c.directories.look(root, path.Dir(rel), c.Companions)
	if err != nil {
		return kind, true // nobody knows
	}
	for _, s := range known.sidecars[metadata.Key(path.Base(target))] {
		if s.name == path.Base(rel) && s.whole.folded {
			return kind, true
		}
	}
	return "", false
}
