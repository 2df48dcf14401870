package ingest_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// The simulation, see docs/simulation.md: random histories of what people do to a drop
// folder, of what goes wrong on the way to Tenovos, and of crashes, each drawn from a
// seed. `make simulate` runs many. In the environment, INGESTD_SIM switches that on, and
// INGESTD_SIM_COUNT, _MINUTES and _SEED say how many, for how long at most, and from which
// seed on; INGESTD_SIM_PLAN names a file with a plan, which is repeated instead.

// histories is how many of them a test without these settings runs.
var histories = 400

func TestSimulation(t *testing.T) {
	if os.Getenv("INGESTD_SIM_PART") != "" {
		simulatePart(t)
		return
	}
	t.Parallel()
	if name := os.Getenv("INGESTD_SIM_PLAN"); name != "" {
		repeatPlan(t, name)
		return
	}
	first, count := 1, histories
	if os.Getenv("INGESTD_SIM") != "" {
		first, count = int(rand.Uint32()), 1_000_000
		if os.Getenv("INGESTD_SIM_MINUTES") == "" {
			count = 2000
		}
	}
	first, count = number(t, "INGESTD_SIM_SEED", first), number(t, "INGESTD_SIM_COUNT", count)
	begun, done := time.Now(), 0
	var mu sync.Mutex
	var running sync.WaitGroup
	processes := min(runtime.NumCPU(), count)
	for i := range processes {
		running.Go(func() {
			n := simulateInProcess(t, first+i, count, processes)
			mu.Lock()
			defer mu.Unlock()
			done += n
		})
	}
	running.Wait()
	t.Logf("%d histories from seed %d on, %.0f a minute", done, first, float64(done)/time.Since(begun).Minutes())
}

// tellOf logs every minute how far a process has come.
func tellOf(t *testing.T, at *time.Time, seed string, done int) {
	if time.Since(*at) >= time.Minute {
		*at = time.Now()
		t.Logf("seed %s is the history number %d of its process", seed, done)
	}
}

// simulateInProcess has another process simulate every so many-th history, and returns how
// many there were. In a process of its own with one thread at a time histories are more
// alike when they are repeated, and one that does not end is noticed.
func simulateInProcess(t *testing.T, first, count, step int) (done int) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSimulation$", "-test.timeout=24h")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", fmt.Sprintf("INGESTD_SIM_PART=%d %d %d", first, count, step))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Error(err)
		return 0
	}
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return 0
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	at, told := "", time.Now()
	var other strings.Builder
	for {
		select {
		case line, more := <-lines:
			if !more {
				if err := cmd.Wait(); err != nil {
					t.Errorf("%s: %v\n%s\n%.20000s", at, err, other.String(), stderr.String())
				}
				return done
			}
			if seed, ok := strings.CutPrefix(line, historyBegins); ok {
				at = "seed " + seed
				done++
				tellOf(t, &told, seed, done)
			} else if line != "PASS" {
				fmt.Fprintln(&other, line)
			}
		case <-time.After(longestHistory):
			t.Errorf("%s: the history does not end", at)
			_ = cmd.Process.Kill()
		}
	}
}

// longestHistory is how long one may take, and its shrinking from one try to the next.
const longestHistory = 2 * time.Minute

// historyBegins is what comes before the seed in the line that tells of each history.
const historyBegins = "history "

// simulatePart is what such a process does. It ends with the first history that fails.
func simulatePart(t *testing.T) {
	var first, count, step int
	if _, err := fmt.Sscan(os.Getenv("INGESTD_SIM_PART"), &first, &count, &step); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(24 * time.Hour)
	if minutes := number(t, "INGESTD_SIM_MINUTES", 0); minutes > 0 {
		until = time.Now().Add(time.Duration(minutes) * time.Minute)
	}
	for i := 0; i < count && time.Now().Before(until); i += step {
		seed := first + i
		fmt.Printf("%s%d\n", historyBegins, seed)
		plan := drawPlan(uint64(seed))
		if wrong := happen(t, plan); len(wrong) > 0 {
			shortest, same := shrink(plan, wrong, func(p simPlan) []string { return happen(t, p) })
			t.Fatalf("seed %d: %s\nrepeat it with INGESTD_SIM_COUNT=1 INGESTD_SIM_SEED=%d make simulate\n"+
				"the shortest history that fails so (INGESTD_SIM_PLAN=FILE make simulate repeats one from a file):\n%s\n%s",
				seed, strings.Join(wrong, "\n"), seed, strings.Join(same, "\n"), shortest)
		}
	}
}

// repeatPlan has the history of a file happen, INGESTD_SIM_COUNT times or until it fails.
func repeatPlan(t *testing.T, name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := parsePlan(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for range number(t, "INGESTD_SIM_COUNT", 1) {
		if wrong := happen(t, plan); len(wrong) > 0 {
			t.Fatalf("%s", strings.Join(wrong, "\n"))
		}
	}
}
