package exif

import "strings"

// Form says how a tag's value is written.
type Form int

// The forms.
const (
	FormPlain        Form = iota // by its type
	FormByte                     // one number, of the first byte
	FormBytes                    // a number for each byte
	FormASCII                    // text, though its type says bytes
	FormCopyright                // texts of two holders
	FormComment                  // text that names its encoding
	FormUTF16                    // text of Windows
	FormDate                     // day and time of day
	FormDay                      // day
	FormClock                    // time of day as three numbers
	FormDegrees                  // three numbers
	FormSigned                   // a number that may be below zero, whatever its type says
	FormExposure                 // seconds
	FormAPEXTime                 // log2 of 1/seconds
	FormAPEXAperture             // log2 of the f-number, squared
)

// Tag is a tag by its names.
type Tag struct {
	Names string // ExifTool's, then that of the EXIF standard where it differs, then one of ExifTool's for the whole
	Form  Form
	Part  bool // told together with another tag
}

// Name returns the first of the names.
func (t Tag) Name() string {
	name, _, _ := strings.Cut(t.Names, " ")
	return name
}

// Names returns the names of the tags that facts can have, in no order.
func Names() []string {
	var names []string
	for _, tags := range []map[uint16]Tag{Tags, GPSTags} {
		for _, tag := range tags {
			names = append(names, strings.Fields(tag.Names)...)
		}
	}
	return names
}

// Tags are the tags of the first directory and of EXIF's own. Left out is
// what tells how the picture is stored, and what only its maker can read.
var Tags = map[uint16]Tag{
	0x0100: {Names: "ImageWidth"},
	0x0101: {Names: "ImageHeight ImageLength"},
	0x0102: {Names: "BitsPerSample"},
	0x0103: {Names: "Compression"},
	0x0106: {Names: "PhotometricInterpretation"},
	0x010D: {Names: "DocumentName"},
	0x010E: {Names: "ImageDescription"},
	0x010F: {Names: "Make"},
	0x0110: {Names: "Model"},
	0x0112: {Names: "Orientation"},
	0x0115: {Names: "SamplesPerPixel"},
	0x011A: {Names: "XResolution"},
	0x011B: {Names: "YResolution"},
	0x011D: {Names: "PageName"},
	0x0128: {Names: "ResolutionUnit"},
	0x0129: {Names: "PageNumber"},
	0x0131: {Names: "Software"},
	0x0132: {Names: "ModifyDate DateTime SubSecModifyDate", Form: FormDate, Part: true},
	0x013B: {Names: "Artist"},
	0x013C: {Names: "HostComputer"},
	0x4746: {Names: "Rating"},
	0x4749: {Names: "RatingPercent"},
	0x8298: {Names: "Copyright", Form: FormCopyright},
	0x829A: {Names: "ExposureTime", Form: FormExposure},
	0x829D: {Names: "FNumber"},
	0x8822: {Names: "ExposureProgram"},
	0x8824: {Names: "SpectralSensitivity"},
	0x8827: {Names: "ISO PhotographicSensitivity ISOSpeedRatings"},
	0x8830: {Names: "SensitivityType"},
	0x8831: {Names: "StandardOutputSensitivity"},
	0x8832: {Names: "RecommendedExposureIndex"},
	0x8833: {Names: "ISOSpeed"},
	0x9000: {Names: "ExifVersion", Form: FormASCII},
	0x9003: {Names: "DateTimeOriginal SubSecDateTimeOriginal", Form: FormDate, Part: true},
	0x9004: {Names: "CreateDate DateTimeDigitized SubSecCreateDate", Form: FormDate, Part: true},
	0x9010: {Names: "OffsetTime", Part: true},
	0x9011: {Names: "OffsetTimeOriginal", Part: true},
	0x9012: {Names: "OffsetTimeDigitized", Part: true},
	0x9201: {Names: "ShutterSpeedValue", Form: FormAPEXTime},
	0x9202: {Names: "ApertureValue", Form: FormAPEXAperture},
	0x9203: {Names: "BrightnessValue"},
	0x9204: {Names: "ExposureCompensation ExposureBiasValue", Form: FormSigned},
	0x9205: {Names: "MaxApertureValue", Form: FormAPEXAperture},
	0x9206: {Names: "SubjectDistance"},
	0x9207: {Names: "MeteringMode"},
	0x9208: {Names: "LightSource"},
	0x9209: {Names: "Flash"},
	0x920A: {Names: "FocalLength"},
	0x9211: {Names: "ImageNumber"},
	0x9212: {Names: "SecurityClassification"},
	0x9213: {Names: "ImageHistory"},
	0x9214: {Names: "SubjectArea"},
	0x9286: {Names: "UserComment", Form: FormComment},
	0x9290: {Names: "SubSecTime", Part: true},
	0x9291: {Names: "SubSecTimeOriginal", Part: true},
	0x9292: {Names: "SubSecTimeDigitized", Part: true},
	0x9400: {Names: "AmbientTemperature Temperature"},
	0x9401: {Names: "Humidity"},
	0x9402: {Names: "Pressure"},
	0x9403: {Names: "WaterDepth"},
	0x9404: {Names: "Acceleration"},
	0x9405: {Names: "CameraElevationAngle"},
	0x9C9B: {Names: "XPTitle", Form: FormUTF16},
	0x9C9C: {Names: "XPComment", Form: FormUTF16},
	0x9C9D: {Names: "XPAuthor", Form: FormUTF16},
	0x9C9E: {Names: "XPKeywords", Form: FormUTF16},
	0x9C9F: {Names: "XPSubject", Form: FormUTF16},
	0xA001: {Names: "ColorSpace"},
	0xA002: {Names: "ExifImageWidth PixelXDimension"},
	0xA003: {Names: "ExifImageHeight PixelYDimension"},
	0xA004: {Names: "RelatedSoundFile"},
	0xA20B: {Names: "FlashEnergy"},
	0xA20E: {Names: "FocalPlaneXResolution"},
	0xA20F: {Names: "FocalPlaneYResolution"},
	0xA210: {Names: "FocalPlaneResolutionUnit"},
	0xA214: {Names: "SubjectLocation"},
	0xA215: {Names: "ExposureIndex"},
	0xA217: {Names: "SensingMethod"},
	0xA300: {Names: "FileSource", Form: FormByte},
	0xA301: {Names: "SceneType", Form: FormByte},
	0xA401: {Names: "CustomRendered"},
	0xA402: {Names: "ExposureMode"},
	0xA403: {Names: "WhiteBalance"},
	0xA404: {Names: "DigitalZoomRatio"},
	0xA405: {Names: "FocalLengthIn35mmFormat FocalLengthIn35mmFilm"},
	0xA406: {Names: "SceneCaptureType"},
	0xA407: {Names: "GainControl"},
	0xA408: {Names: "Contrast"},
	0xA409: {Names: "Saturation"},
	0xA40A: {Names: "Sharpness"},
	0xA40C: {Names: "SubjectDistanceRange"},
	0xA420: {Names: "ImageUniqueID"},
	0xA430: {Names: "OwnerName CameraOwnerName"},
	0xA431: {Names: "SerialNumber BodySerialNumber"},
	0xA432: {Names: "LensInfo LensSpecification"},
	0xA433: {Names: "LensMake"},
	0xA434: {Names: "LensModel"},
	0xA435: {Names: "LensSerialNumber"},
	0xA436: {Names: "Title ImageTitle"},
	0xA437: {Names: "Photographer"},
	0xA438: {Names: "ImageEditor"},
	0xA439: {Names: "CameraFirmware"},
	0xA43A: {Names: "RAWDevelopingSoftware"},
	0xA43B: {Names: "ImageEditingSoftware"},
	0xA43C: {Names: "MetadataEditingSoftware"},
	0xA460: {Names: "CompositeImage"},
	0xA500: {Names: "Gamma"},
	0xC614: {Names: "UniqueCameraModel"},
	0xC615: {Names: "LocalizedCameraModel"},
	0xC62F: {Names: "CameraSerialNumber"},
	0xC68B: {Names: "OriginalRawFileName", Form: FormASCII},
	0xC7A1: {Names: "CameraLabel"},
	0xC789: {Names: "ReelName"},
}

// GPSTags are the tags of the directory that tells the place.
var GPSTags = map[uint16]Tag{
	0x0000: {Names: "GPSVersionID", Form: FormBytes},
	0x0001: {Names: "GPSLatitudeRef", Part: true},
	0x0002: {Names: "GPSLatitude", Form: FormDegrees, Part: true},
	0x0003: {Names: "GPSLongitudeRef", Part: true},
	0x0004: {Names: "GPSLongitude", Form: FormDegrees, Part: true},
	0x0005: {Names: "GPSAltitudeRef", Part: true},
	0x0006: {Names: "GPSAltitude", Part: true},
	0x0007: {Names: "GPSTimeStamp", Form: FormClock},
	0x0008: {Names: "GPSSatellites"},
	0x0009: {Names: "GPSStatus"},
	0x000A: {Names: "GPSMeasureMode"},
	0x000B: {Names: "GPSDOP"},
	0x000C: {Names: "GPSSpeedRef"},
	0x000D: {Names: "GPSSpeed"},
	0x000E: {Names: "GPSTrackRef"},
	0x000F: {Names: "GPSTrack"},
	0x0010: {Names: "GPSImgDirectionRef"},
	0x0011: {Names: "GPSImgDirection"},
	0x0012: {Names: "GPSMapDatum"},
	0x0017: {Names: "GPSDestBearingRef"},
	0x0018: {Names: "GPSDestBearing"},
	0x0019: {Names: "GPSDestDistanceRef"},
	0x001A: {Names: "GPSDestDistance"},
	0x001B: {Names: "GPSProcessingMethod", Form: FormComment},
	0x001C: {Names: "GPSAreaInformation", Form: FormComment},
	0x001D: {Names: "GPSDateStamp", Form: FormDay},
	0x001E: {Names: "GPSDifferential"},
	0x001F: {Names: "GPSHPositioningError"},
}
