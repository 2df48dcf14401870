// Package resting looks whether the files of entries that rest without an asset are still
// there: held, failed, ignored, cancelled, or a duplicate. Nobody else looks at those. An
// entry whose file is gone, from a folder that is there, is superseded.
package resting
