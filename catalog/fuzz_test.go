package catalog

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"reflect"
	"testing"

	"github.com/prassi-cms/prassi/content"
)

// A cursor is read back as it was written, and nothing else is read at all.
func FuzzCursor(f *testing.F) {
	query := [8]byte{1, 2, 3}
	f.Add(position{key: "k", id: "i", locale: "it"}.encode(query))
	f.Add(position{before: true, key: string([]byte{0, 255}), id: "", locale: "zh-Hans"}.encode(query))
	f.Add("")
	f.Add("AQAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := decodeCursor(s, query)
		if err == nil {
			if again := p.encode(query); again != s {
				t.Errorf("%q and %q are one position", s, again)
			}
			if _, err := decodeCursor(s, [8]byte{9}); err == nil {
				t.Error("the cursor fits another query")
			}
			return
		}
		var problem *content.Problem
		if !errors.As(err, &problem) || problem.Code != "invalid_cursor" {
			t.Errorf("error %v", err)
		}
		// With the right checksum, whatever the bytes say must be taken or refused.
		if raw, err := base64.RawURLEncoding.DecodeString(s); err == nil && len(raw) > 6 && len(raw) < 400 {
			sum := cursorSum(raw[:len(raw)-6])
			_, _ = decodeCursor(base64.RawURLEncoding.EncodeToString(append(raw[:len(raw)-6:len(raw)-6], sum[:]...)), query)
		}
	})
}

// Any query string is refused with a Problem or gives a query whose normal form
// is its own normal form, and whose list can be read.
func FuzzQuery(f *testing.F) {
	w := newWorld(f)
	w.publish("service", "s", "it", "sportello", values{"title": "Sportello", "territories": []string{"MI"}, "topics": []string{"work"}, "places": []any{values{"lat": 45.0, "lon": 9.0}}})
	w.publish("organization", "o", "it", "ente", values{"title": "Ente"})
	c := w.open(f.TempDir())
	for _, s := range []string{
		"locale=it&territory=MI,RM&topic=work&sort=title&limit=5", "from=2026-01-01&to=2026-02-31", "near=45,9&radius=1000&sort=distance",
		"bbox=8,44,10,46&q=sport%20ello", "national=true&organization=ente", "fields=title,fields.places&cursor=AQ", "languages=it,AR&fallback=en",
		"locale=zh&fallback=fr&fallback=it,en", "q=%ff%00&near=NaN,Inf", "limit=1e9&=x&territory=,,,", "radius=-0&near=91,181",
		"near=Milano&radius=5000&open_at=now&assurance=current", "near=Castro%20(LE)&open_on=sa", "open_at=2026-11-28T10:00:00%2B01:00&open_on=2026-02-30",
		"open_on=SABATO&assurance=x&zoom=3", "bbox=179,-10,-179,10&open_at=0000-01-01T00:00:00Z&open_on=9999-12-31", "near=%00(FI)&open_at=later",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		v, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q, err := c.ParseQuery("services", v)
		if err != nil {
			mustBeProblem(t, err)
			return
		}
		n, _, err := c.normalise(q, c.snap.Load())
		if err != nil {
			mustBeProblem(t, err)
			return
		}
		again, _, err := c.normalise(n, c.snap.Load())
		if err != nil || !reflect.DeepEqual(n, again) || n.hash() != again.hash() {
			t.Fatalf("%+v\nbecomes %+v: %v", n, again, err)
		}
		p, err := c.List(q)
		if err != nil {
			mustBeProblem(t, err)
			return
		}
		body, err := p.AppendItems(nil)
		if err != nil || !json.Valid(body) || p.Total < len(p.Entries) {
			t.Fatalf("%v in %s", err, body)
		}
		if geo, err := c.GeoJSON(q, nil); err != nil || !json.Valid(geo) {
			t.Fatalf("%v in %s", err, geo)
		}
		if geo, err := c.Clusters(q, len(raw)%(MaxZoom+1), nil); err != nil || !json.Valid(geo) {
			t.Fatalf("%v in %s", err, geo)
		}
		found, err := c.Select(q)
		if err != nil || found.Len() != p.Total {
			t.Fatalf("%d selected, %d listed: %v", found.Len(), p.Total, err)
		}
		if err := found.WriteCSV(io.Discard, ""); err != nil {
			t.Fatal(err)
		}
	})
}

func mustBeProblem(t *testing.T, err error) {
	var problem *content.Problem
	if !errors.As(err, &problem) || problem.Class != content.Invalid {
		t.Fatalf("error %v", err)
	}
	for _, f := range problem.Fields {
		if f.Path == "" || f.Code == "" {
			t.Fatalf("%+v", f)
		}
	}
	if _, err := json.Marshal(problem.Fields); err != nil {
		t.Fatal(err)
	}
}

// A projection of a JSON object is a JSON object, and takes nothing else in.
func FuzzSparse(f *testing.F) {
	f.Add([]byte(`{"id":"a","title":"b","fields":{"x":[1,{"y":"}"}],"z":null}}`), "title", "fields.x")
	f.Add([]byte(`{"id" : 1 , "é":"\"" }`), "é", "fields")
	f.Add([]byte(`{"a":{"b":[`), "a", "")
	f.Fuzz(func(t *testing.T, item []byte, a, b string) {
		out, err := Sparse(item, []string{a, b})
		if err == nil && json.Valid(item) && !json.Valid(out) {
			t.Fatalf("%s becomes %s", item, out)
		}
		if err != nil && json.Valid(item) {
			var v map[string]any
			if json.Unmarshal(item, &v) == nil && v != nil && v["fields"] == nil {
				t.Fatalf("%s is refused: %v", item, err)
			}
		}
	})
}

// Whatever the metadata of a frame holds, it is read or refused.
func FuzzRecord(f *testing.F) {
	w := newWorld(f)
	w.publish("service", "s", "it", "sportello", values{"title": "Sportello", "places": []any{values{"lat": 45.0, "lon": 9.0}}})
	w.publish("service", "s", "en", "desk", values{"title": "Desk"})
	w.withdraw("s", "en")
	c := w.open(f.TempDir())
	var e encoder
	c.snap.Load().docs.get("s").encode(&e)
	f.Add(string(e.b), int64(10_000))
	f.Fuzz(func(t *testing.T, meta string, payload int64) {
		r, err := decodeRecord(meta, payload)
		if err != nil {
			return
		}
		for _, v := range r.variants {
			for _, x := range v.payload {
				if x.off < 0 || x.len < 0 || x.off+x.len > payload {
					t.Fatalf("%+v of %d", x, payload)
				}
			}
		}
		var again encoder
		r.encode(&again)
		if _, err := decodeRecord(string(again.b), payload); err != nil {
			t.Fatal("what was read cannot be written and read again")
		}
	})
}
