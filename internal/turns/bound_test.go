package turns

import "testing"

func TestFolderBound(t *testing.T) {
	for _, c := range []struct{ asked, workers, folders, want int }{
		{0, 8, 1, 8}, {0, 8, 2, 6}, {0, 4, 2, 3}, {0, 3, 9, 2}, {0, 2, 2, 1}, {0, 1, 2, 1},
		{5, 8, 1, 5}, {5, 8, 2, 5}, {9, 8, 2, 8}, {1, 8, 2, 1},
	} {
		if got := folderBound(c.asked, c.workers, c.folders); got != c.want {
			t.Errorf("%d asked of %d workers, %d folders: %d, want %d", c.asked, c.workers, c.folders, got, c.want)
		}
	}
}
