package media

import (
	"bytes"
	"compress/zlib"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
)

// A document of thirty megabytes may hold millions of beginnings of streams, each
// of a few bytes. They do not keep a processor for half a minute.
func TestMillionsOfStreams(t *testing.T) {
	for _, unit := range []string{"stream\nx\x9c\x03\x00", "stream\nx\x9cc0 \x00", "stream\nx\x9c\xed\x9d\x07"} {
		data := "%PDF-1.4\n" + strings.Repeat(unit, (30<<20)/len(unit)) + "\n%%EOF\n"
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := checkPDF(ctx, []byte(data), 256<<20)
		cancel()
		if p := content.AsProblem(err); err == nil || p.Code != codeUnsafeArchive {
			t.Errorf("%q: %v", unit, err)
		}
	}
}

// What is looked for is found in every stream, whatever the streams before it
// were: whole, damaged, or none at all.
func TestStreamsOneAfterAnother(t *testing.T) {
	pack := func(s string) string {
		var b bytes.Buffer
		z := zlib.NewWriter(&b)
		_, _ = z.Write([]byte(s))
		_ = z.Close()
		return b.String()
	}
	good := "stream\n" + pack("10 0 11 20 <</Type /Page>>") + "\nendstream\n"
	bad := "stream\n" + pack("12 0 <</S /JavaScript /JS (app.alert(1))>>") + "\nendstream\n"
	for name, before := range map[string]string{
		"none": "", "a whole one": good, "a page": "stream\n" + pack("q 1 0 0 1 0 0 cm BT ET Q") + "\nendstream\n",
		"a damaged one": "stream\nx\x9c\xff\xff\xff\xff\nendstream\n", "one with a dictionary": "stream\nx\xbb\x00\x00\x00\x00abc\nendstream\n", "one cut off": good[:16] + "\n",
	} {
		if err := checkPDF(t.Context(), []byte("%PDF-1.5\n"+before+good+"%%EOF"), 1<<20); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
		err := checkPDF(t.Context(), []byte("%PDF-1.5\n"+before+before+bad+"%%EOF"), 1<<20)
		if p := content.AsProblem(err); err == nil || p.Code != codeActive {
			t.Errorf("after %s: %v", name, err)
		}
	}
}
