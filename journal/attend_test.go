package journal

import (
	"os"
	"testing"
	"time"
)

// TestAttend follows requests from other processes: the owner is seen to be at them,
// and one that was withdrawn is nobody's any more.
func TestAttend(t *testing.T) {
	r := newRig(t)
	reader, err := OpenReader(t.Context(), r.path)
	r.ok(err)
	defer func() { _ = reader.Close() }()
	if got, err := RequestsOf(r.Journal).Attend(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("no request, and %v, %v", got, err)
	}
	var ids []int64
	for _, kind := range []string{"retry", "cancel", "verify"} {
		id, err := Ask(t.Context(), r.path, kind, nil)
		r.ok(err)
		ids = append(ids, id)
	}
	if seen, err := AnswersOf(reader).Attended(t.Context(), ids[0]); err != nil || !seen.IsZero() {
		t.Errorf("nobody was at it, and it was seen at %v, %v", seen, err)
	}
	if begun, err := Withdraw(t.Context(), r.path, ids[0]); err != nil || begun {
		t.Errorf("withdrawn before anybody was at it: begun %t, %v", begun, err)
	}
	got, err := RequestsOf(r.Journal).Attend(t.Context())
	if err != nil || len(got) != 2 || got[0].ID != ids[1] || got[0].Kind != "cancel" || got[0].AskedAt.IsZero() || got[1].ID != ids[2] {
		t.Errorf("attended to %+v, %v", got, err)
	}
	first, err := AnswersOf(reader).Attended(t.Context(), ids[1])
	r.ok(err)
	r.time = r.time.Add(time.Second)
	_, err = RequestsOf(r.Journal).Attend(t.Context())
	r.ok(err)
	if again, err := AnswersOf(reader).Attended(t.Context(), ids[1]); err != nil || first.IsZero() || !again.Equal(first.Add(time.Second)) {
		t.Errorf("seen at %v, then at %v, %v", first, again, err)
	}
	if begun, err := Withdraw(t.Context(), r.path, ids[1]); err != nil || !begun {
		t.Errorf("withdrawn while somebody was at it: begun %t, %v", begun, err)
	}
	r.fails(RequestsOf(r.Journal).Answer(t.Context(), ids[1], nil, ""), ErrUnknown)
	r.ok(RequestsOf(r.Journal).Answer(t.Context(), ids[2], nil, ""))
	_, err = Withdraw(t.Context(), r.path, ids[2])
	r.fails(err, ErrUnknown)
	if pid := OwnerOf(r.path).PID; pid != os.Getpid() {
		t.Errorf("owned by process %d, and we are %d", pid, os.Getpid())
	}
}
