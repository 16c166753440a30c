// Checks proofs of an evidence log with golang.org/x/mod/sumdb alone: tlog for the tree, note for the signatures.
//
// Reads JSON from standard input and writes how many were accepted and refused. GO111MODULE=off go run check.go
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index, Size int64
	Root        tlog.Hash
	Leaf        []byte
	Proof       []tlog.Hash
}

type consistency struct {
	Old, New         int64
	OldRoot, NewRoot tlog.Hash
	Proof            []tlog.Hash
}

type checkpoint struct{ Vkey, Note, Text string }

type work struct {
	Inclusion   []inclusion
	Consistency []consistency
	Checkpoints []checkpoint
}

// tally counts what was accepted and refused of one kind.
type tally struct{ Accepted, Refused int }

func (t *tally) add(err error) {
	if err == nil {
		t.Accepted++
	} else {
		t.Refused++
	}
}

func open(c checkpoint) error {
	verifier, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return err
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifier))
	if err == nil && opened.Text != c.Text {
		return fmt.Errorf("another text")
	}
	return err
}

func main() {
	var given work
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var in, con, sig tally
	for _, p := range given.Inclusion {
		in.add(tlog.CheckRecord(p.Proof, p.Size, p.Root, p.Index, tlog.RecordHash(p.Leaf)))
	}
	for _, p := range given.Consistency {
		con.add(tlog.CheckTree(p.Proof, p.New, p.NewRoot, p.Old, p.OldRoot))
	}
	for _, c := range given.Checkpoints {
		sig.add(open(c))
	}
	json.NewEncoder(os.Stdout).Encode(map[string]tally{"inclusion": in, "consistency": con, "checkpoints": sig})
}
