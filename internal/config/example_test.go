package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const exampleFile = "../../config.example.yaml"

// TestExample loads the example as it is delivered, and holds it to what its
// first lines promise: it shows every key, with its default.
func TestExample(t *testing.T) {
	got, err := Load(exampleFile, func(name string) (string, bool) {
		return "from-" + name, strings.HasPrefix(name, "TENOVOS_")
	})
	if err != nil {
		t.Fatal(err)
	}
	want := defaults(exampleFile)
	want.Tenovos.URL = "https://api.uat.tenovos.io/v1"
	want.Tenovos.APIKey, want.Tenovos.Username, want.Tenovos.Password = "from-TENOVOS_API_KEY", "from-TENOVOS_USERNAME", "from-TENOVOS_PASSWORD"
	got.Tenovos.APIKeyFrom, got.Tenovos.UsernameFrom, got.Tenovos.PasswordFrom, got.Tenovos.ClientIDFrom = "", "", "", "" // lines
	want.Journal = "/var/lib/ingestd/journal.db"
	folder := defaultFolder()
	folder.Versions = "path" // as the files are kept
	folder.Name, folder.Path = "campaigns", "/srv/drop/campaigns"
	folder.Exclude = []string{"**/*.tmp", "**/work/**"}
	folder.Manifests = []string{"manifest.csv", "metadata.csv"}
	want.Folders = []Folder{folder}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Folder{}, "Root", "Rules", "Pos", "Sum", "RulesSum"), cmpopts.IgnoreFields(Config{}, "Sums", "Secrets")); diff != "" {
		t.Errorf("the example is not what it says (-want +got):\n%s", diff)
	}

	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{fileKeys.Known, tenovosKeys.Known, uploadKeys.Known, retryKeys.Known, logKeys.Known, folderKeys.Known, webhookKeys.Known, mailKeys.Known} {
		for _, key := range keys {
			if !strings.Contains(string(text), " "+key+": ") && !strings.Contains(string(text), "\n"+key+":") && !strings.Contains(string(text), " "+key+":\n") {
				t.Errorf("the example does not show %s", key)
			}
		}
	}
}
