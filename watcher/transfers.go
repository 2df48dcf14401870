package watcher

import (
	"regexp"
	"slices"
	"strings"
)

// A form is how a program names what it keeps beside a file, or in its place, while
// the file is transferred: the file's name between two texts, in lower case.
type form struct{ before, after string }

// The forms of transfers under way. While a file of such a name lies beside the one
// that it is for, that one is a placeholder, or incomplete.
//
// Not among them is what is written beside a file that stays whole until it is
// replaced by a rename, as by rsync (.x.AbC123), Nextcloud's client (.x.~1a2b) and
// macOS' safe save (x.sb-1234abcd-AbC123): what is there is the file as it was, and may
// be taken.
var transfers = []form{
	{"", ".part"},             // Firefox beside an empty x, Transmission, KDE, JDownloader, youtube-dl, Nextcloud's server
	{".", ".part"},            // the same, hidden
	{"", ".part.met"},         // eMule
	{"", ".partial"},          // Internet Explorer and Edge, Aspera, rclone
	{".", ".partial"},         // the same, hidden
	{"", ".filepart"},         // WinSCP
	{"", ".crdownload"},       // Chrome, Edge, Brave, Vivaldi
	{"", ".opdownload"},       // Opera
	{"", ".download"},         // Safari, a directory
	{"", ".aria2"},            // aria2, beside a file or directory that may have its full size already
	{"", ".aria2__temp"},      // the same, while that is written
	{"", ".ytdl"},             // youtube-dl and yt-dlp
	{"", ".lftp-pget-status"}, // lftp pget
	{".in.", ""},              // lftp with xfer:use-temp-file
	{".in.", "."},             // proftpd with HiddenStores
	{"", ".aspera-ckpt"},      // Aspera
	{"", ".fdmdownload"},      // Free Download Manager
	{"", ".xltd"},             // Xunlei (Thunder)
	{"", ".xltd.cfg"},         // the same
	{"", ".td.cfg"},           // the same, older
	{"", ".jc!"},              // FlashGet
	{"", ".getright"},         // GetRight
	{"", ".dctmp"},            // DC++
	{"", ".!ut"},              // uTorrent
	{"", ".!bt"},              // BitTorrent
	{"", ".!qb"},              // qBittorrent
	{"", ".bc!"},              // BitComet
	{"", ".az!"},              // Vuze
	{"", ".!sync"},            // Resilio Sync
	{"", ".syncpart"},         // the same, of a file that changed
	{"", ".synctemp"},         // the same
	{"", ".bts"},              // BitTorrent Sync, as it was called before
	{".syncthing.", ".tmp"},   // Syncthing
	{"~syncthing~", ".tmp"},   // the same on Windows
	{"", ".ffs_tmp"},          // FreeFileSync
	{"", ".mega"},             // MEGA
	{"", "._copying_"},        // Hadoop
	{"", "_.gstmp"},           // gsutil
	{"", ".part.minio"},       // MinIO's client
	{"", ".downloading"},      // Baidu Netdisk
	{"", ".ob!"},              // Orbit Downloader
	{".", ".unison.tmp"},      // Unison
}

// The forms of what lies beside a file while it is transferred, but which others use
// for files in their own right: they mean that only beside a file of the name.
var attendants = []form{
	{"", ".st"},   // axel
	{"", ".aspx"}, // Aspera's record of what it has
}

// besides are all of them.
var besides = slices.Concat(transfers, attendants)

// What programs put into the name of a file while it is transferred.
var (
	// random matches a part of the name between dots: Firefox (x.9FkC2lbV.iso.part),
	// rclone (x.iso.1a2b3c4d.partial), Nextcloud's server (x.ocTransferId123.part),
	// youtube-dl (x.f137.mp4.part).
	random = regexp.MustCompile(`^([0-9a-z_-]{8}|octransferid\d+|f\d+(-\d+)?)$`)
	// fragment is what youtube-dl has beside x.part.
	fragment = regexp.MustCompile(`(\.part)-frag\d+(\.part)?$`)
	stream   = regexp.MustCompile(`^(.+)\.(f\d+(-\d+)?|temp)\.[0-9a-z]+$`)
	// merged is what the streams are put together in, and what replaces a video or a
	// piece of music while its tags and its picture are put in.
	merged = regexp.MustCompile(`^(.+)\.temp(\.(?:mp4|mkv|webm|mov|avi|flv|m4a|mp3|aac|opus|ogg|flac|wav|mka))$`)
)

// transferOf returns the folded names of the files whose transfer a file of this
// folded name is about; none if it is about no transfer.
func transferOf(name string) []string {
	if strings.Contains(name, ".part-frag") {
		name = fragment.ReplaceAllString(name, "$1")
	}
	var owners []string
	if m := merged.FindStringSubmatch(name); m != nil {
		owners = append(owners, m[1]+m[2], streamOf(name))
	}
	for _, t := range besides {
		of, before := strings.CutPrefix(name, t.before)
		of, after := strings.CutSuffix(of, t.after)
		if !before || !after || of == "" || slices.Contains(owners, of) {
			continue
		}
		owners = append(owners, of)
		parts := strings.Split(of, ".")
		for i, part := range parts {
			if i > 0 && random.MatchString(part) {
				owners = append(owners, strings.Join(slices.Delete(slices.Clone(parts), i, i+1), "."))
			}
		}
		if s := streamOf(of); s != "" {
			owners = append(owners, s)
		}
	}
	return owners
}

// streamOf returns what stands for all streams of a video that youtube-dl loads one
// after another (x.f137.mp4, x.f140.m4a) before it puts them together; "" for a file
// that is none. No file has such a name.
func streamOf(name string) string {
	if m := stream.FindStringSubmatch(name); m != nil {
		return m[1] + "/"
	}
	return ""
}
