// Package backupcopy knows the backup copies that programs leave when they save. Many
// programs give the file that is there another name, as its backup copy, and write a new
// file under the old name. Then the new file is the next version, as if it had been
// rewritten in place, and the backup copy is nobody's. The package asks its caller what
// the journal knew and what lies in the folder, and decides by that alone.
package backupcopy

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// backupName is how a program names backup copies.
type backupName struct {
	// name is a pattern: {name} is the name of the original, {stem} that without its
	// extension, {ext} that alone, {n} a number, {any} whatever else.
	name string
	// exts are the extensions of originals: such a name beside such a file is a backup
	// copy whoever made it. Without any the journal must have known the file under the
	// name of the original, for people use such names, too.
	exts []string
}

// backupNames are the names of backup copies. They are compared without case.
var backupNames = []backupName{
	{"{name}{n}", []string{"blend"}},          // Blender; with more levels .blend2 and so on
	{"{name}{n}", []string{"fcstd"}},          // FreeCAD
	{"{stem}.{any}.fcbak", []string{"fcstd"}}, // FreeCAD, with the time
	{"{stem}.bak", []string{"dwg", "dxf", "dwt", "dgn", "cpr", "mus", "sch", "brd", "max", "qxp", "qxd"}}, // AutoCAD and its kin, Cubase, Finale, 3ds Max, QuarkXPress
	{"{stem}.sv$", []string{"dwg"}},                                                          // AutoCAD's own saves
	{"{stem}_{n}_{n}_{n}.sv$", []string{"dwg"}},                                              // the same
	{"{stem}.3dmbak", []string{"3dm"}},                                                       // Rhino
	{"{stem}.skb", []string{"skp"}},                                                          // SketchUp
	{"{stem}.bpn", []string{"pln"}},                                                          // Archicad
	{"{stem}.{n}.{ext}", []string{"rvt", "rfa", "rte", "rft"}},                               // Revit
	{"{stem}.b#{n}", []string{"brd"}},                                                        // Eagle boards
	{"{stem}.s#{n}", []string{"sch"}},                                                        // Eagle schematics
	{"{stem}.l#{n}", []string{"lbr"}},                                                        // Eagle libraries
	{"{name}-bak", []string{"rpp", "kicad_pcb", "kicad_sch", "kicad_pro"}},                   // Reaper, KiCad
	{"Backup of {name}", []string{"cdr", "cdt", "cpt", "des", "sldprt", "sldasm", "slddrw"}}, // CorelDRAW, SolidWorks
	{"Backup_of_{name}", []string{"cdr", "cdt", "cpt", "des"}},                               // CorelDRAW since X6
	{"Backup ({n}) of {name}", []string{"sldprt", "sldasm", "slddrw"}},                       // SolidWorks, with more levels
	{"Sicherungskopie von {name}", []string{"cdr", "cdt", "cpt"}},                            // CorelDRAW in German
	{"Sicherungskopie_von_{name}", []string{"cdr", "cdt", "cpt"}},                            // the same since X6
	{"Copie de sauvegarde de {name}", []string{"cdr", "cdt", "cpt"}},                         // in French
	{"Copia de seguridad de {name}", []string{"cdr", "cdt", "cpt"}},                          // in Spanish
	{"Backup of {stem}.wbk", []string{"doc", "docx", "docm", "rtf"}},                         // Word
	{"Backup of {stem}.xlk", []string{"xls", "xlsx", "xlsm", "xlsb"}},                        // Excel
	{"{name}~", []string{"kra", "nk", "xcf", "lyx", "scd", "ora"}},                           // Krita, Nuke, GIMP, LyX
	{"{name}~", nil},             // Emacs, Vim, gedit, Kate, mogrify, GNU cp and mv, rsync --backup
	{"{name}.~{n}~", nil},        // Emacs and GNU cp with numbers; Krita with more levels
	{"{name}~{n}", nil},          // Krita, git
	{"{stem}~{n}.{ext}", nil},    // Krita with more levels
	{"{name}.bak", nil},          // sed -i.bak, Ardour, editors
	{"{name}.bak{n}", nil},       // with levels
	{"{stem}.bak", nil},          // programs of the DOS tradition
	{"{stem}.bak.{ext}", nil},    // scripts
	{"{stem}_bak.{ext}", nil},    // the same
	{"{stem}-bak.{ext}", nil},    // the same
	{"{stem}_backup.{ext}", nil}, // the same
	{"{stem}-backup.{ext}", nil}, // the same
	{"{stem}.backup.{ext}", nil}, // the same
	{"{name}.{any}.bak", nil},    // Notepad++, with the time
	{"{name}.backup", nil},       // editors, scripts
	{"{stem}.backup", nil},       // the same
	{"{name}.bck", nil},          // the same
	{"{name}.bkp", nil},          // the same
	{"{name}.bk", nil},           // the same
	{"{stem}.bk{n}", nil},        // the same
	{"{name}-bak", nil},          // the same
	{"{name}_bak", nil},          // the same
	{"{name}_backup", nil},       // the same
	{"{name}-backup", nil},       // the same
	{"{name}_original", nil},     // ExifTool
	{"{name}.orig", nil},         // patch, perl -i.orig, merge tools
	{"{stem}.orig", nil},         // the same
	{"{name}.old", nil},          // installers, savers of all kinds
	{"{stem}.old", nil},          // the same
	{"{name}.sav", nil},          // the same
	{"{name}.save", nil},         // nano
	{"{name}.prev", nil},         // scripts
	{"{name}.{n}", nil},          // logrotate and its kin
	{"Backup of {name}", nil},    // others that name as CorelDRAW does
	{"Backup_of_{name}", nil},    // the same
}

// backupPatterns are the backupNames as expressions of one group, which is the name of
// the original, or its stem.
var backupPatterns = compileBackupNames()

func compileBackupNames() []*regexp.Regexp {
	out := make([]*regexp.Regexp, len(backupNames))
	for i, b := range backupNames {
		text := strings.NewReplacer(
			`\{name\}`, `(.+?)`, `\{stem\}`, `(.+?)`, `\{ext\}`, `(?P<ext>[^.]+)`, `\{n\}`, `\d+`, `\{any\}`, `.+`,
		).Replace(regexp.QuoteMeta(b.name))
		out[i] = regexp.MustCompile(`(?is)^` + text + `$`)
	}
	return out
}

// eachOriginal calls yield with what a file name tells of the original of which it may
// be a backup copy: its name, or its stem and its extension where that is told.
func eachOriginal(name string, yield func(b backupName, whole, stem, ext string)) {
	for i, re := range backupPatterns {
		m := re.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		ext := ""
		if n := re.SubexpIndex("ext"); n > 0 {
			ext = m[n]
		}
		if strings.Contains(backupNames[i].name, "{name}") {
			yield(backupNames[i], m[1], "", "")
		} else {
			yield(backupNames[i], "", m[1], ext)
		}
	}
}

// isBackupName reports whether a file name is that of a backup copy of the file of
// another name, as programs name theirs.
func isBackupName(name, original string) bool {
	stem, ext := splitName(original)
	found := false
	eachOriginal(name, func(b backupName, whole, ofStem, ofExt string) {
		fits := strings.EqualFold(whole, original) ||
			whole == "" && strings.EqualFold(ofStem, stem) && (ofExt == "" || strings.EqualFold(ofExt, ext))
		found = found || fits && b.takes(ext)
	})
	return found
}

// originalNames returns the names of which a file name is that of a backup copy beyond
// doubt.
func originalNames(name string) []string {
	var out []string
	eachOriginal(name, func(b backupName, whole, stem, ext string) {
		if whole != "" {
			if _, of := splitName(whole); b.exts != nil && b.takes(of) {
				out = append(out, whole)
			}
			return
		}
		for _, e := range b.exts {
			if ext == "" || strings.EqualFold(ext, e) {
				out = append(out, stem+"."+e, stem+"."+strings.ToUpper(e))
			}
		}
	})
	return out
}

func (b backupName) takes(ext string) bool {
	return b.exts == nil || slices.Contains(b.exts, strings.ToLower(ext))
}

func splitName(name string) (stem, ext string) {
	ext = path.Ext(name)
	return strings.TrimSuffix(name, ext), strings.TrimPrefix(ext, ".")
}

// Place is where Of looks: what the journal knew, and what lies in the folder.
type Place struct {
	// FormerPaths returns the other paths under which the journal knew the file.
	FormerPaths func(ctx context.Context, f file.File) ([]string, error)
	// At looks what lies at a path of the folder, if a file does.
	At func(rel string) (hint file.Stat, there bool, err error)
	// Wanted reports whether a file of a path is one for the folder.
	Wanted func(rel string) bool
}

// Of returns the path of the file of which f is a backup copy, "" for none. It is
// one where it has such a name and another file lies under the old name. Where the
// journal knew f under that name, and nothing lies there, coming says that the new
// file may be on its way: else somebody gave f that name.
func Of(ctx context.Context, at Place, f file.File) (original string, coming bool, err error) {
	dir, name := path.Split(f.Path)
	if !slices.ContainsFunc(backupPatterns, func(re *regexp.Regexp) bool { return re.MatchString(name) }) {
		return "", false, nil
	}
	var originals []string
	former, err := at.FormerPaths(ctx, f)
	if err != nil {
		return "", false, err
	}
	for _, rel := range former {
		if was, base := path.Split(rel); was == dir && isBackupName(name, base) {
			originals = append(originals, rel)
		}
	}
	known := len(originals)
	for _, base := range originalNames(name) {
		originals = append(originals, dir+base)
	}
	for i, rel := range originals {
		if rel == f.Path || !at.Wanted(rel) {
			continue
		}
		hint, there, err := at.At(rel)
		if err != nil {
			return "", false, err
		}
		switch {
		case there && (hint.Ino != f.Ino || hint.Dev != f.Dev):
			return rel, false, nil
		case !there && i < known:
			coming, original = true, rel
		}
	}
	return original, coming, nil
}
