package card

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// drawn changes when the same card is drawn otherwise.
const drawn = "1"

// Key names the picture: equal keys, equal bytes.
func (c Card) Key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q", drawn, c))
	return hex.EncodeToString(sum[:16])
}

// Shelf keeps pictures in a folder, so that each is drawn once, whatever asks for
// it. What is in it may be deleted at any time. Several processes may share it.
type Shelf struct {
	Dir     string
	Painter *Painter

	swept atomic.Int64 // when, in Unix seconds
}

// UnusedFor is how long Sweep keeps a picture that nobody asked for.
const UnusedFor = 30 * 24 * time.Hour

const pictureEnding = ".png"

// Picture gives the file of a card and its size in bytes, drawn unless it is there.
func (s *Shelf) Picture(c Card) (name string, size int64, err error) {
	key := c.Key()
	name = filepath.Join(s.Dir, key[:2], key[2:]+pictureEnding)
	if info, err := os.Stat(name); err == nil && info.Size() > 0 {
		if now := time.Now(); now.Sub(info.ModTime()) > UnusedFor/10 { // it is wanted still
			_ = os.Chtimes(name, now, now)
		}
		return name, info.Size(), nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return "", 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "new-*")
	if err != nil {
		return "", 0, err
	}
	err = s.Painter.Card(f, c)
	if err == nil {
		size, err = f.Seek(0, 1)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name) // whole or not at all
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", 0, fmt.Errorf("card: %w", err)
	}
	return name, size, nil
}

// Sweep removes what nobody asked for since UnusedFor before now, and what a killed
// process left. Called often it looks once a day.
func (s *Shelf) Sweep(now time.Time) (removed int, err error) {
	if now.Unix()-s.swept.Load() < int64((24 * time.Hour).Seconds()) {
		return 0, nil
	}
	s.swept.Store(now.Unix())
	err = filepath.WalkDir(s.Dir, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		keep := UnusedFor
		if strings.HasPrefix(e.Name(), "new-") {
			keep = time.Hour
		}
		info, err := e.Info()
		if err != nil || now.Sub(info.ModTime()) <= keep {
			return nil // gone meanwhile, or wanted
		}
		if err := os.Remove(name); err == nil {
			removed++
		}
		return nil
	})
	return removed, err
}
