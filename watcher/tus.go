package watcher

import (
	"encoding/json"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/file"
)

// What tusd, the server of the tus protocol, keeps beside an upload: what it knows of
// it, for good, and a lock while a request writes to it.
const (
	tusInfo = ".info"
	tusLock = ".lock"
)

func isTusInfo(name string) bool { return strings.HasSuffix(name, tusInfo) }

// maxAttendant bounds what is read of a file to find out what it is.
const maxAttendant = 64 << 10

// attends reports whether the file at path only attends to another: what tusd or a
// program of attendants keeps beside it. To others such names are a file's own.
func (t *tree) attends(at string) bool {
	folded := strings.ToLower(path.Base(at))
	for _, form := range attendants {
		if of := at[:len(at)-min(len(form.after), len(at))]; strings.HasSuffix(folded, form.after) && t.has(of) {
			return true
		}
	}
	switch of := at[:len(at)-len(path.Ext(at))]; path.Ext(folded) {
	case tusInfo:
		_, is := t.readTusInfo(at)
		return is
	case tusLock:
		_, is := t.readTusInfo(of + tusInfo)
		return is || t.has(of) && pid.Match(t.readStart(at))
	}
	return false
}

// pid matches what tusd's lock holds.
var pid = regexp.MustCompile(`^\d{1,10}\n?$`)

// upload is what tusd says of an upload.
type upload struct {
	ID             string
	Size           *int64 // of the whole, bytes
	SizeIsDeferred bool
	Offset         *int64
}

// readTusInfo reads what tusd says of an upload; false if this is something else.
func (t *tree) readTusInfo(at string) (upload, bool) {
	var u upload
	data := t.readStart(at)
	if len(data) == 0 || json.Unmarshal(data, &u) != nil {
		return upload{}, false
	}
	return u, u.ID != "" && u.Size != nil && u.Offset != nil
}

// tusUnfinished reports whether tusd says that an upload is not whole.
func (ar *arrivals) tusUnfinished(found file.File) bool {
	u, is := ar.tree.readTusInfo(found.Path + tusInfo)
	return is && (u.SizeIsDeferred || found.Size < *u.Size)
}

// readStart returns what a small file holds; nothing of one that cannot be read, or
// is not small.
func (t *tree) readStart(at string) []byte {
	f, err := t.file(at)
	if err != nil {
		return nil
	}
	defer f.Close() // nothing was written
	if info, err := f.Stat(); err != nil || info.Size() > maxAttendant {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxAttendant))
	if err != nil {
		return nil
	}
	return data
}
