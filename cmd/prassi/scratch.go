package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	scratchPrefix = "prassi-scratch-"
	scratchLock   = ".lock"
)

// scratch makes a temporary folder, and what removes it. Folders that commands left
// which were killed go first: a lock beside each, which falls with its process, says
// whether anybody still needs it.
func scratch() (dir string, done func(), err error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), scratchPrefix+"*"+scratchLock))
	if err != nil {
		return "", nil, err
	}
	for _, name := range left {
		if f, err := os.OpenFile(name, os.O_RDWR, 0); err == nil { // a stranger's cannot be opened
			if locked(f) {
				removeScratch(name)
			}
			f.Close()
		}
	}
	for {
		f, err := os.CreateTemp("", scratchPrefix+"*"+scratchLock)
		if err != nil {
			return "", nil, err
		}
		if !locked(f) { // another one took it for a leftover before it was ours
			f.Close()
			continue
		}
		dir = strings.TrimSuffix(f.Name(), scratchLock)
		if _, err := os.Stat(f.Name()); err != nil {
			f.Close()
			continue
		}
		done = func() { removeScratch(f.Name()); f.Close() }
		if err := os.Mkdir(dir, 0o700); err != nil {
			done()
			return "", nil, err
		}
		return dir, done, nil
	}
}

func locked(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// removeScratch removes a folder and then its lock. What cannot be removed stays for
// the next one.
func removeScratch(lock string) {
	if os.RemoveAll(strings.TrimSuffix(lock, scratchLock)) == nil {
		_ = os.Remove(lock)
	}
}
