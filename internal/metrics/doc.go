// Package metrics shows Prometheus what the daemon does: counters and histograms that the
// other rooms feed without knowing of it, and gauges that are read from the journal at each
// scrape, so that they say what `ingestd status --json` says. docs/metrics.md lists all of
// them. No label holds a path, a URL, a text or a secret: folders are those of the
// configuration, everything else is one of a few words.
package metrics
