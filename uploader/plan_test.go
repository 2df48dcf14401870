package uploader

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// numbered returns n URLs, u1 to un.
func numbered(n int) []URL {
	urls := make([]URL, n)
	for i := range urls {
		urls[i] = URL{Number: i + 1, URL: secret.URL(fmt.Sprintf("https://s.example/u%d", i+1))}
	}
	return urls
}

func TestPlan(t *testing.T) {
	const MiB, MB = 1 << 20, 1_000_000
	for _, tc := range []struct {
		name     string
		size     int64
		urls     int
		first    int64 // size of the first part; -1: the plan must be refused
		lastPart int64
	}{
		{"empty file", 0, 1, 0, 0},
		{"one byte", 1, 1, 1, 1},
		{"100 MiB + 1 in one", 100*MiB + 1, 1, 100*MiB + 1, 100*MiB + 1},
		{"5 GiB in one", 5 << 30, 1, 5 << 30, 5 << 30},
		{"more than 5 GiB in one", 5<<30 + 1, 1, -1, 0},
		{"100 MiB + 1 in two", 100*MiB + 1, 2, 100 * MiB, 1},
		{"exactly 200 MiB", 200 * MiB, 2, 100 * MiB, 100 * MiB},
		{"200 MiB in parts of 100 MB", 200 * MiB, 3, 100 * MB, 200*MiB - 200*MB},
		{"both sizes fit: MiB", 335_226_108, 4, 100 * MiB, 335_226_108 - 300*MiB},
		{"5 GiB, 52 parts", 5 << 30, 52, 100 * MiB, 20 * MiB},
		{"5 GiB, 54 parts", 5 << 30, 54, 100 * MB, 5<<30 - 53*100*MB},
		{"5 GiB, 53 parts", 5 << 30, 53, -1, 0},
		{"two for 100 MB", 100 * MB, 2, -1, 0},
		{"two for nothing", 0, 2, -1, 0},
		{"the vendor's example", 182_989_737_790, 2, -1, 0},
		{"10,000 parts", 10_000 * 100 * MiB, 10_000, 100 * MiB, 100 * MiB},
		{"10,001 parts", 10_001 * 100 * MiB, 10_001, -1, 0},
		{"no URL", 1, 0, -1, 0},
		{"negative size", -1, 1, -1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parts, err := Plan(tc.size, numbered(tc.urls))
			if tc.first < 0 {
				if !errors.Is(err, ErrPlan) {
					t.Fatalf("got %d parts, %v; want ErrPlan", len(parts), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			covers(t, tc.size, parts)
			if got := parts[0].Size; got != tc.first {
				t.Errorf("first part has %d bytes, want %d", got, tc.first)
			}
			if got := parts[len(parts)-1].Size; got != tc.lastPart {
				t.Errorf("last part has %d bytes, want %d", got, tc.lastPart)
			}
		})
	}
}

func TestPlanNumbers(t *testing.T) {
	const size = 250 << 20 // three parts
	for _, tc := range []struct {
		name    string
		numbers []int
		want    []secret.URL // nil: refused
	}{
		{"any order", []int{3, 1, 2}, []secret.URL{"b", "c", "a"}},
		{"no numbers", []int{0, 0, 0}, []secret.URL{"a", "b", "c"}},
		{"some numbers", []int{1, 0, 3}, nil},
		{"twice the same", []int{1, 2, 2}, nil},
		{"a gap", []int{1, 2, 4}, nil},
		{"from zero", []int{0, 1, 2}, nil},
		{"negative", []int{1, -2, 3}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var urls []URL
			for i, n := range tc.numbers {
				urls = append(urls, URL{Number: n, URL: secret.URL("abc"[i : i+1])})
			}
			parts, err := Plan(size, urls)
			if tc.want == nil {
				if !errors.Is(err, ErrPlan) {
					t.Fatalf("got %v, want ErrPlan", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			covers(t, size, parts)
			for i, p := range parts {
				if p.URL != tc.want[i] {
					t.Errorf("part %d goes to %q, want %q", p.Number, p.URL.Reveal(), tc.want[i].Reveal())
				}
			}
		})
	}
	if _, err := Plan(1, []URL{{Number: 1}}); !errors.Is(err, ErrPlan) {
		t.Errorf("an empty URL: got %v, want ErrPlan", err)
	}
	if _, err := Plan(1, []URL{{Number: 2, URL: "a"}}); !errors.Is(err, ErrPlan) {
		t.Errorf("part 2 alone: got %v, want ErrPlan", err)
	}
}

// covers checks that the parts follow on each other and make up size bytes.
func covers(t *testing.T, size int64, parts []Part) {
	t.Helper()
	var at int64
	for i, p := range parts {
		if p.Number != i+1 || p.Offset != at || (p.Size <= 0 && size > 0) || p.Size < 0 || p.URL == "" {
			t.Fatalf("part %d of %d is %+v, at byte %d", i+1, len(parts), p, at)
		}
		at += p.Size
	}
	if at != size {
		t.Fatalf("the parts make up %d of %d bytes", at, size)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(int64(0), uint16(1), uint64(1))
	f.Add(int64(100<<20+1), uint16(2), uint64(2))
	f.Add(int64(5<<30), uint16(54), uint64(3))
	f.Add(int64(1<<62), uint16(10_000), uint64(4))
	f.Fuzz(func(t *testing.T, size int64, n uint16, seed uint64) {
		urls := numbered(int(n))
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(urls), func(i, j int) { urls[i], urls[j] = urls[j], urls[i] })
		parts, err := Plan(size, urls)
		if err != nil {
			if !errors.Is(err, ErrPlan) || parts != nil {
				t.Fatalf("%d parts and %v", len(parts), err)
			}
			return
		}
		covers(t, size, parts)
		for i, p := range parts {
			if want := secret.URL(fmt.Sprintf("https://s.example/u%d", i+1)); p.URL != want {
				t.Fatalf("part %d goes to %q", p.Number, p.URL.Reveal())
			}
		}
	})
}
