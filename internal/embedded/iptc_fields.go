package embedded

import (
	"strings"

	"github.com/tenovos-ingest/ingestd/internal/metadata"
)

// iptcAliases are other names of datasets, squeezed: those of IPTC Core, of Exiv2 and
// of the forms in which people know them.
var iptcAliases = map[string]string{
	"caption":               "Caption-Abstract",
	"captionwriter":         "Writer-Editor",
	"copyright":             "CopyrightNotice",
	"country":               "Country-PrimaryLocationName",
	"countrycode":           "Country-PrimaryLocationCode",
	"countryname":           "Country-PrimaryLocationName",
	"creator":               "By-line",
	"description":           "Caption-Abstract",
	"instructions":          "SpecialInstructions",
	"keyword":               "Keywords",
	"province":              "Province-State",
	"state":                 "Province-State",
	"subject":               "SubjectReference",
	"supplementalcategory":  "SupplementalCategories",
	"title":                 "ObjectName",
	"transmissionreference": "OriginalTransmissionReference",
	"writer":                "Writer-Editor",
}

// iptcNames returns the names of the fields that facts can have, in no order.
func iptcNames() []string {
	names := make([]string, 0, len(iptcFields))
	for _, field := range iptcFields {
		names = append(names, field.name)
	}
	return names
}

// IPTCField returns the name under which facts hold a field. Neither case nor the
// hyphens, slashes and spaces that standards and programs disagree upon count:
// "Byline" is "By-line".
func IPTCField(name string) (string, bool) {
	name = strings.ReplaceAll(metadata.Squeeze(name), "/", "")
	if alias, ok := iptcAliases[name]; ok {
		return alias, true
	}
	for _, field := range iptcFields {
		if metadata.Squeeze(field.name) == name {
			return field.name, true
		}
	}
	return "", false
}

// iptcFields names the datasets of IIM by record and number, as ExifTool does.
// Left out are pictures, sounds and records of programs.
var iptcFields = map[[2]byte]iptcField{
	{1, 5}:   {name: "Destination"},
	{1, 30}:  {name: "ServiceIdentifier"},
	{1, 40}:  {name: "EnvelopeNumber"},
	{1, 50}:  {name: "ProductID"},
	{1, 60}:  {name: "EnvelopePriority"},
	{1, 70}:  {name: "DateSent", form: iptcDay},
	{1, 80}:  {name: "TimeSent", form: iptcTime},
	{1, 100}: {name: "UniqueObjectName"},
	{2, 0}:   {name: "ApplicationRecordVersion", form: iptcNumber},
	{2, 3}:   {name: "ObjectTypeReference"},
	{2, 4}:   {name: "ObjectAttributeReference"},
	{2, 5}:   {name: "ObjectName"},
	{2, 7}:   {name: "EditStatus"},
	{2, 8}:   {name: "EditorialUpdate"},
	{2, 10}:  {name: "Urgency"},
	{2, 12}:  {name: "SubjectReference"},
	{2, 15}:  {name: "Category"},
	{2, 20}:  {name: "SupplementalCategories"},
	{2, 22}:  {name: "FixtureIdentifier"},
	{2, 25}:  {name: "Keywords"},
	{2, 26}:  {name: "ContentLocationCode"},
	{2, 27}:  {name: "ContentLocationName"},
	{2, 30}:  {name: "ReleaseDate", form: iptcDay},
	{2, 35}:  {name: "ReleaseTime", form: iptcTime},
	{2, 37}:  {name: "ExpirationDate", form: iptcDay},
	{2, 38}:  {name: "ExpirationTime", form: iptcTime},
	{2, 40}:  {name: "SpecialInstructions"},
	{2, 42}:  {name: "ActionAdvised"},
	{2, 45}:  {name: "ReferenceService"},
	{2, 47}:  {name: "ReferenceDate", form: iptcDay},
	{2, 50}:  {name: "ReferenceNumber"},
	{2, 55}:  {name: "DateCreated", form: iptcDay},
	{2, 60}:  {name: "TimeCreated", form: iptcTime},
	{2, 62}:  {name: "DigitalCreationDate", form: iptcDay},
	{2, 63}:  {name: "DigitalCreationTime", form: iptcTime},
	{2, 65}:  {name: "OriginatingProgram"},
	{2, 70}:  {name: "ProgramVersion"},
	{2, 75}:  {name: "ObjectCycle"},
	{2, 80}:  {name: "By-line"},
	{2, 85}:  {name: "By-lineTitle"},
	{2, 90}:  {name: "City"},
	{2, 92}:  {name: "Sub-location"},
	{2, 95}:  {name: "Province-State"},
	{2, 100}: {name: "Country-PrimaryLocationCode"},
	{2, 101}: {name: "Country-PrimaryLocationName"},
	{2, 103}: {name: "OriginalTransmissionReference"},
	{2, 105}: {name: "Headline"},
	{2, 110}: {name: "Credit"},
	{2, 115}: {name: "Source"},
	{2, 116}: {name: "CopyrightNotice"},
	{2, 118}: {name: "Contact"},
	{2, 120}: {name: "Caption-Abstract"},
	{2, 121}: {name: "LocalCaption"},
	{2, 122}: {name: "Writer-Editor"},
	{2, 130}: {name: "ImageType"},
	{2, 131}: {name: "ImageOrientation"},
	{2, 135}: {name: "LanguageIdentifier"},
	{2, 184}: {name: "JobID"},
	{2, 185}: {name: "MasterDocumentID"},
	{2, 186}: {name: "ShortDocumentID"},
	{2, 187}: {name: "UniqueDocumentID"},
	{2, 188}: {name: "OwnerID"},
	{2, 221}: {name: "Prefs"},
}
