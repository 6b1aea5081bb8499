package mail

import (
	"bytes"
	"context"
	"errors"
	netmail "net/mail"
	"os"
	"path/filepath"
	"time"
)

// folder writes each message into a file of its own (RFC 5322), named by its key,
// so that one that is sent again replaces itself. Only the owner may read them:
// they hold links that act for people.
type folder struct {
	dir   string
	from  *netmail.Address
	clock func() time.Time
}

func (f *folder) Send(ctx context.Context, m Message) error {
	msg, err := compose(f.from, m, f.clock())
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	return writeWhole(f.dir, id(m.Key)+".eml", b.Bytes())
}

// writeWhole writes a file that is there wholly or not at all, also after a loss
// of power.
func writeWhole(dir, name string, data []byte) (err error) {
	f, err := os.CreateTemp(dir, ".mail-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil // the file is there; only its place in the folder is not yet sure
	}
	defer d.Close()
	_ = d.Sync() // not every file system can
	return nil
}
