// Package intake is the stage of settled entries: what a file, or a manifest's row without
// one, becomes. It changes nothing in Tenovos and records nothing but what it learned, so
// that a forecast runs the very same stage with no right to write: see [Forecaster].
package intake
