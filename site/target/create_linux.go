package target

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// within keeps a path below a folder, and off symbolic links (openat2(2)).
const within = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS

// create makes a file with its bytes below a folder that is open twice: by an
// os.Root it takes four times as many calls to the system.
func create(root *os.Root, dir *os.File, name string, content []byte) error {
	fd, err := unix.Openat2(int(dir.Fd()), name, &unix.OpenHow{
		Flags: unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_CLOEXEC, Mode: fileMode, Resolve: within,
	})
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // before Linux 5.6, or in a sandbox
		return createIn(root, name, content)
	}
	if err != nil {
		return &os.PathError{Op: "create", Path: name, Err: err}
	}
	for len(content) > 0 && err == nil {
		var n int
		if n, err = unix.Write(fd, content); errors.Is(err, unix.EINTR) {
			err = nil
		}
		content = content[max(n, 0):]
	}
	if err = errors.Join(err, unix.Close(fd)); err != nil {
		return &os.PathError{Op: "write", Path: name, Err: err}
	}
	return nil
}
