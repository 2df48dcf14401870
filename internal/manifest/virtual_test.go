package manifest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestVirtualRows(t *testing.T) {
	for _, c := range []struct {
		name, csv string
		want      []Virtual
		wrong     string // in the first fault
	}{
		{name: "federated", csv: "file,content_path,skip_transcode\na.tif,s3://b/k/x.tif,Yes\nb.tif,s3://b/y.tif,0\nc.tif,,\n",
			want: []Virtual{{"sub/a.tif", 2, "s3://b/k/x.tif", true}, {"sub/b.tif", 3, "s3://b/y.tif", false}}},
		{name: "named by its content", csv: "Content Path;Title\ns3://b/k/x.tif;one\n",
			want: []Virtual{{"sub/x.tif", 2, "s3://b/k/x.tif", false}}},
		{name: "one column", csv: "content-path\ns3://b/x.tif\n", want: []Virtual{{"sub/x.tif", 2, "s3://b/x.tif", false}}},
		{name: "a key alone", csv: "file,content_path\na.tif,S3-Key\nb.tif,k/my film%20.tif\n",
			want: []Virtual{{"sub/a.tif", 2, "S3-Key", false}, {"sub/b.tif", 3, "k/my film%20.tif", false}}},
		{name: "named by its key", csv: "content_path,title\nk//ü x.tif,one\nS3-Key,two\n",
			want: []Virtual{{"sub/ü x.tif", 2, "k//ü x.tif", false}, {"sub/S3-Key", 3, "S3-Key", false}}},
		{name: "both forms", csv: "content_path\ns3://b/k/x.tif\nk/y.tif\n",
			want: []Virtual{{"sub/x.tif", 2, "s3://b/k/x.tif", false}, {"sub/y.tif", 3, "k/y.tif", false}}},
		{name: "a path of a system", csv: "file,content_path\na.tif,/mnt/archive/a.tif\n", wrong: "on a file system"},
		{name: "a path of Windows", csv: "file,content_path\na.tif,archive\\a.tif\n", wrong: "on a file system"},
		{name: "a drive", csv: "file,content_path\na.tif,C:/archive/a.tif\n", wrong: "on a file system"},
		{name: "a path that leads up", csv: "file,content_path\na.tif,../archive/a.tif\n", wrong: "on a file system"},
		{name: "a path from here", csv: "file,content_path\na.tif,./archive/a.tif\n", wrong: "on a file system"},
		{name: "a folder of keys", csv: "file,content_path\na.tif,archive/\n", wrong: "a folder"},
		{name: "an answer", csv: "file,content_path\na.tif,yes\nb.tif,\n", wrong: "an answer"},
		{name: "a file in the drop", csv: "file,content_path\na.tif,here/lies.tif\n", wrong: "is a file in the drop"},
		{name: "a long key", csv: "file,content_path\na.tif,k/" + strings.Repeat("x", 1023) + "\n", wrong: "1,024 bytes"},
		{name: "placeholder", csv: "file,Placeholder\nx/a.jpg,1\nb.jpg,no\n", want: []Virtual{{"sub/x/a.jpg", 2, "", false}}},
		{name: "twice the same", csv: "file,placeholder\na.jpg,1\na.jpg,1\n", want: []Virtual{{"sub/a.jpg", 2, "", false}}},
		{name: "contradiction", csv: "file,placeholder,title\na.jpg,1,x\na.jpg,1,y\nb.jpg,1,\n",
			want: []Virtual{{"sub/b.jpg", 4, "", false}}, wrong: "lines 2 and 3"},
		{name: "contradiction by content", csv: "content_path,title\ns3://a/x.jpg,1\ns3://b/x.jpg,1\n", wrong: "lines 2 and 3"},
		{name: "both", csv: "file,placeholder,content_path\na.jpg,1,s3://b/k\n", wrong: "line 2"},
		{name: "no s3 path", csv: "file,content_path\na.jpg,https://b/k\n", wrong: "s3://bucket/key"},
		{name: "no key", csv: "file,content_path\na.jpg,s3://b/\n", wrong: "s3://bucket/key"},
		{name: "no name", csv: "file,placeholder\n,yes\n", wrong: "names no file"},
		{name: "neither yes nor no", csv: "file,placeholder\na.jpg,perhaps\n", wrong: "neither yes nor no"},
		{name: "damaged", csv: "file,placeholder\na.jpg,\"yes\n", wrong: "manifest manifest.csv: line"},
		{name: "a companion", csv: "file,placeholder\na.xmp,yes\n", wrong: "only speaks of others"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "sub/manifest.csv", c.csv)
			write(t, dir, "sub/here/lies.tif", "x")
			col := folderOf(dir, NewCache(DefaultMemory), "manifest.csv", "sub/manifest.csv")
			got, wrong, err := allVirtual(col, "sub/manifest.csv")
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
			if (c.wrong == "") != (len(wrong) == 0) || len(wrong) > 1 || len(wrong) == 1 && !strings.Contains(wrong[0].Error(), c.wrong) {
				t.Errorf("faults %v, want one that names %q", wrong, c.wrong)
			}
			for _, v := range got {
				if at, ok, err := col.VirtualAt(v.Path); err != nil || !ok || at != v {
					t.Errorf("at %s: %v, %v, %v", v.Path, at, ok, err)
				}
			}
		})
	}
}

// TestNearerManifestOverVirtual has a nearer manifest that knows a file there.
func TestNearerManifestOverVirtual(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "manifest.csv", "file,placeholder\nsub/a.jpg,yes\n")
	write(t, dir, "sub/manifest.csv", "file,title\na.jpg,x\n")
	col := folderOf(dir, NewCache(DefaultMemory), "manifest.csv", "sub/manifest.csv")
	for _, manifest := range []string{"manifest.csv", "gone/manifest.csv"} {
		if rows, wrong, err := allVirtual(col, manifest); len(rows)+len(wrong) > 0 || err != nil {
			t.Errorf("%s: got %v, %v, %v, want nothing", manifest, rows, wrong, err)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, _, err := allVirtual(col, "manifest.csv"); err == nil {
		t.Error("without its folder, nothing is concluded")
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// allVirtual gathers the batches of Folder.Virtual.
func allVirtual(c *Folder, manifest string) (rows []Virtual, wrong []error, err error) {
	err = c.Virtual(manifest, func(some []Virtual, amiss []error) error {
		rows, wrong = append(rows, some...), append(wrong, amiss...)
		return nil
	})
	return rows, wrong, err
}
