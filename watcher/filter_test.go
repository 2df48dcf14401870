package watcher

import (
	"path"
	"testing"
)

func TestJunk(t *testing.T) {
	for _, rel := range []string{
		".DS_Store", "a/._photo.jpg", "x.part", "~$doc.docx", "Thumbs.db", "THUMBS.DB", "a/desktop.ini",
		"a/@eaDir/photo.jpg/SYNOPHOTO.jpg", "movie.mov.crdownload", "movie.mov.filepart", ".nfs0000000123",
		".photo.jpg.aB3xYz", ".smbdeleteAAA", "~WRL0001.tmp", "a.TMP", "Photoshop Temp123", "~book~k3(x.idlk",
		"$RECYCLE.BIN/x", "System Volume Information/x", "__MACOSX/a", "Icon\r", ".~lock.a.odt#", "#recycle/a.jpg",
		"draft.txt~", ".Trashes/501/a.jpg", "lost+found/#123", "photoshop temp4095", "PHOTOSHOP TEMP1",
		"x.!qB", "x.!Sync", "x.SyncPart", "x.SyncOld", "x.ffs_tmp", "sync.ffs_db", ".in.x.mov.", "x.mov.lftp-pget-status",
		"x.mp4.ytdl", "x.mp4.part-Frag3", "x.jpg_exiftool_tmp", "x.jpg_original", "x.psd.sb-1a2b3c4d-AbC123", "x.aspera-ckpt",
		"x.fdmdownload", "x.psd.sb-1A2B3C4D-aBc123/Contents/a", "x.bts", "x.mxf.tmp", "#draft.txt#",
	} {
		if !Junk(rel) {
			t.Errorf("%q is not junk", rel)
		}
	}
	for _, rel := range []string{
		"", "a", "photo.jpg", "part.jpg", "movie.part1.rar", "Icon.png", "a b/ü/#1 & 100%.tif", "~draft.psd",
		"temp/photo.jpg", "tmp", "thumbs.db.jpg", "a.dot/b.c", "\xff.jpg", "e\u0301.png", "🎬.mov",
		"Photoshop Template.psd", "Photoshop Temp.psd", "photoshop temporary 1/a.jpg", "Photoshop Temp 4.psd", "Photoshop Temp12.psd",
		"the_original", "painting_original.jpg", "x.mov.info", "x.lock", "page.aspx", "disk.st", "x.sb-day-one.jpg", "#1 & 2#.tif",
	} {
		if Junk(rel) {
			t.Errorf("%q is junk", rel)
		}
	}
}

func TestFilter(t *testing.T) {
	c := newFilter(Folder{
		Include: []string{"**/*.{jpg,tif}", "raw/**"},
		Exclude: []string{"**/work/**", "**/*.bad.jpg", "old"},
		Skip:    []string{"_ingested", "out/_failed/"},
		Marker:  "./raw/mounted",
	})
	for rel, want := range map[string]bool{
		"a.jpg": true, "a/b.tif": true, "a.png": false, "raw/x.bin": true, "a.bad.jpg": false,
		"x/work/a.jpg": false, "raw/mounted": false, "raw/.x.jpg": false, "raw/\xfe\xff": true, "ö/ä.jpg": true,
	} {
		if got := c.file(rel); got != want {
			t.Errorf("file %q: %v, want %v", rel, got, want)
		}
	}
	for rel, want := range map[string]bool{
		"a": true, "work": false, "x/work": false, "old": false, "x/old": true, "_ingested": false,
		"x/_ingested": true, "out/_failed": false, "@eaDir": false, ".git": false, "raw": true,
	} {
		if got := c.dir(rel); got != want {
			t.Errorf("directory %q: %v, want %v", rel, got, want)
		}
	}
	c.companion = func(rel string) bool { return path.Ext(rel) == ".xmp" }
	for rel, want := range map[string]bool{"a.xmp": true, "x/work/a.xmp": false, ".a.xmp": false, "a.png": false} {
		if got := c.file(rel); got != want {
			t.Errorf("file %q, whose companions are wanted: %v, want %v", rel, got, want)
		}
	}
	if !newFilter(Folder{}).file("any/thing") {
		t.Error("no include pattern must mean all files")
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a/b.jpg")
	f.Add(".DS_Store")
	f.Add("\xff/\x00/é")
	c := newFilter(Folder{Include: []string{"**/*.{jpg,tif}", "**"}, Exclude: []string{"**/work/**", "[a-z]?/x*"}})
	f.Fuzz(func(t *testing.T, rel string) {
		c.file(rel)
		c.dir(rel)
		if junkName(path.Base(rel)) && path.Clean(rel) == rel && rel != "." && rel != ".." && rel != "/" && !Junk(rel) {
			t.Errorf("the name of %q is junk, the path is not", rel)
		}
	})
}
