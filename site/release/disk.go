package release

import (
	"io"
	"os"
	"runtime"
)

// device is an open file as the store needs it.
type device interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
	Stat() (os.FileInfo, error)
}

// disk is how the store reaches its files. Tests put one in its place that fails
// or dies at a chosen step.
type disk struct {
	open func(path string, flag int) (device, error)
	// syncFolder makes the names in a folder durable.
	syncFolder func(dir string) error
	// step is told of each thing that is about to be done to the folder.
	step func(what string)
}

func systemDisk() *disk {
	d := &disk{
		open: func(path string, flag int) (device, error) { return os.OpenFile(path, flag, 0o600) },
		step: func(string) {},
	}
	d.syncFolder = func(dir string) error {
		d.step("sync folder")
		return syncFolder(dir)
	}
	return d
}

func (d *disk) rename(from, to string) error {
	d.step("rename")
	return os.Rename(from, to)
}

func (d *disk) remove(path string) error {
	d.step("remove")
	return os.Remove(path)
}

// syncFolder: Windows knows no such thing.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
