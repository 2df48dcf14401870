package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MiB is 2^20 bytes.
const MiB = 1 << 20

// Options are the knobs of a Server. Those with a JSON name may be changed
// while it runs (POST /_sandbox/options, or [Server.Configure]); in JSON a
// duration is a Go duration such as "1h30m".
type Options struct {
	Dir     string           `json:"-"` // content and state.json; created when missing
	Account *Account         `json:"-"` // what the customer has configured; nil is DefaultAccount
	Clock   func() time.Time `json:"-"` // nil is time.Now
	Store   StoreSigner      `json:"-"` // another S3 server instead of the built-in store

	// Dialect of the API.
	APIVersion         string `json:"apiVersion"`         // "1.5" (default) or "1.0"
	Enveloped          bool   `json:"enveloped"`          // create answers {status, message, data}
	EnvelopeAll        bool   `json:"envelopeAll"`        // so does every other operation but login
	EnvelopeText       bool   `json:"envelopeText"`       // data is JSON in a string
	ErrorShape         string `json:"errorShape"`         // documented (default), message, status, statusCode, string
	ErrorsIn200        bool   `json:"errorsIn200"`        // every API error has HTTP status 200
	RequireAccessToken bool   `json:"requireAccessToken"` // the AccessToken header is needed beside Authorization
	AuthorizeWith      string `json:"authorizeWith"`      // token that Authorization takes: authorization (default), access, either
	RequireBasic       bool   `json:"requireBasic"`       // login needs HTTP Basic as well as the body
	RequireClientID    bool   `json:"requireClientId"`    // login needs clientId
	LogoutBody         string `json:"logoutBody"`         // auto (default: 1.5 needs it), required, optional
	EmptyUserPoolID    bool   `json:"emptyUserPoolId"`    // login answers userPoolId ""
	NumbersAsText      bool   `json:"numbersAsText"`      // epochs arrive as strings
	DraftNames         bool   `json:"draftNames"`         // fileName, technical_metadata, metadatadefinitionId as in the 1.5 draft

	// Rights.
	Lacks      string `json:"lacks"`      // operations to which the account has no right, with commas; admin is the lists that need an administrator
	LacksShape string `json:"lacksShape"` // how they are refused: notAuthorized (default: 403 in the service's words), unauthorized (401), forbidden (403), other (403, in other words)

	// Sessions.
	TokenLife               time.Duration `json:"tokenLife"`               // default 1h
	RefreshLife             time.Duration `json:"refreshLife"`             // default 30 days
	RotateRefresh           bool          `json:"rotateRefresh"`           // each refresh kills the refresh token that it used
	NoRefreshTokenOnRefresh bool          `json:"noRefreshTokenOnRefresh"` // a refresh answers without refresh token

	// Uploads.
	MultipartAlways             bool          `json:"multipartAlways"`             // multipart whenever filesize is sent, else only above 100 MiB
	MultipartUnasked            bool          `json:"multipartUnasked"`            // multipart though no filesize was sent, of one part: a cheap way to see one
	PartSizeDecimal             bool          `json:"partSizeDecimal"`             // parts of 10^8 bytes, not 100 MiB
	ExtraURLs                   int           `json:"extraUrls"`                   // more (or fewer) URLs than the size needs
	ShuffleURLs                 bool          `json:"shuffleUrls"`                 // urls[] in no order
	OmitPartNumbers             bool          `json:"omitPartNumbers"`             // urls[] in order, without partNumber
	MinPart                     int64         `json:"minPart"`                     // smallest part but the last, bytes; default 5 MiB
	URLLife                     time.Duration `json:"urlLife"`                     // of upload URLs; default 24h; whole seconds
	CredentialLife              time.Duration `json:"credentialLife"`              // URLs die this early with ExpiredToken; 0 is never
	MetaHeader                  string        `json:"metaHeader"`                  // x-amz-meta-objectid: query (default, header not needed), required, none
	ETagForm                    string        `json:"etagForm"`                    // what complete takes: any (default), quoted, bare
	SSEKMS                      bool          `json:"sseKms"`                      // ETags are no MD5s
	SilentKMS                   bool          `json:"silentKms"`                   // so they are, and no header says so
	WeakETags                   bool          `json:"weakEtags"`                   // replies carry W/"..." of the store's ETag, as behind a proxy that compresses
	Expect                      string        `json:"expect"`                      // what PUTs with Expect: 100-continue get: honour (default), refuse (417), refuse-late (100, then 417), ignore (never 100), http10 (nor a reply of HTTP/1.1)
	HandOut                     string        `json:"handOut"`                     // scheme://host that URLs are handed out with, in place of the sandbox's own
	Discard                     string        `json:"discard"`                     // keep (default), hash (no bytes kept), count (not hashed either)
	CompleteNeedsOriginalFileID bool          `json:"completeNeedsOriginalFileId"` // complete and cancel without it are refused
	CompleteTwice               string        `json:"completeTwice"`               // gone (default: 400), success, 404
	CancelTwice                 string        `json:"cancelTwice"`                 // gone (default: 400), success, 404
	CancelRecord                string        `json:"cancelRecord"`                // fate of the asset: keep (default), delete, purge

	// Assets.
	IndexLag           time.Duration `json:"indexLag"`           // search and scan see the past
	ChecksumLag        time.Duration `json:"checksumLag"`        // technicalMetadata appears this long after the content
	BulkLag            time.Duration `json:"bulkLag"`            // a bulk edit takes effect after it; default 100ms
	ContentLinkLife    time.Duration `json:"contentLinkLife"`    // default 20s
	FileSizeInBytes    bool          `json:"fileSizeInBytes"`    // technicalMetadata has fileSizeInBytes
	SizeReply          string        `json:"sizeReply"`          // how replies tell a size: display (default: "fileSize": "4.4 MB"), fileSize or filesize (in bytes), both (filesize in bytes, fileSize for people)
	ContentPathForm    string        `json:"contentPathForm"`    // what a federated create takes: either (default), url (s3://bucket/key), key
	ContentPathReply   string        `json:"contentPathReply"`   // what an asset tells of it: none (default), sent (as it was sent), key
	SystemMetadata     bool          `json:"systemMetadata"`     // metadata[] holds system_* values too
	EnforceRequired    bool          `json:"enforceRequired"`    // create without a required attribute is refused
	RefuseNullMetadata bool          `json:"refuseNullMetadata"` // metadata: null is refused like a missing one
	VersionFlipsLate   bool          `json:"versionFlipsLate"`   // a version is current only once it has content
	DeleteScope        string        `json:"deleteScope"`        // what goes with a version: version (default: itself alone), all, newer, older
	UndeleteScope      string        `json:"undeleteScope"`      // what comes back with a version: same (default: as deleteScope), version, all
	HideDeletedBy      bool          `json:"hideDeletedBy"`      // what is in the recycle bin does not tell who put it there, or when
	VersionsOrder      string        `json:"versionsOrder"`      // of the list of versions: oldest (default) or newest first
	Checksums          string        `json:"checksums"`          // MD5Checksum is told of all (default), of the current version, of none
	NoFallbackVersion  bool          `json:"noFallbackVersion"`  // deleting the current version leaves none current
	HideDeleted        bool          `json:"hideDeleted"`        // GET of a deleted asset is "Asset not found"
	UndeleteVerb       string        `json:"undeleteVerb"`       // undelete (default), un-delete, either
	BulkEditField      string        `json:"bulkEditField"`      // metadataDocument (default), metadata, either

	// Descriptions and search.
	VocabularyValuesShape string `json:"vocabularyValuesShape"` // documented (default: metadata in lists, metadataDocument in one), metadata, metadataDocument
	TemplateNameShape     string `json:"templateNameShape"`     // beside (default) or inside "template"
	TableColumnsKey       string `json:"tableColumnsKey"`       // key of a table attribute's columns; default metadataAttributes
	SearchPage            int    `json:"searchPage"`            // default 50
	SearchHits            string `json:"searchHits"`            // hitCount: all (default), omit, null, text, zero, page (of this page alone), more (than can be reached)
	SearchIgnoresFrom     bool   `json:"searchIgnoresFrom"`     // every page is the first
	SearchIgnoresVersions bool   `json:"searchIgnoresVersions"` // includeVersions is not heeded
	ScanEnd               string `json:"scanEnd"`               // empty (default: a last page without results), omit the cursor, repeat it

	// Rights.
	RefuseCreate    string `json:"refuseCreate"`    // each create is answered 403 with this message; "" is none
	RefuseCreateFor string `json:"refuseCreateFor"` // only with this metadata or security template id

	// A proxy on the way, which answers in place of the service.
	ProxyStatus int    `json:"proxyStatus"` // what it answers; 0 is no proxy, 200 a captive portal
	ProxyOn     string `json:"proxyOn"`     // operations, comma-separated; default PutPart,PutObject
	ProxyOver   int64  `json:"proxyOver"`   // only requests with as many bytes
	ProxyBody   string `json:"proxyBody"`   // html (default), json, text, xml, empty

	// Clocks; each may be negative.
	ClockAhead time.Duration `json:"clockAhead"` // of the whole service, before this host's
	DateAhead  time.Duration `json:"dateAhead"`  // of the Date header, before the service's
	NoDate     bool          `json:"noDate"`     // replies have no Date header
	SignAhead  time.Duration `json:"signAhead"`  // of who signs URLs, before the service's
	StoreAhead time.Duration `json:"storeAhead"` // of the content store, before the service's

	// Weather.
	APIDelay   time.Duration `json:"apiDelay"`   // before each API operation
	StoreDelay time.Duration `json:"storeDelay"` // before each request to the store
}

// Preset returns the options of one API version as its documents have it: "1.5"
// envelopes, hands out multipart URLs above 100 MiB and in no order; "1.0"
// answers bare, hands them out whenever filesize is sent, and needs the
// AccessToken header and a client id.
func Preset(version string) (Options, error) {
	switch version {
	case "1.5":
		return Options{APIVersion: version, Enveloped: true, ShuffleURLs: true}, nil
	case "1.0":
		return Options{APIVersion: version, MultipartAlways: true, RequireAccessToken: true, RequireClientID: true}, nil
	}
	return Options{}, fmt.Errorf("sandbox: no preset for API version %q: have 1.5 and 1.0", version)
}

// BasePath is the path that the documents put before the operations of the API
// version. The server answers below any other as well.
func (o Options) BasePath() string {
	if o.APIVersion == "1.0" {
		return "/content-store-v1"
	}
	return "/v1"
}

// partSize is the size of all parts but the last, and the size above which an
// upload is multipart.
func (o Options) partSize() int64 {
	if o.PartSizeDecimal {
		return 100_000_000
	}
	return 100 * MiB
}

// complete fills in the defaults and reports every knob that makes no sense.
func (o *Options) complete() error {
	var bad []error
	enum := func(name string, v *string, allowed ...string) {
		if *v == "" {
			*v = allowed[0]
		}
		if !slices.Contains(allowed, *v) {
			bad = append(bad, fmt.Errorf("%s is %q, not one of %s", name, *v, strings.Join(allowed, ", ")))
		}
	}
	enum("apiVersion", &o.APIVersion, "1.5", "1.0")
	enum("errorShape", &o.ErrorShape, "documented", "message", "status", "statusCode", "string")
	enum("authorizeWith", &o.AuthorizeWith, "authorization", "access", "either")
	enum("lacksShape", &o.LacksShape, "notAuthorized", "unauthorized", "forbidden", "other")
	enum("logoutBody", &o.LogoutBody, "auto", "required", "optional")
	enum("metaHeader", &o.MetaHeader, "query", "required", "none")
	enum("etagForm", &o.ETagForm, "any", "quoted", "bare")
	enum("discard", &o.Discard, "keep", "hash", "count")
	enum("expect", &o.Expect, "honour", "refuse", "refuse-late", "ignore", "http10")
	enum("completeTwice", &o.CompleteTwice, "gone", "success", "404")
	enum("cancelTwice", &o.CancelTwice, "gone", "success", "404")
	enum("cancelRecord", &o.CancelRecord, "keep", "delete", "purge")
	enum("deleteScope", &o.DeleteScope, "version", "all", "newer", "older")
	enum("undeleteScope", &o.UndeleteScope, "same", "version", "all")
	enum("versionsOrder", &o.VersionsOrder, "oldest", "newest")
	enum("checksums", &o.Checksums, "all", "current", "none")
	enum("undeleteVerb", &o.UndeleteVerb, "undelete", "un-delete", "either")
	enum("bulkEditField", &o.BulkEditField, "metadataDocument", "metadata", "either")
	enum("sizeReply", &o.SizeReply, "display", "fileSize", "filesize", "both")
	enum("contentPathForm", &o.ContentPathForm, "either", "url", "key")
	enum("contentPathReply", &o.ContentPathReply, "none", "sent", "key")
	enum("vocabularyValuesShape", &o.VocabularyValuesShape, "documented", "metadata", "metadataDocument")
	enum("templateNameShape", &o.TemplateNameShape, "beside", "inside")
	enum("proxyBody", &o.ProxyBody, "html", "json", "text", "xml", "empty")
	enum("scanEnd", &o.ScanEnd, "empty", "omit", "repeat")
	enum("searchHits", &o.SearchHits, "all", "omit", "null", "text", "zero", "page", "more")

	length := func(name string, v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
		if *v < 0 {
			bad = append(bad, fmt.Errorf("%s is negative", name))
		}
	}
	length("tokenLife", &o.TokenLife, time.Hour)
	length("refreshLife", &o.RefreshLife, 30*24*time.Hour)
	length("urlLife", &o.URLLife, 24*time.Hour)
	length("credentialLife", &o.CredentialLife, 0)
	length("indexLag", &o.IndexLag, 0)
	length("checksumLag", &o.ChecksumLag, 0)
	length("bulkLag", &o.BulkLag, 100*time.Millisecond)
	length("contentLinkLife", &o.ContentLinkLife, 20*time.Second)
	length("apiDelay", &o.APIDelay, 0)
	length("storeDelay", &o.StoreDelay, 0)

	if o.ProxyOn == "" {
		o.ProxyOn = PutPart + "," + PutObject
	}
	for op := range strings.SplitSeq(o.ProxyOn, ",") {
		if !slices.Contains(Operations(), op) {
			bad = append(bad, fmt.Errorf("proxyOn has %q, which is no operation", op))
		}
	}
	if o.ProxyStatus != 0 && (o.ProxyStatus < 200 || o.ProxyStatus > 599) {
		bad = append(bad, fmt.Errorf("proxyStatus %d is none", o.ProxyStatus))
	}
	if o.MinPart == 0 {
		o.MinPart = 5 * MiB
	}
	if o.SearchPage == 0 {
		o.SearchPage = 50
	}
	if o.TableColumnsKey == "" {
		o.TableColumnsKey = "metadataAttributes"
	}
	bad = append(bad, o.checkLacks())
	if o.MinPart < 0 || o.SearchPage < 0 {
		bad = append(bad, errors.New("minPart and searchPage cannot be negative"))
	}
	return errors.Join(bad...)
}
