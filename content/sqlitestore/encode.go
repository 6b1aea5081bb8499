package sqlitestore

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// encode gives v as JSON with raw messages byte for byte (json.Marshal would
// escape the angle brackets inside them).
func encode(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}

func decode[T any](body []byte) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(body, v); err != nil {
		return nil, err
	}
	return v, nil
}

// moment gives a time as it is kept: UTC, whole milliseconds, rounded down.
func moment(t time.Time) time.Time { return fromMillis(t.UnixMilli()) }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// newness is the order of the terms table: the later, the smaller.
func newness(t time.Time) int64 { return -t.UnixMilli() }

// kept gives the document as it is stored: its times rounded, and without its
// events, which go to the log. The caller's document stays as it is.
func kept(d *content.Document) *content.Document {
	c := *d
	c.Pending = nil
	c.CreatedAt, c.UpdatedAt, c.Keys.Due = moment(c.CreatedAt), moment(c.UpdatedAt), moment(c.Keys.Due)
	c.Variants = slices.Clone(c.Variants)
	for i := range c.Variants {
		v := &c.Variants[i]
		v.PublishedAt, v.UpdatedAt = moment(v.PublishedAt), moment(v.UpdatedAt)
		v.Approvals = slices.Clone(v.Approvals)
		for i := range v.Approvals {
			v.Approvals[i].At = moment(v.Approvals[i].At)
		}
		v.Schedule = slices.Clone(v.Schedule)
		for i := range v.Schedule {
			v.Schedule[i].At = moment(v.Schedule[i].At)
		}
	}
	return &c
}
