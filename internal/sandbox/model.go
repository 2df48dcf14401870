package sandbox

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Asset is one asset, or one version of it, as the server keeps it.
type Asset struct {
	Seq            int64           `json:"seq"` // order of creation
	ObjectID       string          `json:"objectId"`
	FileID         string          `json:"fileId"`
	OriginalFileID string          `json:"originalFileId"`
	Filename       string          `json:"filename"`
	TemplateID     string          `json:"metadataTemplateId"`
	Metadata       []MetadataValue `json:"metadata"`
	SecurityIDs    []string        `json:"securityTemplateIds"`
	Created        time.Time       `json:"created"`
	CreatedBy      string          `json:"createdBy"` // user id
	Updated        time.Time       `json:"updated"`
	UpdatedBy      string          `json:"updatedBy"`
	Current        bool            `json:"current"`
	Deleted        bool            `json:"deleted"`
	DeletedAt      time.Time       `json:"deletedAt,omitzero"`
	DeletedBy      string          `json:"deletedBy,omitempty"`
	FederatedPath  string          `json:"federatedPath,omitempty"` // contentPath of a federated asset
	SkipTranscode  bool            `json:"skipTranscode,omitempty"`
	DeclaredSize   int64           `json:"declaredSize"` // filesize of the create; -1 when it had none
	UploadID       string          `json:"uploadId,omitempty"`
	Key            string          `json:"s3Key"`

	HasContent  bool      `json:"hasContent"`
	ContentFile string    `json:"contentFile,omitempty"` // path on disk; "" when the bytes were not kept here
	ContentSize int64     `json:"contentSize"`
	ContentMD5  string    `json:"contentMd5,omitempty"` // "" when nobody has seen the whole content in order
	ContentETag string    `json:"contentEtag,omitempty"`
	ContentAt   time.Time `json:"contentAt,omitzero"`
	PutsBegun   int       `json:"putsBegun"`  // of single PUTs
	PutsStored  int       `json:"putsStored"` // of single PUTs

	Versions []string `json:"versions,omitempty"` // object ids of the chain, oldest first; filled in by State

	words []string // tokens of the filename
}

// MetadataValue is one attribute's value as it was sent.
type MetadataValue struct {
	ID    string            `json:"metadataDefinitionId"`
	Value json.RawMessage   `json:"metadataDefinitionValue,omitempty"`
	Table [][]MetadataValue `json:"metadataDefinitionTableValue,omitempty"`
}

// Upload is a multipart upload.
type Upload struct {
	Seq      int64     `json:"seq"` // order of creation, that of the asset
	ID       string    `json:"uploadId"`
	ObjectID string    `json:"objectId"`
	FileID   string    `json:"fileId"`
	Key      string    `json:"s3Key"`
	Status   string    `json:"status"` // open, completed or cancelled
	Created  time.Time `json:"created"`
	URLs     int       `json:"urls"`  // how many were handed out
	Parts    []Part    `json:"parts"` // those that a PUT was seen of, by number
}

// Part is one part of a multipart upload.
type Part struct {
	Number int    `json:"partNumber"`
	Begun  int    `json:"putsBegun"`
	Stored int    `json:"putsStored"`
	Size   int64  `json:"size"`
	MD5    string `json:"md5,omitempty"`
	ETag   string `json:"etag,omitempty"` // as in the reply, quoted
	File   string `json:"file,omitempty"` // on disk until the upload ends
}

// upload is an Upload and the lock of its end.
type upload struct {
	Upload
	ending sync.Mutex // held while the upload is completed or cancelled
}

// part returns the part with the number, made when it is new. The pointer is
// good until the next call.
func (u *upload) part(number int) *Part {
	i, ok := slices.BinarySearchFunc(u.Parts, number, func(p Part, n int) int { return p.Number - n })
	if !ok {
		u.Parts = slices.Insert(u.Parts, i, Part{Number: number})
	}
	return &u.Parts[i]
}

// db is everything that the sandbox remembers of a customer. The mutex of the
// Server guards it.
type db struct {
	seq      int64
	byObject map[string]*Asset
	byFile   map[string]*Asset
	byKey    map[string]*Asset
	chains   map[string][]*Asset // by originalFileId, oldest first
	uploads  map[string]*upload
	bulk     []bulkEdit // not yet carried out
}

func newDB() *db {
	return &db{byObject: map[string]*Asset{}, byFile: map[string]*Asset{}, byKey: map[string]*Asset{},
		chains: map[string][]*Asset{}, uploads: map[string]*upload{}}
}

// add indexes an asset. Assets arrive in the order of their Seq.
func (d *db) add(a *Asset) {
	a.words = tokens(a.Filename)
	d.seq = max(d.seq, a.Seq)
	d.byObject[a.ObjectID] = a
	d.byFile[a.FileID] = a
	d.byKey[a.Key] = a
	d.chains[a.OriginalFileID] = append(d.chains[a.OriginalFileID], a)
}

// purge forgets an asset for good.
func (d *db) purge(a *Asset) {
	delete(d.byObject, a.ObjectID)
	delete(d.byFile, a.FileID)
	delete(d.byKey, a.Key)
	rest := slices.DeleteFunc(d.chains[a.OriginalFileID], func(x *Asset) bool { return x == a })
	if d.chains[a.OriginalFileID] = rest; len(rest) == 0 {
		delete(d.chains, a.OriginalFileID)
	}
}

// find returns the asset with the object or file id.
func (d *db) find(id string) *Asset {
	if a := d.byObject[id]; a != nil {
		return a
	}
	return d.byFile[id]
}

// assets returns all assets in the order of their creation.
func (d *db) assets() []*Asset {
	out := make([]*Asset, 0, len(d.byObject))
	for _, a := range d.byObject {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *Asset) int { return int(a.Seq - b.Seq) })
	return out
}

// live returns the versions of a chain that are not deleted.
func (d *db) live(original string) []*Asset {
	var out []*Asset
	for _, a := range d.chains[original] {
		if !a.Deleted {
			out = append(out, a)
		}
	}
	return out
}

// flip decides anew which version of a chain is the current one.
func (d *db) flip(original string, o Options) {
	chain := d.chains[original]
	for _, a := range chain {
		a.Current = false
	}
	candidates := d.live(original)
	if o.NoFallbackVersion && len(chain) > 0 && chain[len(chain)-1].Deleted {
		candidates = nil
	}
	if len(candidates) == 0 {
		return
	}
	pick := candidates[len(candidates)-1]
	if o.VersionFlipsLate {
		pick = candidates[0]
		for _, a := range candidates[1:] {
			if a.HasContent || a.FederatedPath != "" {
				pick = a
			}
		}
	}
	pick.Current = true
}
