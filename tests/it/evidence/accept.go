// Judges what Exeunt gives out with golang.org/x/mod/sumdb/note and tlog, which know nothing of it.
//
//	accept tiles DIR VKEY [KEPT]      a whole log, and that a kept checkpoint is its beginning
//	accept proof FILE ENTRY VKEY      the proof of one entry
//
// Exit 0 if everything holds, 1 with the reason if not.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail(err)
	}
}

func open(text []byte, vkey string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		fail(fmt.Errorf("not a checkpoint of %s", verifier.Name()))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: root}
}

// place is a number as C2SP tlog-tiles names files.
func place(n int64, width int) string {
	name := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	if width < 256 {
		name += fmt.Sprintf(".p/%d", width)
	}
	return name
}

type tiles string

func (dir tiles) Height() int { return 8 }

func (dir tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (dir tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		path := filepath.Join(string(dir), "tile", strconv.Itoa(tile.L), place(tile.N, tile.W))
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func records(dir string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := int(size - n*256)
		if width > 256 {
			width = 256
		}
		data, err := os.ReadFile(filepath.Join(dir, "tile", "entries", place(n, width)))
		must(err)
		for i := 0; i < width; i++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fail(fmt.Errorf("bundle %d ends too early", n))
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			all, data = append(all, data[2:end]), data[end:]
		}
		if len(data) > 0 {
			fail(fmt.Errorf("bundle %d is too long", n))
		}
	}
	return all
}

type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, index := range indexes {
		all = append(all, m[index])
	}
	return all, nil
}

func whole(dir, vkey string, kept []byte) {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err)
	tree := open(text, vkey)
	entries := records(dir, tree.N)
	// the root from the entries alone
	var stored memory
	for i, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(i), entry, stored)
		must(err)
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, stored)
	must(err)
	if root != tree.Hash {
		fail(fmt.Errorf("the entries do not give the root"))
	}
	// every entry from the tiles alone
	reader := tlog.TileHashReader(tree, tiles(dir))
	for i, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(i), reader)
		must(err)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(entry)))
	}
	if kept != nil {
		old := open(kept, vkey)
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		must(err)
		must(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
	}
}

func one(file, entry, vkey string) {
	text, err := os.ReadFile(file)
	must(err)
	parts := bytes.SplitN(text, []byte("\n\n"), 2)
	if len(parts) != 2 {
		fail(fmt.Errorf("no checkpoint in the proof"))
	}
	tree := open(parts[1], vkey)
	lines := strings.Split(string(parts[0]), "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		fail(fmt.Errorf("not a proof"))
	}
	index, err := strconv.ParseInt(lines[1][len("index "):], 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		must(err)
		if len(hash) != tlog.HashSize {
			fail(fmt.Errorf("not a hash"))
		}
		proof = append(proof, *(*tlog.Hash)(hash))
	}
	data, err := os.ReadFile(entry)
	must(err)
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(data)))
}

func main() {
	args := os.Args[1:]
	switch {
	case len(args) == 3 && args[0] == "tiles":
		whole(args[1], args[2], nil)
	case len(args) == 4 && args[0] == "tiles":
		kept, err := os.ReadFile(args[3])
		must(err)
		whole(args[1], args[2], kept)
	case len(args) == 4 && args[0] == "proof":
		one(args[1], args[2], args[3])
	default:
		fail(fmt.Errorf("accept tiles DIR VKEY [KEPT] | accept proof FILE ENTRY VKEY"))
	}
	fmt.Println("OK")
}
