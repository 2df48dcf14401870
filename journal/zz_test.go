package journal

import (
	"testing"
)

func BenchmarkZZ(b *testing.B) {
	small := openLife(b, 10_000)
	small.live(b, 200)
	for b.Loop() {
		for range 3 {
			d := small.live(b, 2000)
			b.Log(2000 / d.Seconds())
		}
	}
}
