package xmp

import (
	"encoding/xml"
	"slices"
	"strings"
)

type namespace struct{ prefix, uri string }

// namespaces lists the well-known namespaces. A local name that two of them share
// belongs to the first: what people write comes before what devices and
// programs do. Namespaces that are not listed come last.
var namespaces = []namespace{
	{"dc", "http://purl.org/dc/elements/1.1/"},
	{"photoshop", "http://ns.adobe.com/photoshop/1.0/"},
	{"Iptc4xmpCore", "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"},
	{"Iptc4xmpExt", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"},
	{"xmp", "http://ns.adobe.com/xap/1.0/"},
	{"xmpRights", "http://ns.adobe.com/xap/1.0/rights/"},
	{"plus", "http://ns.useplus.org/ldf/xmp/1.0/"},
	{"prism", "http://prismstandard.org/namespaces/basic/2.0/"},
	{"lr", "http://ns.adobe.com/lightroom/1.0/"},
	{"mwg-kw", "http://www.metadataworkinggroup.com/schemas/keywords/"},
	{"mwg-coll", "http://www.metadataworkinggroup.com/schemas/collections/"},
	{"mwg-rs", "http://www.metadataworkinggroup.com/schemas/regions/"},
	{"digiKam", "http://www.digikam.org/ns/1.0/"},
	{"acdsee", "http://ns.acdsee.com/iptc/1.0/"},
	{"mediapro", "http://ns.iview-multimedia.com/mediapro/1.0/"},
	{"expressionmedia", "http://ns.microsoft.com/expressionmedia/1.0/"},
	{"MicrosoftPhoto", "http://ns.microsoft.com/photo/1.0/"},
	{"MP", "http://ns.microsoft.com/photo/1.2/"},
	{"MPRI", "http://ns.microsoft.com/photo/1.2/t/RegionInfo#"},
	{"MPReg", "http://ns.microsoft.com/photo/1.2/t/Region#"},
	{"cc", "http://creativecommons.org/ns#"},
	{"pdf", "http://ns.adobe.com/pdf/1.3/"},
	{"pdfx", "http://ns.adobe.com/pdfx/1.3/"},
	{"pdfaid", "http://www.aiim.org/pdfa/ns/id/"},
	{"pdfuaid", "http://www.aiim.org/pdfua/ns/id/"},
	{"xmpDM", "http://ns.adobe.com/xmp/1.0/DynamicMedia/"},
	{"xmpMM", "http://ns.adobe.com/xap/1.0/mm/"},
	{"xmpBJ", "http://ns.adobe.com/xap/1.0/bj/"},
	{"xmpTPg", "http://ns.adobe.com/xap/1.0/t/pg/"},
	{"xmpNote", "http://ns.adobe.com/xmp/note/"},
	{"xmpG", "http://ns.adobe.com/xap/1.0/g/"},
	{"xmpGImg", xmpGImg},
	{"stDim", "http://ns.adobe.com/xap/1.0/sType/Dimensions#"},
	{"stFnt", "http://ns.adobe.com/xap/1.0/sType/Font#"},
	{"stEvt", "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"},
	{"stRef", "http://ns.adobe.com/xap/1.0/sType/ResourceRef#"},
	{"stVer", "http://ns.adobe.com/xap/1.0/sType/Version#"},
	{"stJob", "http://ns.adobe.com/xap/1.0/sType/Job#"},
	{"stMfs", "http://ns.adobe.com/xap/1.0/sType/ManifestItem#"},
	{"stArea", "http://ns.adobe.com/xmp/sType/Area#"},
	{"illustrator", "http://ns.adobe.com/illustrator/1.0/"},
	{"dicom", "http://ns.adobe.com/DICOM/"},
	{"GPano", "http://ns.google.com/photos/1.0/panorama/"},
	{"GCamera", "http://ns.google.com/photos/1.0/camera/"},
	{"GDepth", "http://ns.google.com/photos/1.0/depthmap/"},
	{"GImage", "http://ns.google.com/photos/1.0/image/"},
	{"GAudio", "http://ns.google.com/photos/1.0/audio/"},
	{"drone-dji", "http://www.dji.com/drone-dji/1.0/"},
	{"hdrgm", "http://ns.adobe.com/hdr-gain-map/1.0/"},
	{"crs", "http://ns.adobe.com/camera-raw-settings/1.0/"},
	{"crss", "http://ns.adobe.com/camera-raw-saved-settings/1.0/"},
	{"darktable", "http://darktable.sf.net/"},
	{"aux", "http://ns.adobe.com/exif/1.0/aux/"},
	{"exifEX", "http://cipa.jp/exif/1.0/"},
	{"exif", "http://ns.adobe.com/exif/1.0/"},
	{"tiff", "http://ns.adobe.com/tiff/1.0/"},
}

const xmpGImg = "http://ns.adobe.com/xap/1.0/g/img/"

// noFacts names what is passed over with all it holds: pictures and sounds in
// base64, and a list that Photoshop lets grow to hundreds of thousands of ids.
var noFacts = map[xml.Name]bool{
	{Space: xmpGImg, Local: "image"}:                                              true,
	{Space: "http://ns.google.com/photos/1.0/depthmap/", Local: "Data"}:           true,
	{Space: "http://ns.google.com/photos/1.0/image/", Local: "Data"}:              true,
	{Space: "http://ns.google.com/photos/1.0/audio/", Local: "Data"}:              true,
	{Space: "http://ns.google.com/photos/1.0/camera/", Local: "hdrp_makernote"}:   true,
	{Space: "http://ns.google.com/photos/1.0/camera/", Local: "HdrPlusMakernote"}: true,
	{Space: "http://ns.google.com/photos/1.0/camera/", Local: "shot_log_data"}:    true,
	{Space: "http://ns.adobe.com/photoshop/1.0/", Local: "DocumentAncestors"}:     true,
}

var ranks = func() map[string]int {
	ranks := make(map[string]int, len(namespaces))
	for i, ns := range namespaces {
		ranks[ns.uri] = i
		if short := strings.TrimRight(ns.uri, "/#"); short != ns.uri { // as some write it
			ranks[short] = i
		}
		if ns.prefix == "prism" { // each version has its own
			for _, version := range []string{"1.0", "1.1", "1.2", "2.1", "2.2", "3.0", "3.1"} {
				ranks["http://prismstandard.org/namespaces/basic/"+version+"/"] = i
			}
		}
	}
	return ranks
}()

// rank returns a namespace's place in the order of namespaces.
func rank(uri string) int {
	if i, known := ranks[uri]; known {
		return i
	}
	return len(namespaces)
}

// customaryPrefix returns the prefix by which facts name a namespace: inFile
// where the URI is not well known, unless that prefix is another's by custom.
func customaryPrefix(uri, inFile string) string {
	if i, known := ranks[uri]; known {
		return namespaces[i].prefix
	}
	taken := func(ns namespace) bool { return strings.EqualFold(ns.prefix, inFile) }
	if slices.ContainsFunc(namespaces, taken) {
		return ""
	}
	return inFile
}

// customarySpace returns the URI that a prefix stands for by custom, or the prefix.
func customarySpace(prefix string) string {
	switch prefix {
	case "rdf":
		return rdfSpace
	case "xap": // as Adobe called its own before they were called xmp
		prefix = "xmp"
	case "xapRights":
		prefix = "xmpRights"
	case "xapMM":
		prefix = "xmpMM"
	}
	for _, ns := range namespaces {
		if ns.prefix == prefix {
			return ns.uri
		}
	}
	return prefix
}

// KnownPrefix reports whether a prefix is the customary one of a well-known namespace.
func KnownPrefix(prefix string) bool {
	return slices.ContainsFunc(namespaces, func(n namespace) bool { return n.prefix == prefix })
}

// PassedOver reports whether a property of a well-known namespace is no fact, with all
// that it holds. In neither of the names case counts.
func PassedOver(prefix, local string) bool {
	for name := range noFacts {
		if i, ok := ranks[name.Space]; ok && strings.EqualFold(namespaces[i].prefix, prefix) && strings.EqualFold(name.Local, local) {
			return true
		}
	}
	return false
}
