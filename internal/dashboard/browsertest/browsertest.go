// Package browsertest has pages looked at in a real browser, for tests alone: Chromium, and
// axe-core, which finds what keeps people from using a page.
package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axe is axe-core 4.14.1 as its package has it; its licence, the MPL 2.0, lies beside it.
//
//go:embed axe/axe.min.js
var axe string

// patience is how long a browser may take for what takes a moment on an idle machine.
const patience = 2 * time.Minute

// Browser is a window of Chromium. It notes whatever the page complains of.
type Browser struct {
	t   testing.TB
	ctx context.Context //nolint:containedctx // that of the window, as chromedp has it

	mu       sync.Mutex
	problems []string
}

// Open opens a window to the end of the test. Without Chromium the test is skipped, unless
// CI says that nothing is.
func Open(t testing.TB) *Browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no chromium")
		}
		t.Skip("there is no chromium")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.WindowSize(1000, 900),
		chromedp.Flag("disable-dev-shm-usage", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // it refuses to have one as root
	}
	alloc, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeWindow := chromedp.NewContext(alloc)
	b := &Browser{t: t, ctx: ctx}
	t.Cleanup(func() { closeWindow(); end() })
	if err := chromedp.Listen(ctx, b.listen); err != nil { // which starts the browser, for as long as ctx lasts
		t.Fatalf("start the browser: %v", err)
	}
	call(b, performance.Enable, performance.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	return b
}

// listen notes errors of scripts, and what the browser refuses or cannot load.
func (b *Browser) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			problem = fmt.Sprintf("console.%s: %s", e.Type, values(e.Args))
		}
	case *runtime.EventExceptionThrown:
		problem = "exception: " + thrown(e.ExceptionDetails)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			problem = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
}

func values(args []*runtime.RemoteObject) string {
	var out []string
	for _, a := range args {
		out = append(out, string(a.Value)+a.Description)
	}
	return strings.Join(out, " ")
}

// Problems returns what the page complained of, and forgets it.
func (b *Browser) Problems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := b.problems
	b.problems = nil
	return found
}

// Clean fails the test for what the page complained of.
func (b *Browser) Clean() {
	b.t.Helper()
	for _, p := range b.Problems() {
		b.t.Errorf("the browser says %s", p)
	}
}

// call sends a command of the protocol, which must not fail.
func call[P, R any](b *Browser, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	reply, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("the browser: %s: %v", command.Method, err)
	}
	return reply
}

// run runs an action, which must not fail.
func run[T any](b *Browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, a)
	if err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
	return out
}

// Go loads an address.
func (b *Browser) Go(url string) {
	b.t.Helper()
	run(b, chromedp.Navigate(url))
}

// Key presses a key, by its name in kb or as a letter.
func (b *Browser) Key(key string) {
	b.t.Helper()
	run(b, chromedp.KeyEvent(key))
}

// Click clicks on what a selector of CSS finds first, with the mouse.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Click(chromedp.CSS(selector)))
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "Could not find node") { // an update of the page replaced it between finding and clicking
			b.t.Fatalf("the browser: click %s: %v", selector, err)
		}
	}
}

// Eval runs an expression, which may be a promise, and reads its value into to; nil
// leaves it.
func (b *Browser) Eval(expression string, to any) {
	b.t.Helper()
	if to == nil {
		run(b, chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
		return
	}
	raw := run(b, chromedp.Evaluate[[]byte](expression, chromedp.EvalAwaitPromise, chromedp.EvalAsValue))
	if err := json.Unmarshal(raw, to); err != nil {
		b.t.Fatalf("%s is %s: %v", expression, raw, err)
	}
}

// Text is the text of the page that is seen, or of what a selector finds first.
func (b *Browser) Text(selector string) (text string) {
	b.t.Helper()
	b.Eval(fmt.Sprintf(`(document.querySelector(%q) || {innerText: ""}).innerText`, selector), &text)
	return text
}

// Until waits until an expression is true. Where it fails, the page may be a new one that is
// not there yet.
func (b *Browser) Until(expression string) {
	b.t.Helper()
	deadline := time.After(patience)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		var so bool
		if b.Eval("(() => { try { return !!("+expression+") } catch { return false } })()", &so); so {
			return
		}
		select {
		case <-look.C:
		case <-deadline:
			b.t.Fatalf("not within %v: %s; the page says:\n%s", patience, expression, b.Text("body"))
		}
	}
}

// Axe fails the test for each violation that axe-core finds in the page as it is.
func (b *Browser) Axe(state string) {
	b.t.Helper()
	b.Eval(axe+"; true", nil)
	var found []struct {
		ID, Help, Impact string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	b.Eval(`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations)`, &found)
	for _, v := range found {
		for _, n := range v.Nodes {
			b.t.Errorf("%s: axe finds %s (%s, %s) in %.300s: %s", state, v.ID, v.Impact, v.Help, n.HTML, n.FailureSummary)
		}
	}
}

// Look sets what the page is looked at with: its width in pixels, and dark.
func (b *Browser) Look(width, height int64, dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// Screenshot is what is seen of the page, as a PNG.
func (b *Browser) Screenshot() (png []byte) {
	b.t.Helper()
	return run(b, chromedp.CaptureScreenshot())
}

// Usage is what the page takes after garbage was collected.
type Usage struct{ Heap, Nodes, Listeners int64 }

// Usage collects the garbage first.
func (b *Browser) Usage() (u Usage) {
	b.t.Helper()
	call(b, heapprofiler.CollectGarbage, cdp.Empty{})
	call(b, heapprofiler.CollectGarbage, cdp.Empty{})
	for _, m := range call(b, performance.GetMetrics, cdp.Empty{}).Metrics {
		switch m.Name {
		case "JSHeapUsedSize":
			u.Heap = int64(m.Value)
		case "Nodes":
			u.Nodes = int64(m.Value)
		case "JSEventListeners":
			u.Listeners = int64(m.Value)
		}
	}
	return u
}

func thrown(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Text + " " + d.Exception.Description
	}
	return d.Text
}

// WithoutScript has pages run no script of their own.
func (b *Browser) WithoutScript() {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}
