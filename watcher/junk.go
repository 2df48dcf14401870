package watcher

import "strings"

// The built-in junk list: what desktops, programs and transfer tools leave
// beside the real files. Names are compared in lower case, because the systems
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
	// .nfs*, .smb*, .fuse_hidden*, rsync's .x.AbC123 and the hidden
	// names of FTP servers: all of them unfinished, or no content.
	junkPrefixes = []string{
		".",
		"~$",             // Office lock files
		"photoshop temp", // Photoshop scratch files
	}

	junkSuffixes = []string{
		"~",                                                                 // editors' backups
		".tmp", ".temp", ".part", ".partial", ".filepart", ".!ut", ".aria2", // transfers under way
		".crdownload", ".opdownload", ".download", // browsers
		".idlk", ".prlock", // InDesign and Premiere locks
		".error.txt", // what this program writes beside a file that failed
	}
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
	return false
}
