package main

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const mib = 1 << 20

// modified is the time of the files that makeFile makes.
var modified = time.Date(2024, time.March, 5, 12, 0, 0, 0, time.Local)

// makeFile makes a file of any size fast: a large one has holes, and a number in
// each MiB that is found nowhere else. It returns the content's MD5.
func makeFile(t *testing.T, path string, size int64) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	random := rand.New(rand.NewPCG(uint64(size), uint64(len(path))))
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(f.Truncate(size))
	var number [8]byte
	for at := int64(0); at+8 <= size; at += mib {
		binary.LittleEndian.PutUint64(number[:], random.Uint64())
		_, err := f.WriteAt(number[:], at)
		check(err)
	}
	h := md5.New()
	_, err = io.Copy(h, io.NewSectionReader(f, 0, size))
	check(err)
	check(os.Chtimes(path, modified, modified))
	return hex.EncodeToString(h.Sum(nil))
}
