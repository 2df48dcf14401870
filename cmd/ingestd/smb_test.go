package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
	"unicode/utf16"
)

// smbClient is as much of an SMB 2.1 client as it takes to write to a file through a
// durable handle, to lose the connection, and to take the handle up again on another:
// what Windows and macOS do, and smbclient does not.
type smbClient struct {
	conn    net.Conn
	message uint64
	session uint64
	tree    uint32
	file    []byte // id of the open file
}

// Commands, and answers that are no failure.
const (
	smbNegotiate, smbSessionSetup, smbTreeConnect, smbCreate, smbClose, smbWrite = 0, 1, 3, 5, 6, 9

	smbMoreProcessing = 0xC0000016
)

// dialSMB connects to a share as a guest.
func dialSMB(address, share string) (*smbClient, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &smbClient{conn: conn}
	negotiate := le(uint16(36), uint16(1), uint16(1), uint16(0), uint32(0), [16]byte{0: 'i', 15: 'd'}, uint64(0), uint16(0x0210))
	if _, err := c.call(smbNegotiate, negotiate); err != nil {
		return nil, fmt.Errorf("negotiate: %w", err)
	}
	const flags = uint32(0x00088205) // Unicode, request target, NTLM, always sign, extended security
	hello := le([]byte("NTLMSSP\x00"), uint32(1), flags, uint64(0), uint64(0))
	user, reply := utf16le("passer-by"), make([]byte, 24) // neither is known: a guest
	at := uint32(64)
	field := func(b []byte) []byte {
		f := le(uint16(len(b)), uint16(len(b)), at)
		at += uint32(len(b))
		return f
	}
	login := le([]byte("NTLMSSP\x00"), uint32(3), field(reply), field(reply), field(nil), field(user), field(nil), field(nil), flags, reply, reply, user)
	for _, blob := range [][]byte{hello, login} {
		setup := le(uint16(25), uint8(0), uint8(1), uint32(0), uint32(0), uint16(88), uint16(len(blob)), uint64(0), blob)
		if _, err := c.call(smbSessionSetup, setup); err != nil {
			return nil, fmt.Errorf("log in: %w", err)
		}
	}
	path := utf16le(`\\127.0.0.1\` + share)
	if _, err := c.call(smbTreeConnect, le(uint16(9), uint16(0), uint16(72), uint16(len(path)), path)); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", share, err)
	}
	return c, nil
}

// open makes a file, or with the id of a durable handle goes on with one.
func (c *smbClient) open(name string, handle []byte) error {
	const batch, readWrite, openIf = uint8(9), uint32(0x0012019F), uint32(3)
	tag, data := "DHnQ", make([]byte, 16) // a durable handle is asked for
	if handle != nil {
		tag, data = "DHnC", handle
	}
	file := utf16le(name)
	padded := append(file, make([]byte, (8-len(file)%8)%8)...)
	context := le(uint32(0), uint16(16), uint16(4), uint16(0), uint16(24), uint32(16), []byte(tag), uint32(0), data)
	body := le(uint16(57), uint8(0), batch, uint32(2), uint64(0), uint64(0), readWrite, uint32(0x80), uint32(7), openIf, uint32(0x40),
		uint16(120), uint16(len(file)), uint32(120+len(padded)), uint32(len(context)), padded, context)
	answer, err := c.call(smbCreate, body)
	if err != nil {
		return err
	}
	c.file = bytes.Clone(answer[64:80])
	if handle == nil && !bytes.Contains(answer[88:], []byte("DHnQ")) {
		return fmt.Errorf("the server gives no durable handle (oplock %d)", answer[2])
	}
	return nil
}

func (c *smbClient) write(data []byte, at int) error {
	const most = 32 << 10
	for len(data) > 0 {
		part := data[:min(most, len(data))]
		body := le(uint16(49), uint16(112), uint32(len(part)), uint64(at), c.file, uint32(0), uint32(0), uint16(0), uint16(0), uint32(0), part)
		if _, err := c.call(smbWrite, body); err != nil {
			return err
		}
		data, at = data[len(part):], at+len(part)
	}
	return nil
}

func (c *smbClient) close() error {
	_, err := c.call(smbClose, le(uint16(24), uint16(0), uint32(0), c.file))
	return err
}

// call sends a request and returns the body of its answer.
func (c *smbClient) call(command uint16, body []byte) ([]byte, error) {
	header := le([]byte("\xfeSMB"), uint16(64), uint16(1), uint32(0), command, uint16(31), uint32(0), uint32(0), c.message,
		uint32(0), c.tree, c.session, [16]byte{})
	c.message++
	packet := append(header, body...)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(packet)))
	if err := c.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(append(frame, packet...)); err != nil {
		return nil, err
	}
	for {
		if _, err := io.ReadFull(c.conn, frame[:4]); err != nil {
			return nil, err
		}
		answer := make([]byte, binary.BigEndian.Uint32(frame[:4])&0xFFFFFF)
		if _, err := io.ReadFull(c.conn, answer); err != nil {
			return nil, err
		}
		if len(answer) < 64 {
			return nil, fmt.Errorf("an answer of %d bytes", len(answer))
		}
		status := binary.LittleEndian.Uint32(answer[8:])
		if binary.LittleEndian.Uint64(answer[24:]) != c.message-1 || status == 0x103 { // the break of an oplock, or not yet
			continue
		}
		if status != 0 && status != smbMoreProcessing {
			return nil, fmt.Errorf("command %d: the server answers %#x", command, status)
		}
		c.session = binary.LittleEndian.Uint64(answer[40:])
		if command == smbTreeConnect {
			c.tree = binary.LittleEndian.Uint32(answer[36:])
		}
		return answer[64:], nil
	}
}

// le writes numbers, the lowest byte first, and bytes as they are.
func le(values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err) // a value of no fixed size: a mistake in this file
		}
	}
	return b.Bytes()
}

func utf16le(s string) []byte { return le(utf16.Encode([]rune(s))) }
