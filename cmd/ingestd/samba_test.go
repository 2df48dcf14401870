package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// cutOff is how long a client is cut off, or stalls, in the middle of a file.
const cutOff = 8 * time.Second

// samba serves the drop folder of a room as the share "drop" to guests, and returns its
// address on loopback. Its settings are those by which it gives durable handles.
func samba(t *testing.T, r *room) string {
	t.Helper()
	smbd, err := exec.LookPath("smbd")
	if err != nil { // the administrator's programs are on not everybody's path
		smbd = "/usr/sbin/smbd"
	}
	for _, program := range []string{smbd, "smbclient"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("CI needs Debian's samba and smbclient: %v", err)
			}
			t.Skipf("Samba is not installed (Debian: samba, smbclient): %v", err)
		}
	}
	guest := "nobody"
	if me, err := user.Current(); err == nil && me.Uid != "0" {
		guest = me.Username
	}
	for _, dir := range []string{r.drop, filepath.Join(r.drop, "acme")} {
		if err := os.Mkdir(dir, 0o777); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for at := r.drop; at != os.TempDir() && at != "/"; at = filepath.Dir(at) { // t.TempDir is for its owner alone
		if info, err := os.Stat(at); err != nil {
			t.Fatal(err)
		} else if err := os.Chmod(at, info.Mode()|0o055); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close() // smbd cannot be given a socket to listen on
	_, port, _ := net.SplitHostPort(address)
	dir := filepath.Join(r.dir, "samba")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "smb.conf")
	text := fmt.Sprintf(`[global]
server role = standalone
smb ports = %s
interfaces = 127.0.0.1
bind interfaces only = yes
map to guest = bad user
guest account = %s
private dir = %[3]s
lock directory = %[3]s
state directory = %[3]s
cache directory = %[3]s
pid directory = %[3]s
ncalrpc dir = %[3]s/ncalrpc
log file = %[3]s/log
load printers = no
disable spoolss = yes
[drop]
path = %s
guest ok = yes
read only = no
posix locking = no
`, port, guest, dir, r.drop)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(smbd, "--foreground", "--no-process-group", "--configfile="+conf)
	var said buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("smbd: %s\n%s", said.String(), log)
		}
	})
	eventually(t, "smbd listens", func() bool {
		select {
		case <-ended:
			t.Fatalf("smbd ended: %s", said.String())
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return address
}

// smbclient runs commands of smbclient on the share at an address.
func smbclient(t *testing.T, address, commands string) {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("smbclient", "//127.0.0.1/drop", "--no-pass", "--port="+port, "--timeout=60", "--command="+commands).CombinedOutput()
	if err != nil || strings.Contains(string(out), "NT_STATUS") {
		t.Errorf("smbclient %q: %v\n%s", commands, err, out)
	}
}

// stalling passes a connection on to address, but for one pause after so many bytes.
func stalling(t *testing.T, address string, after int64, pause time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		server, err := net.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		defer server.Close()
		all.Go(func() { _, _ = io.Copy(client, server) })
		if _, err := io.CopyN(server, client, after); err == nil {
			time.Sleep(pause)
			_, _ = io.Copy(server, client)
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

// A client that was cut off in the middle of an upload goes on with its handle, as if
// nothing had read the file meanwhile.
func TestSambaClientReconnects(t *testing.T) {
	t.Parallel()
	for after, resume := range map[string]string{"keep": "0s", "move": "12s"} {
		t.Run(after, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, newStand(t, "1.5", nil))
			r.env["AFTER"], r.env["RESUME"] = after, resume
			address := samba(t, r)
			daemon := r.start("run")
			daemon.says("running")

			whole := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
			half := len(whole) / 2
			client, err := dialSMB(address, "drop")
			if err == nil {
				err = client.open(`acme\a.mov`, nil)
			}
			if err == nil {
				err = client.write(whole[:half], 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = client.conn.Close() // the network is gone
			cut := time.Now()
			// Nobody has the file open any more: it is read, and ingested as it is.
			eventually(t, "the half is in", func() bool { return len(r.stand.named("a.mov")) == 1 })
			time.Sleep(time.Until(cut.Add(cutOff)))

			handle := client.file
			if client, err = dialSMB(address, "drop"); err != nil {
				t.Fatal(err)
			}
			defer client.conn.Close()
			if err := client.open(`acme\a.mov`, handle); err != nil {
				t.Fatalf("the client cannot go on with its file: %v", err)
			}
			if err := client.write(whole[half:], half); err != nil {
				t.Fatal(err)
			}
			if err := client.close(); err != nil {
				t.Fatal(err)
			}
			r.oneAsset("a.mov", whole, 2)
			if after == "move" {
				at := filepath.Join(r.drop, "_ingested", "acme", "a.mov")
				eventually(t, "it is moved away", func() bool { _, err := os.Lstat(at); return err == nil })
				if got, err := os.ReadFile(at); err != nil || !bytes.Equal(got, whole) {
					t.Errorf("what was moved has %d bytes, want %d: %v", len(got), len(whole), err)
				}
			}
			daemon.terminate()
			r.stand.complain(t)
		})
	}
}

// What clients of Samba do in other ways.
func TestSambaClients(t *testing.T) {
	t.Parallel()
	r := newRoom(t, newStand(t, "1.5", nil))
	address := samba(t, r)
	daemon := r.start("run")
	daemon.says("running")
	local := func(name string, size int) (string, []byte) {
		t.Helper()
		at, data := filepath.Join(r.dir, name), bytes.Repeat([]byte(name[:1]), size)
		if err := os.WriteFile(at, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return at, data
	}
	put, putData := local("put", 300_000)
	stalled, stalledData := local("stalled", 2_000_000)
	over, overData := local("over", 200_000)

	var all sync.WaitGroup
	all.Go(func() { smbclient(t, stalling(t, address, 900_000, cutOff), "cd acme; put "+stalled+" stalled.mov") })
	smbclient(t, address, "cd acme; put "+put+" put.mov")
	r.oneAsset("put.mov", putData, 1) // the other is its duplicate, not the reverse
	smbclient(t, address, "cd acme; put "+put+" over.mov")
	smbclient(t, address, "cd acme; put "+over+" over.mov; rename put.mov renamed.mov")
	r.oneAsset("over.mov", overData, 2)
	all.Wait()
	r.oneAsset("stalled.mov", stalledData, 1)
	eventually(t, "the rename is recognised", func() bool {
		s, err := r.status()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range s.Entries {
			if e.Path == "acme/renamed.mov" {
				return e.Status == "filed"
			}
		}
		return false
	})
	if n := len(r.stand.named("renamed.mov")); n != 0 {
		t.Errorf("the renamed file is %d assets more", n)
	}
	daemon.terminate()
	r.stand.complain(t)
}
