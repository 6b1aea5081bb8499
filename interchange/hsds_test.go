package interchange

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/content/sqlitestore"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/schemas"
)

// exportHSDS writes and fails the test on an error.
func (h house) exportHSDS(t testing.TB, target, format string) ExportSummary {
	t.Helper()
	sum, err := ExportHSDS(t.Context(), h.Store, schemas.Default(), target, HSDSOptions{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// contents reads those of a page.
func contents(t testing.TB, name string) []any {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var page map[string]any
	if err := json.Unmarshal(data, &page); err != nil {
		t.Fatal(err)
	}
	list, _ := page[keyContents].([]any)
	if page["total_items"] != float64(len(list)) || page["size"] != float64(len(list)) || page["empty"] != (len(list) == 0) {
		t.Errorf("%s says of itself %v, %v, %v and has %d", name, page["total_items"], page["size"], page["empty"], len(list))
	}
	return list
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func jsonText(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// The real sample: 128 services of one identifier, with counts that are wrong.
// All of them come in, the report says what is odd, a second import changes
// nothing, and they go out as they came, in their order, also by way of an
// export in our own formats into another store.
func TestRealHSDS(t *testing.T) {
	file := filepath.Join(realData(t, "hsds"), "service_list.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Contents []any }
	if err := json.Unmarshal(data, &page); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	sum, report := h.bring(t, Options{Publish: true}, RunOptions{}, file)
	if sum.Created != 129 || sum.Refused != 0 || sum.Ignored["service.accreditations"] != 85 {
		t.Errorf("%+v", sum)
	}
	for _, line := range []string{
		":2:18: hsds_counts: found=128 member=total_items said=31", ":5:11: hsds_counts: found=128 member=size said=31",
		"hsds_locale: locale=it", "hsds_unknown_key: column=parent_organization_id",
	} {
		if !strings.Contains(report, line) {
			t.Errorf("the report does not say %q", line)
		}
	}
	if n := strings.Count(report, "hsds_repeated"); n != 127 {
		t.Errorf("%d of 127 repeated identifiers are told", n)
	}
	if sum, _ := h.bring(t, Options{Publish: true}, RunOptions{}, file); sum.Unchanged != 129 {
		t.Errorf("again: %+v", sum)
	}
	out := filepath.Join(t.TempDir(), "services.json")
	h.exportHSDS(t, out, FormatHSDSJSON)
	same := func(name string) {
		t.Helper()
		got := contents(t, name)
		if len(got) != len(page.Contents) {
			t.Fatalf("%d services went out, %d came in", len(got), len(page.Contents))
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], page.Contents[i]) {
				t.Errorf("service %d went out as\n%s\ncame as\n%s", i, jsonText(got[i]), jsonText(page.Contents[i]))
			}
		}
	}
	same(out)
	for _, format := range []string{FormatMarkdown, FormatLines, FormatTable} {
		dir := filepath.Join(t.TempDir(), "out")
		h.export(t, dir, ExportOptions{Format: format})
		other := newHouse(t)
		if sum, report := other.bring(t, Options{}, RunOptions{}, dir); sum.Refused > 0 {
			t.Fatal(format, sum, report)
		}
		again := filepath.Join(t.TempDir(), "again.json")
		other.exportHSDS(t, again, FormatHSDSJSON)
		same(again)
	}
}

// directoryJSON is a page with two organisations and three services that use
// much of HSDS.
const directoryJSON = `{"total_items": 3, "total_pages": 1, "page_number": 1, "size": 3, "first_page": true, "last_page": true, "empty": false, "contents": [
{"id": "6f1c1a34-0000-4000-8000-000000000001", "name": "Sportello casa", "description": "Aiuto per la casa", "status": "active", "x_ours": {"a": [1, null, "=1+1"]},
 "minimum_age": 18, "accreditations": "-nessuno", "assured_date": "2026-05-01", "fees_description": "Gratuito",
 "cost_options": [{"id": "k1", "amount": 0, "option": "tutti"}],
 "phones": [{"id": "p1", "number": "+39 055 123456", "type": "voice"}],
 "schedules": [{"id": "s1", "freq": "WEEKLY", "byday": "MO,WE", "opens_at": "09:00", "closes_at": "13:00"}, {"id": "s2", "freq": "MONTHLY", "bymonthday": "1", "description": "il primo del mese"}],
 "languages": [{"id": "l1", "name": "Bengali", "code": "bn"}],
 "service_areas": [{"id": "a1", "name": "Toscana"}],
 "attributes": [{"id": "t1", "link_entity": "service", "taxonomy_term": {"id": "tt1", "name": "Housing", "code": "1", "taxonomy": "x"}}],
 "service_at_locations": [{"id": "sl1", "location": {"id": "lo1", "location_type": "physical", "name": "Sede", "latitude": 43.88, "longitude": 11.09,
   "addresses": [{"id": "ad1", "address_1": "via Roma 12", "city": "Prato", "state_province": "PO", "country": "IT", "address_type": "physical"}],
   "accessibility": [{"id": "ac1", "description": "Rampa"}]}}],
 "organization": {"id": "6f1c1a34-0000-4000-8000-0000000000aa", "name": "Comune", "description": "Il comune"}},
{"id": "service/2", "name": "=SUM(A1)", "description": "Seconda", "status": "active", "organization_id": "org-2"},
{"id": "6f1c1a34-0000-4000-8000-000000000003", "name": "Chiuso per sempre", "description": "", "status": "defunct",
 "organization": {"id": "org-2", "name": "Associazione", "description": "Una", "parent_organization_id": "6f1c1a34-0000-4000-8000-0000000000aa"}}
]}`

// Services become documents with their organisations, in whatever order they
// come; what a shelter of HSDS says is found in our fields.
func TestHSDSFields(t *testing.T) {
	h := newHouse(t)
	file := write(t, t.TempDir(), "d.json", directoryJSON)
	sum, report := h.bring(t, Options{Publish: true}, RunOptions{}, file)
	if sum.Created != 5 || sum.Refused != 0 {
		t.Fatal(sum, report)
	}
	d, err := h.Store.Get(t.Context(), "6f1c1a34-0000-4000-8000-000000000001")
	if err != nil {
		t.Fatal(err)
	}
	var shared map[string]any
	if err := json.Unmarshal(d.Shared, &shared); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{
		"topics": []any{"housing"}, "languages": []any{"bn"}, "territories": []any{"09"}, "cost": "free", "minimum_age": 18.0,
		"organization":  "6f1c1a34-0000-4000-8000-0000000000aa",
		"opening_hours": []any{map[string]any{"days": []any{"mo", "we"}, "opens": "09:00", "closes": "13:00"}},
		"contacts":      []any{map[string]any{"phone": "+39 055 123456"}},
		"places":        []any{map[string]any{"label": "Sede", "address": "via Roma 12, Prato, PO", "lat": 43.88, "lon": 11.09}},
	} {
		if !reflect.DeepEqual(shared[field], want) {
			t.Errorf("%s is %s, want %s", field, jsonText(shared[field]), jsonText(want))
		}
	}
	if d.Assured == nil || d.Assured.On != "2026-05-01" || d.Variants[0].Live.IsZero() {
		t.Errorf("assured %+v, live %v", d.Assured, d.Variants[0].Live)
	}
	gone, err := h.Store.Get(t.Context(), "6f1c1a34-0000-4000-8000-000000000003")
	if err != nil || !gone.Variants[0].Live.IsZero() {
		t.Errorf("a defunct service is live: %v", err)
	}
	for _, line := range []string{"d.json:14:1: hsds_not_uuid: id=service/2", "hsds_schedule_kept", "key=service.accreditations", "d.json:14: hsds_not_published: field=topics"} {
		if !strings.Contains(report, line) {
			t.Errorf("the report does not say %q:\n%s", line, report)
		}
	}
	// What is defunct when it is live goes off the air, and says so when it goes out.
	sum, report = h.bring(t, Options{Publish: true}, RunOptions{}, write(t, t.TempDir(), "d.json", strings.Replace(directoryJSON, `"active", "x_ours"`, `"inactive", "x_ours"`, 1)))
	if d, err = h.Store.Get(t.Context(), d.ID); err != nil || !d.Variants[0].Live.IsZero() || sum.Changed != 1 {
		t.Errorf("an inactive service is live: %v %+v\n%s", err, sum, report)
	}
}

// A dry run shows the difference field by field and writes nothing.
func TestHSDSDryRun(t *testing.T) {
	h := newHouse(t)
	dir := t.TempDir()
	h.bring(t, Options{}, RunOptions{}, write(t, dir, "d.json", directoryJSON))
	changed := write(t, dir, "e.json", strings.Replace(directoryJSON, `"Aiuto per la casa"`, `"Aiuto per tutti"`, 1))
	before := h.exportHSDSText(t)
	sum, report := h.bring(t, Options{}, RunOptions{DryRun: true}, changed)
	if sum.Changed != 1 || sum.Unchanged != 4 || !strings.Contains(report, `import_field: after="Aiuto per tutti" before="Aiuto per la casa" field=body`) {
		t.Errorf("%+v\n%s", sum, report)
	}
	if after := h.exportHSDSText(t); after != before {
		t.Error("a dry run wrote")
	}
}

func (h house) exportHSDSText(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "s.json")
	h.exportHSDS(t, name, FormatHSDSJSON)
	return jsonText(contents(t, name))
}

// A package of tables, in a folder and in an archive, comes in as the JSON did
// and goes out as the same tables.
func TestHSDSTables(t *testing.T) {
	h := newHouse(t)
	h.bring(t, Options{}, RunOptions{}, write(t, t.TempDir(), "d.json", directoryJSON))
	dir := filepath.Join(t.TempDir(), "package")
	h.exportHSDS(t, dir, FormatHSDSCSV)
	tables := tree(t, dir)
	if !strings.Contains(tables["service.csv"], ",'=SUM(A1),") || !strings.Contains(tables["phone.csv"], ",+39 055 123456,") {
		t.Errorf("formulas and telephones:\n%s\n%s", tables["service.csv"], tables["phone.csv"])
	}
	for _, archive := range []bool{false, true} {
		from := dir
		if archive {
			from = filepath.Join(t.TempDir(), "package.zip")
			h.exportHSDS(t, from, FormatHSDSCSV)
		}
		other := newHouse(t)
		sum, report := other.bring(t, Options{}, RunOptions{}, from)
		if sum.Created != 5 || sum.Refused != 0 {
			t.Fatalf("%+v\n%s", sum, report)
		}
		again := filepath.Join(t.TempDir(), "again")
		other.exportHSDS(t, again, FormatHSDSCSV)
		sameTree(t, tables, tree(t, again))
		if sum, report := other.bring(t, Options{}, RunOptions{}, from); sum.Unchanged != 5 {
			t.Errorf("again: %+v\n%s", sum, report)
		}
		// The documents are the same but for the kept originals, whose empty members
		// a table does not have.
		a, b := h.facts(t), other.facts(t)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("as JSON\n%s\nas tables\n%s", jsonText(a), jsonText(b))
		}
	}
}

// facts are the shared values of every document but the kept original.
func (h house) facts(t testing.TB) map[string]any {
	t.Helper()
	out := map[string]any{}
	page, err := h.Scan(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range page {
		var shared map[string]any
		if err := json.Unmarshal(d.Shared, &shared); err != nil {
			t.Fatal(err)
		}
		delete(shared, hsds.Field)
		out[d.ID] = shared
	}
	return out
}

// Tables with keys that lead nowhere, circles, repeated and impossible rows: all
// is told by file and line, and what is good comes in.
func TestHSDSBadTables(t *testing.T) {
	h := newHouse(t)
	dir := t.TempDir()
	write(t, dir, "p/datapackage.json", `{"resources": [{"name": "service", "path": "service.csv"}, {"name": "organization", "path": "organizations.csv"},
		{"name": "phone", "path": "phone.csv"}, {"name": "location", "path": "../../etc/passwd"}, {"name": "service_at_location", "path": "sal.csv"}, 7, {"name": 1}]}`)
	write(t, dir, "p/organizations.csv", "id,name,parent_organization_id\na,A,b\nb,B,c\nc,C,a\nd,D,nowhere\ne,E,e\n")
	write(t, dir, "p/service.csv", "id;name;organization_id;status\n1;Uno;a;active\n2;Due;zz;active\n1;Uno di nuovo;a;active\n;Senza;a;active\n"+strings.Repeat("x", 251)+";Lungo;a;active\n3;;a;active\n4;\"rotto;a;active\n")
	write(t, dir, "p/phone.csv", "id,service_id,number\np1,1,055 1\np2,99,055 2\np1,1,055 3\n")
	write(t, dir, "p/sal.csv", "id,service_id,location_id\ns,1,l9\n")
	sum, report := h.bring(t, Options{}, RunOptions{}, filepath.Join(dir, "p"))
	for _, line := range []string{
		"datapackage.json: hsds_resource: path=../../etc/passwd",
		"organizations.csv:2:1: hsds_cycle: ids=a → b → c → a",
		"organizations.csv:6:1: hsds_cycle: ids=e → e",
		"organizations.csv:5:1: hsds_unknown_key: column=parent_organization_id table=organization value=nowhere",
		"service.csv:3:1: hsds_unknown_key: column=organization_id table=organization value=zz",
		"service.csv:4:1: hsds_repeated: id=1 other=" + filepath.Join(dir, "p") + "/service.csv:2 same=false",
		"service.csv:5:1: hsds_id: id=",
		"service.csv:6:1: hsds_id: id=xxx",
		"service.csv:7:1: hsds_no_name",
		"service.csv:8:", // the quote that is not closed
		"phone.csv:3:1: hsds_unknown_key: column=service_id table=service value=99",
		"phone.csv:4:1: hsds_repeated: id=p1",
		"sal.csv:2:1: hsds_unknown_key: column=location_id table=location value=l9",
	} {
		if !strings.Contains(report, line) {
			t.Errorf("the report does not say %q", line)
		}
	}
	if sum.Created != 8 { // five organisations, services 1, 2 and 1 again
		t.Errorf("%+v\n%s", sum, report)
	}
}

// JSON that is not what it should be is refused by line, whole where it is not
// well-formed, and in bounded time.
func TestHSDSBadJSON(t *testing.T) {
	service := func(more string) string {
		return `{"id": "a", "name": "A", "status": "active"` + more + `}`
	}
	page := func(contents string) string { return "{\"size\": 1,\n\"contents\": [\n" + contents + "\n]}" }
	for name, c := range map[string]struct {
		text    string
		says    []string
		created int
	}{
		"depth":        {page(service(`, "x": `+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)) + ",\n" + service("")), []string{"d.json:3:", "too_deep", "found=2"}, 1},
		"open depth":   {page(service(`, "x": ` + strings.Repeat("[", 1_000_000))), []string{"d.json:3:67: too_deep", "syntax"}, 0},
		"twice":        {page(service(`, "name": "B"`)), []string{"d.json:3:46: duplicate_key: key=name"}, 0},
		"page twice":   {"{\"contents\": [" + service("") + "],\n\"contents\": []}", []string{"d.json:2:13: syntax"}, 0},
		"size twice":   {"{\"contents\": [" + service("") + "],\n\"size\": 1, \"size\": 1}", []string{"d.json:2:20: duplicate_key"}, 0},
		"utf-8":        {page(service(", \"x\": \"\xff\"")), []string{"d.json:3:", "invalid_encoding"}, 0},
		"surrogate":    {page(service(`, "x": "\ud800"`)), []string{"d.json:3:", "syntax"}, 0},
		"huge text":    {page(service(`, "x": "` + strings.Repeat("a", 2<<20) + `"`)), []string{"d.json:3:1: item_too_long"}, 0},
		"big original": {page(service(`, "x": "` + strings.Repeat("a", 70<<10) + `"`)), []string{"d.json:3:1: too_long"}, 0},
		"number":       {page(service(`, "x": 1e999`)), []string{"d.json:3:1: hsds_number"}, 0},
		"cut":          {strings.TrimSuffix(page(service("")), "]}"), []string{"d.json:4:", "syntax", "refused=2"}, 0},
		"trailing":     {page(service("")) + "x", []string{"syntax"}, 0},
		"no object":    {page(service("") + `, 7, "x", [1]`), []string{"front_matter_not_keys", "found=4"}, 1},
		"no id":        {page(`{"name": "A", "status": "active"}`), []string{"d.json:3:1: hsds_id"}, 0},
		"control id":   {page(`{"id": "a\u0007", "name": "A", "status": "active"}`), []string{"d.json:3:1: hsds_id"}, 0},
		"reserved":     {page(service(`, "x_prassi": {"occurrence": 3}`)), []string{"d.json:3:1: hsds_reserved"}, 0},
		"counts":       {"{\"total_items\": 9, \"total_pages\": 4, \"empty\": true, \"contents\": [" + service("") + "]}", []string{"member=empty", "hsds_pages: found=1 said=4"}, 1},
		"no contents":  {`{"contents": 7}`, []string{"syntax"}, 0},
		"future":       {page(service(`, "assured_date": "2999-01-01"`)), []string{"hsds_kept: path=service.assured_date reason=out_of_range"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			sum, report := h.bring(t, Options{}, RunOptions{}, write(t, t.TempDir(), "d.json", c.text))
			for _, says := range c.says {
				if !strings.Contains(report, says) {
					t.Errorf("the report does not say %q:\n%.3000s", says, report)
				}
			}
			if sum.Created != c.created {
				t.Errorf("%+v", sum)
			}
		})
	}
}

// Pages, arrays, single objects and lines are told from our own files by their
// shape; what was asked for comes first.
func TestHSDSIsTold(t *testing.T) {
	const one = `{"id": "a", "name": "A", "status": "active"}`
	for name, c := range map[string]struct {
		file, text, notation string
		created              int
		service              bool
	}{
		"array":        {"a.json", "[" + one + "]", "", 1, true},
		"object":       {"a.json", one, "", 1, true},
		"lines":        {"a.jsonl", one + "\n", "", 1, true},
		"organization": {"a.json", `{"id": "a", "name": "A", "description": "x", "legal_status": "y"}`, "", 1, false},
		"ours":         {"service.json", `{"id": "01a200bb-38fc-7cb6-8544-73adf3613f61", "title": "A", "locale": "it", "type": "service"}`, "", 1, true},
		"forced":       {"a.json", `[{"id": "a", "name": "A"}]`, NotationHSDS, 1, true},
		"forbidden":    {"a.json", one, NotationPrassi, 0, false},
		"neither":      {"a.json", `[{"id": "a", "name": "A"}]`, "", 0, false},
		"table":        {"service.csv", "id,name,status\na,A,active\n", NotationHSDS, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			sum, report := h.bring(t, Options{Notation: c.notation}, RunOptions{}, write(t, t.TempDir(), c.file, c.text))
			if sum.Created != c.created || c.created > 0 && strings.Contains(report, "type=service") != c.service {
				t.Errorf("%+v\n%s", sum, report)
			}
		})
	}
}

// What an organisation carries of its services is not kept inside of it: it would
// be read there when the service has become sensitive.
func TestHSDSServicesInside(t *testing.T) {
	h := newHouse(t)
	file := write(t, t.TempDir(), "organizations.json", `[{"id": "a", "name": "A", "description": "x", "services": [{"id": "s", "name": "Casa", "locations": [{"name": "Vicolo Nascosto"}]}]}]`)
	sum, report := h.bring(t, Options{Notation: NotationHSDS}, RunOptions{}, file)
	if sum.Created != 1 || strings.Count(report, CodeHSDSInside) != 1 {
		t.Fatalf("%+v\n%s", sum, report)
	}
	dir := filepath.Join(t.TempDir(), "out")
	h.export(t, dir, ExportOptions{Format: FormatLines})
	data, err := os.ReadFile(filepath.Join(dir, "organization.jsonl"))
	if err != nil || strings.Contains(string(data), "Nascosto") || !strings.Contains(string(data), `"hsds"`) {
		t.Errorf("%v: %s", err, data)
	}
}

// A mapping file says what HSDS does not.
func TestHSDSMapping(t *testing.T) {
	h := newHouse(t)
	m, err := ReadMapping("m.yaml", []byte("rules:\n  - locale: en\n    constants: {topics: [health]}\n"), schemas.Default())
	if err != nil {
		t.Fatal(err)
	}
	sum, report := h.bring(t, Options{Mapping: m, Publish: true}, RunOptions{}, write(t, t.TempDir(), "a.json", `[{"id": "a", "name": "A", "status": "active"}]`))
	d, err := h.BySlug(t.Context(), "service/en/a")
	if err != nil || d.Variants[0].Live.IsZero() || strings.Contains(report, "hsds_locale") {
		t.Errorf("%v %+v\n%s", err, sum, report)
	}
}

// TestHSDSKilled kills an import of HSDS in the middle; running it again
// completes it to what one run gives.
func TestHSDSKilled(t *testing.T) {
	const services, organizations = 500, 30
	dir := t.TempDir()
	file, db := write(t, dir, "many.json", manyServices(services, organizations)), filepath.Join(dir, "prassi.db")
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "PRASSI_TEST_IMPORT="+file, "PRASSI_TEST_DB="+db)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The child says when the first batch is in.
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
		t.Fatal("the import was over before it was killed: it is too small for this machine")
	}
	store, err := sqlitestore.Open(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	once, twice := newHouse(t), houseOn(t, store)
	once.bring(t, Options{}, RunOptions{}, file)
	sum, report := twice.bring(t, Options{}, RunOptions{}, file)
	if sum.Unchanged == 0 || sum.Created == 0 || sum.Unchanged+sum.Created != services+organizations {
		t.Errorf("%+v\n%.2000s", sum, report)
	}
	if a, b := once.facts(t), twice.facts(t); !reflect.DeepEqual(a, b) || once.exportHSDSText(t) != twice.exportHSDSText(t) {
		t.Error("an import that was killed and run again gives something else")
	}
}

// manyServices is a page of services of about 2 kB.
func manyServices(services, organizations int) string {
	var b strings.Builder
	b.WriteString("{\"contents\": [\n")
	for i := range services {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString(oneService(i, organizations))
	}
	b.WriteString("\n]}")
	return b.String()
}

func oneService(i, organizations int) string {
	o := i % organizations
	return fmt.Sprintf(`{"id": "6f1c1a34-0000-4000-8000-%012d", "name": "Sportello %d", "description": %q, "status": "active", "email": "s%d@example.org",
"assured_date": "2026-0%d-01", "minimum_age": 18, "eligibility_description": "Chi ha un permesso di soggiorno", "application_process": "Per telefono",
"phones": [{"id": "p%d", "number": "055 %06d", "type": "voice"}], "languages": [{"id": "l", "name": "Bengali", "code": "bn"}, {"id": "m", "code": "ar"}],
"schedules": [{"id": "s", "freq": "WEEKLY", "byday": "MO,TU,WE", "opens_at": "09:00", "closes_at": "13:00"}],
"attributes": [{"id": "t", "taxonomy_term": {"id": "tt", "name": "Housing"}}], "service_areas": [{"id": "a", "name": "Toscana"}],
"service_at_locations": [{"id": "sl", "location": {"id": "lo%d", "location_type": "physical", "name": "Sede", "latitude": %.4f, "longitude": %.4f,
 "addresses": [{"id": "ad", "address_1": "via Roma %d", "city": "Prato", "state_province": "PO", "country": "IT"}]}}],
"organization": {"id": "6f1c1a34-0000-4000-9000-%012d", "name": "Ente %d", "description": "Un ente", "website": "https://example.org/%d"}}`,
		i, i, strings.Repeat("Un testo che dice che cosa si fa qui. ", 20), i, i%8+1, i, i, i, 43+float64(i%1000)/1000, 11+float64(i%977)/1000, i, o, o, o)
}

// stream writes a page of at least size bytes without holding it. Each service
// has a member of pad bytes more that no field holds.
func stream(w io.Writer, size, pad int) (services int, err error) {
	n := 0
	put := func(s string) {
		if err == nil {
			_, err = io.WriteString(w, s)
			n += len(s)
		}
	}
	put("{\"contents\": [\n")
	for ; n < size && err == nil; services++ {
		if services > 0 {
			put(",\n")
		}
		put(strings.TrimSuffix(oneService(services, 500), "}"))
		put(`, "x_pad": "` + strings.Repeat("a", pad) + `"}`)
	}
	put("\n]}")
	return services, err
}

// scanned reads a file of a size and gives the most memory that was in use.
func scanned(t testing.TB, size, pad int) (services int, most uint64) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "large.json"))
	if err != nil {
		t.Fatal(err)
	}
	services, err = stream(f, size, pad)
	if err := errorsJoin(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				time.Sleep(20 * time.Millisecond)
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc-min(before, m.HeapAlloc))
			}
		}
	}()
	p, err := Open(t.Context(), []string{f.Name()}, Options{})
	close(stop)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Refused > 0 || p.Documents != services+min(500, services) {
		t.Fatalf("%d documents of %d services, %d refused: %v", p.Documents, services, p.Refused, p.Findings)
	}
	return services, most
}

func errorsJoin(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// What is in memory while a large file is read is what a plan remembers of its
// items, not the file: some hundred bytes for each service, however long it is.
func TestHSDSBoundedMemory(t *testing.T) {
	const size = 24 << 20
	services, most := scanned(t, size, 30<<10)
	if bound := uint64(12<<20 + services*1000); most > bound {
		t.Errorf("%d services in %d MiB take %d MiB of memory, at most %d MiB are due", services, size>>20, most>>20, bound>>20)
	}
}

// A spreadsheet of everything comes in again as it was.
func TestTableRoundTrip(t *testing.T) {
	h := newHouse(t)
	h.fill(t)
	formula := do(t)(h.Create(t.Context(), importer, content.NewVariant{Type: "page", Locale: "it", Fields: map[string]any{"title": "=HYPERLINK(\"x\")", "body": "- uno\n- due"}}))
	do(t)(h.Create(t.Context(), importer, content.NewVariant{Type: "page", Locale: "it", Fields: map[string]any{"title": "'=già così", "body": "@x"}}))
	dir, want := filepath.Join(t.TempDir(), "table"), filepath.Join(t.TempDir(), "want")
	h.export(t, dir, ExportOptions{Format: FormatTable})
	h.export(t, want, ExportOptions{})
	if page := tree(t, dir)["page.csv"]; !strings.Contains(page, `"'=HYPERLINK(""x"")"`) || !strings.Contains(page, formula.ID) {
		t.Errorf("the formula is live:\n%s", page)
	}
	other := newHouse(t)
	if sum, report := other.bring(t, Options{}, RunOptions{}, dir); sum.Refused > 0 {
		t.Fatalf("%+v\n%s", sum, report)
	}
	got := filepath.Join(t.TempDir(), "got")
	other.export(t, got, ExportOptions{})
	sameTree(t, tree(t, want), tree(t, got))
}

// A ZIP of pages is read like a folder of them.
func TestHSDSArchive(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, name := range []string{"services-1.json", "services-2.json"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, `{"total_items": 2, "total_pages": 2, "page_number": %d, "size": 1, "contents": [%s]}`, i+1, oneService(i, 1))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	sum, report := h.bring(t, Options{}, RunOptions{}, write(t, t.TempDir(), "pages.zip", b.String()))
	if sum.Created != 3 || strings.Contains(report, "hsds_counts") || strings.Contains(report, "hsds_pages") {
		t.Errorf("%+v\n%s", sum, report)
	}
}

// An export takes no place that is somebody's.
func TestHSDSExportPlace(t *testing.T) {
	h := newHouse(t)
	name := write(t, t.TempDir(), "mine.json", "mine")
	_, err := ExportHSDS(t.Context(), h.Store, schemas.Default(), name, HSDSOptions{})
	if e, ok := err.(*Error); !ok || e.Finding.Code != CodeExportFile {
		t.Errorf("%v", err)
	}
	if data, _ := os.ReadFile(name); string(data) != "mine" {
		t.Error("the file is gone")
	}
	dir := filepath.Join(t.TempDir(), "empty")
	h.exportHSDS(t, dir, FormatHSDSCSV)
	if names := sortedKeys(tree(t, dir)); !slices.Contains(names, "service.csv") || !slices.Contains(names, packageFile) {
		t.Errorf("an empty package has %v", names)
	}
}
