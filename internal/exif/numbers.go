package exif

import (
	"math"
	"strconv"
	"strings"
)

// Number writes a number as photographers do.
func (form Form) Number(n float64) string {
	switch form {
	case FormAPEXTime:
		n = math.Exp2(-n)
	case FormAPEXAperture:
		n = math.Round(10*math.Exp2(n/2)) / 10
	}
	if (form == FormExposure || form == FormAPEXTime) && n > 0 && n < 0.25001 {
		return "1/" + Decimal(1/n, 0)
	}
	return Decimal(n, 6)
}

// Undefined stands for a number that is not known among others that are, as
// ExifTool writes it.
const Undefined = "undef"

// Decimal writes a number with at most so many places after the point.
func Decimal(n float64, places int) string {
	if math.IsNaN(n) || math.IsInf(n, 0) || math.Abs(n) > 1e15 {
		return Undefined
	}
	text := strconv.FormatFloat(n, 'f', places, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return text
}
