package watcher

import (
	"regexp"
	"slices"
	"strings"
)

// The built-in junk list: what desktops and programs leave beside the real files.
// Transfers under way (transfers.go) belong to it. Names are compared in lower case, because the systems
// that make them do not tell cases apart.
var (
	junkNames = map[string]bool{
		"thumbs.db": true, "ehthumbs.db": true, "ehthumbs_vista.db": true, // Windows previews
		"desktop.ini": true, "$recycle.bin": true, "system volume information": true,
		"icon\r": true, "__macosx": true, // Finder, and its zip archives
		"@eadir": true, "@tmp": true, "#recycle": true, "#snapshot": true, // Synology
		"@synoeastream": true, "@synoresource": true,
		"@recycle": true, "@recently-snapshot": true, // QNAP
		"~snapshot":  true, // NetApp
		"lost+found": true,
	}

	// junkPrefixes: a leading dot covers .DS_Store, AppleDouble's ._x,
	// .nfs*, .smb*, .fuse_hidden*, .goutputstream-*, rsync's .x.AbC123, Nextcloud's
	// .x.~1a2b and the hidden names of FTP servers: all of them unfinished, or no content.
	junkPrefixes = []string{
		".",
		"~$", // Office lock files
	}

	// junkSuffixes are those that are no transfer's.
	junkSuffixes = []string{
		"~",             // editors' backups
		".tmp", ".temp", // Office (~WRD0001.tmp), Premiere (x.mxf.tmp), and whoever calls it that
		".idlk", ".prlock", // InDesign and Premiere locks
		".ffs_db", ".ffs_lock", // FreeFileSync's memory
		".syncold",      // Resilio Sync's copy of what it replaces
		"_exiftool_tmp", // ExifTool, while it writes
	}

	// junkPattern matches what no prefix or suffix tells.
	junkPattern = regexp.MustCompile(`^photoshop temp\d+$` + // Photoshop's scratch files
		`|\.[0-9a-z]{2,5}_original$` + // ExifTool's copy of what it changed
		`|\.sb-[0-9a-f]{8}-[0-9a-z]{6}$` + // macOS' safe save
		`|\.part-frag\d+$` + // youtube-dl
		`|^#.+#$`) // Emacs

	// junkSigns are in all that junkPattern matches: of nearly all files they spare the
	// time that it takes.
	junkSigns = []string{"photoshop temp", "_original", ".sb-", ".part-frag", "#"}
)

// Junk reports whether rel, a slash-separated path below a drop folder, is on
// the built-in junk list, itself or through one of the directories it is in.
// Such files are never emitted, and such directories never entered.
func Junk(rel string) bool {
	for name := range strings.SplitSeq(rel, "/") {
		if name != "" && junkName(name) {
			return true
		}
	}
	return false
}

// junkName is Junk for one name.
func junkName(name string) bool {
	name = strings.ToLower(name)
	if junkNames[name] {
		return true
	}
	for _, p := range junkPrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	for _, s := range junkSuffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	for _, t := range transfers {
		if strings.HasPrefix(name, t.before) && strings.HasSuffix(name, t.after) {
			return true
		}
	}
	return slices.ContainsFunc(junkSigns, func(sign string) bool { return strings.Contains(name, sign) }) && junkPattern.MatchString(name)
}
