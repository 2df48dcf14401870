package facts

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

// TestManifestBytes reads manifests as Excel exports them on Windows and on a Mac.
func TestManifestBytes(t *testing.T) {
	for name, words := range map[string][]string{
		"German":         {"Mädchen", "über", "Größe", "Öl für Köln", "ÄRZTE", "schön"},
		"German, small":  {"für"},
		"French":         {"l’été à Genève", "garçon", "hôtel", "FRANÇAIS", "Noël", "CAFÉ", "œuvre"},
		"French, small":  {"café"},
		"Spanish":        {"mañana", "canción", "ESPAÑA", "Ávila", "próximo", "¿qué?", "María"},
		"Spanish, small": {"niño"},
		"signs":          {"Müller® © 2024", "für 5 € – „neu“"},
	} {
		for _, encoding := range []*charmap.Charmap{charmap.Windows1252, charmap.Macintosh} {
			text, err := encoding.NewEncoder().String("file;Höhe;title\na.jpg;;" + strings.Join(words, "\na.jpg;;") + "\n")
			if err != nil {
				t.Fatal(err)
			}
			m := mustManifest(t, text, ManifestOptions{})
			var got []string
			for row := range m.All() {
				got = append(got, row.Facts()["manifest.title"].Values...)
			}
			if !slices.Equal(got, words) || m.Columns()[1] != "Höhe" {
				t.Errorf("%s in %s: %q in the columns %q", name, encoding, got, m.Columns())
			}
		}
	}
}

// TestManifestBytesTie takes Windows-1252 where both encodings make words.
func TestManifestBytesTie(t *testing.T) {
	m := mustManifest(t, "file,title\na.jpg,\x8akoda\n", ManifestOptions{})
	if row, _ := m.Row("a.jpg"); row.Facts()["manifest.title"].Values[0] != "Škoda" {
		t.Errorf("%v", row.Facts())
	}
}
