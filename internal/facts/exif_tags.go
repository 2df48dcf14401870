package facts

import "strings"

// exifForm says how a tag's value is written.
type exifForm int

const (
	formPlain        exifForm = iota // by its type
	formByte                         // one number, of the first byte
	formBytes                        // a number for each byte
	formASCII                        // text, though its type says bytes
	formCopyright                    // texts of two holders
	formComment                      // text that names its encoding
	formUTF16                        // text of Windows
	formDate                         // day and time of day
	formDay                          // day
	formClock                        // time of day as three numbers
	formDegrees                      // three numbers
	formSigned                       // a number that may be below zero, whatever its type says
	formExposure                     // seconds
	formAPEXTime                     // log2 of 1/seconds
	formAPEXAperture                 // log2 of the f-number, squared
)

type exifTag struct {
	names string // ExifTool's, then that of the EXIF standard where it differs, then one of ExifTool's for the whole
	form  exifForm
	part  bool // told together with another tag
}

func (t exifTag) name() string {
	name, _, _ := strings.Cut(t.names, " ")
	return name
}

// EXIFTags returns the names of the tags that facts can have, in no order.
func EXIFTags() []string {
	var names []string
	for _, tags := range []map[uint16]exifTag{exifTags, gpsTags} {
		for _, tag := range tags {
			names = append(names, strings.Fields(tag.names)...)
		}
	}
	return names
}

// exifTags are the tags of the first directory and of EXIF's own. Left out is
// what tells how the picture is stored, and what only its maker can read.
var exifTags = map[uint16]exifTag{
	0x0100: {names: "ImageWidth"},
	0x0101: {names: "ImageHeight ImageLength"},
	0x0102: {names: "BitsPerSample"},
	0x0103: {names: "Compression"},
	0x0106: {names: "PhotometricInterpretation"},
	0x010D: {names: "DocumentName"},
	0x010E: {names: "ImageDescription"},
	0x010F: {names: "Make"},
	0x0110: {names: "Model"},
	0x0112: {names: "Orientation"},
	0x0115: {names: "SamplesPerPixel"},
	0x011A: {names: "XResolution"},
	0x011B: {names: "YResolution"},
	0x011D: {names: "PageName"},
	0x0128: {names: "ResolutionUnit"},
	0x0129: {names: "PageNumber"},
	0x0131: {names: "Software"},
	0x0132: {names: "ModifyDate DateTime SubSecModifyDate", form: formDate, part: true},
	0x013B: {names: "Artist"},
	0x013C: {names: "HostComputer"},
	0x4746: {names: "Rating"},
	0x4749: {names: "RatingPercent"},
	0x8298: {names: "Copyright", form: formCopyright},
	0x829A: {names: "ExposureTime", form: formExposure},
	0x829D: {names: "FNumber"},
	0x8822: {names: "ExposureProgram"},
	0x8824: {names: "SpectralSensitivity"},
	0x8827: {names: "ISO PhotographicSensitivity ISOSpeedRatings"},
	0x8830: {names: "SensitivityType"},
	0x8831: {names: "StandardOutputSensitivity"},
	0x8832: {names: "RecommendedExposureIndex"},
	0x8833: {names: "ISOSpeed"},
	0x9000: {names: "ExifVersion", form: formASCII},
	0x9003: {names: "DateTimeOriginal SubSecDateTimeOriginal", form: formDate, part: true},
	0x9004: {names: "CreateDate DateTimeDigitized SubSecCreateDate", form: formDate, part: true},
	0x9010: {names: "OffsetTime", part: true},
	0x9011: {names: "OffsetTimeOriginal", part: true},
	0x9012: {names: "OffsetTimeDigitized", part: true},
	0x9201: {names: "ShutterSpeedValue", form: formAPEXTime},
	0x9202: {names: "ApertureValue", form: formAPEXAperture},
	0x9203: {names: "BrightnessValue"},
	0x9204: {names: "ExposureCompensation ExposureBiasValue", form: formSigned},
	0x9205: {names: "MaxApertureValue", form: formAPEXAperture},
	0x9206: {names: "SubjectDistance"},
	0x9207: {names: "MeteringMode"},
	0x9208: {names: "LightSource"},
	0x9209: {names: "Flash"},
	0x920A: {names: "FocalLength"},
	0x9211: {names: "ImageNumber"},
	0x9212: {names: "SecurityClassification"},
	0x9213: {names: "ImageHistory"},
	0x9214: {names: "SubjectArea"},
	0x9286: {names: "UserComment", form: formComment},
	0x9290: {names: "SubSecTime", part: true},
	0x9291: {names: "SubSecTimeOriginal", part: true},
	0x9292: {names: "SubSecTimeDigitized", part: true},
	0x9400: {names: "AmbientTemperature Temperature"},
	0x9401: {names: "Humidity"},
	0x9402: {names: "Pressure"},
	0x9403: {names: "WaterDepth"},
	0x9404: {names: "Acceleration"},
	0x9405: {names: "CameraElevationAngle"},
	0x9C9B: {names: "XPTitle", form: formUTF16},
	0x9C9C: {names: "XPComment", form: formUTF16},
	0x9C9D: {names: "XPAuthor", form: formUTF16},
	0x9C9E: {names: "XPKeywords", form: formUTF16},
	0x9C9F: {names: "XPSubject", form: formUTF16},
	0xA001: {names: "ColorSpace"},
	0xA002: {names: "ExifImageWidth PixelXDimension"},
	0xA003: {names: "ExifImageHeight PixelYDimension"},
	0xA004: {names: "RelatedSoundFile"},
	0xA20B: {names: "FlashEnergy"},
	0xA20E: {names: "FocalPlaneXResolution"},
	0xA20F: {names: "FocalPlaneYResolution"},
	0xA210: {names: "FocalPlaneResolutionUnit"},
	0xA214: {names: "SubjectLocation"},
	0xA215: {names: "ExposureIndex"},
	0xA217: {names: "SensingMethod"},
	0xA300: {names: "FileSource", form: formByte},
	0xA301: {names: "SceneType", form: formByte},
	0xA401: {names: "CustomRendered"},
	0xA402: {names: "ExposureMode"},
	0xA403: {names: "WhiteBalance"},
	0xA404: {names: "DigitalZoomRatio"},
	0xA405: {names: "FocalLengthIn35mmFormat FocalLengthIn35mmFilm"},
	0xA406: {names: "SceneCaptureType"},
	0xA407: {names: "GainControl"},
	0xA408: {names: "Contrast"},
	0xA409: {names: "Saturation"},
	0xA40A: {names: "Sharpness"},
	0xA40C: {names: "SubjectDistanceRange"},
	0xA420: {names: "ImageUniqueID"},
	0xA430: {names: "OwnerName CameraOwnerName"},
	0xA431: {names: "SerialNumber BodySerialNumber"},
	0xA432: {names: "LensInfo LensSpecification"},
	0xA433: {names: "LensMake"},
	0xA434: {names: "LensModel"},
	0xA435: {names: "LensSerialNumber"},
	0xA436: {names: "Title ImageTitle"},
	0xA437: {names: "Photographer"},
	0xA438: {names: "ImageEditor"},
	0xA439: {names: "CameraFirmware"},
	0xA43A: {names: "RAWDevelopingSoftware"},
	0xA43B: {names: "ImageEditingSoftware"},
	0xA43C: {names: "MetadataEditingSoftware"},
	0xA460: {names: "CompositeImage"},
	0xA500: {names: "Gamma"},
	0xC614: {names: "UniqueCameraModel"},
	0xC615: {names: "LocalizedCameraModel"},
	0xC62F: {names: "CameraSerialNumber"},
	0xC68B: {names: "OriginalRawFileName", form: formASCII},
	0xC7A1: {names: "CameraLabel"},
	0xC789: {names: "ReelName"},
}

// gpsTags are the tags of the directory that tells the place.
var gpsTags = map[uint16]exifTag{
	0x0000: {names: "GPSVersionID", form: formBytes},
	0x0001: {names: "GPSLatitudeRef", part: true},
	0x0002: {names: "GPSLatitude", form: formDegrees, part: true},
	0x0003: {names: "GPSLongitudeRef", part: true},
	0x0004: {names: "GPSLongitude", form: formDegrees, part: true},
	0x0005: {names: "GPSAltitudeRef", part: true},
	0x0006: {names: "GPSAltitude", part: true},
	0x0007: {names: "GPSTimeStamp", form: formClock},
	0x0008: {names: "GPSSatellites"},
	0x0009: {names: "GPSStatus"},
	0x000A: {names: "GPSMeasureMode"},
	0x000B: {names: "GPSDOP"},
	0x000C: {names: "GPSSpeedRef"},
	0x000D: {names: "GPSSpeed"},
	0x000E: {names: "GPSTrackRef"},
	0x000F: {names: "GPSTrack"},
	0x0010: {names: "GPSImgDirectionRef"},
	0x0011: {names: "GPSImgDirection"},
	0x0012: {names: "GPSMapDatum"},
	0x0017: {names: "GPSDestBearingRef"},
	0x0018: {names: "GPSDestBearing"},
	0x0019: {names: "GPSDestDistanceRef"},
	0x001A: {names: "GPSDestDistance"},
	0x001B: {names: "GPSProcessingMethod", form: formComment},
	0x001C: {names: "GPSAreaInformation", form: formComment},
	0x001D: {names: "GPSDateStamp", form: formDay},
	0x001E: {names: "GPSDifferential"},
	0x001F: {names: "GPSHPositioningError"},
}
