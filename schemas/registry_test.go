package schemas

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// labelLocales are the languages that every label must have; helpLocales those
// of every help text.
var (
	labelLocales = []string{"it", "en", "fr", "es", "ar", "zh"}
	helpLocales  = []string{"it", "en", "fr", "es", "ar"}
)

// overlay is the embedded declarations with files added, changed or, when
// empty, taken away.
func overlay(t testing.TB, files map[string]string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, err := fs.ReadFile(Files, name)
			out[name] = &fstest.MapFile{Data: data}
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if text == "" {
			delete(out, name)
			continue
		}
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestDeclaredTypes(t *testing.T) {
	r := Default()
	want := map[string]string{
		"article": "editorial", "news": "editorial", "event": "editorial", "practice": "practice",
		"service": "registry", "organization": "registry", "page": "page",
	}
	if len(r.Types()) != len(want) {
		t.Errorf("%d types, want %d", len(r.Types()), len(want))
	}
	collections := []string{}
	for _, ty := range r.Types() {
		if want[ty.Name] != ty.Workflow {
			t.Errorf("%s: workflow %q, want %q", ty.Name, ty.Workflow, want[ty.Name])
		}
		if got, ok := r.TypeByCollection(ty.Collection); !ok || got != ty {
			t.Errorf("collection %s does not find %s", ty.Collection, ty.Name)
		}
		if title, ok := ty.Field("title"); !ok || title.MaxChars != 200 || title.Required != Always || !title.Localized {
			t.Errorf("%s: title is %+v", ty.Name, title)
		}
		for _, name := range []string{"summary", "body", "territories", "topics"} {
			if _, ok := ty.Field(name); !ok {
				t.Errorf("%s has no %s", ty.Name, name)
			}
		}
		if _, ok := ty.Field("organization"); ok == (ty.Name == "organization") {
			t.Errorf("%s: organization declared: %v", ty.Name, ok)
		}
		for _, f := range ty.Fields {
			if len(ty.Form.Sections) == 0 || f.Form.Section == "" {
				t.Errorf("%s.%s is in no form section", ty.Name, f.Name)
			}
		}
		collections = append(collections, ty.Collection)
	}
	slices.Sort(collections)
	if got := strings.Join(collections, " "); got != "articles events news organizations pages practices services" {
		t.Errorf("collections: %s", got)
	}
}

// Every kind must be of use to some type, and every part must have its label.
func TestKindsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, ty := range Default().Types() {
		for _, f := range ty.Fields {
			used[f.Kind] = true
			for _, p := range f.Parts {
				used[p.Kind] = true
			}
		}
	}
	names := map[string]bool{}
	for _, k := range Kinds() {
		if names[k.Name()] {
			t.Errorf("kind %s is listed twice", k.Name())
		}
		names[k.Name()] = true
		if !used[k.Name()] {
			t.Errorf("no field is of kind %s", k.Name())
		}
	}
}

func TestEveryTextInEveryLanguage(t *testing.T) {
	complete := func(what string, text Text, locales []string) {
		for _, l := range locales {
			if text[l] == "" {
				t.Errorf("%s: nothing in %s", what, l)
			}
		}
	}
	term := func(what string, x *Term) {
		complete(what+" "+x.ID, x.Label, labelLocales)
		if x.Help != nil {
			complete(what+" "+x.ID+" help", x.Help, helpLocales)
		}
	}
	r := Default()
	for _, ty := range r.Types() {
		complete(ty.Name, ty.Label, labelLocales)
		complete(ty.Name+" plural", ty.Plural, labelLocales)
		complete(ty.Name+" help", ty.Help, helpLocales)
		for _, s := range ty.Form.Sections {
			complete(ty.Name+" section "+s.Name, s.Label, labelLocales)
		}
		for _, f := range ty.Fields {
			complete(ty.Name+"."+f.Name, f.Label, labelLocales)
			complete(ty.Name+"."+f.Name+" help", f.Help, helpLocales)
			for _, o := range f.Options {
				term(f.Name, o)
			}
			for _, p := range f.Parts {
				complete(ty.Name+"."+f.Name+"."+p.Name, p.Label, labelLocales)
				for _, o := range p.Options {
					term(p.Name, o)
				}
			}
		}
	}
	for _, tax := range r.Taxonomies() {
		complete(tax.Name, tax.Label, labelLocales)
		for _, x := range tax.Terms {
			term(tax.Name, x)
		}
	}
}

// Arabic must be Arabic and Chinese Chinese: a label copied to the wrong
// language shows by its script. Names of European registers are the exception.
func TestScriptsOfLabels(t *testing.T) {
	arabic, han := regexp.MustCompile(`\p{Arabic}`), regexp.MustCompile(`\p{Han}`)
	check := func(what string, text Text) {
		if s, ok := text["ar"]; ok && !arabic.MatchString(s) {
			t.Errorf("%s: %q is not Arabic", what, s)
		}
		if s, ok := text["zh"]; ok && !han.MatchString(s) {
			t.Errorf("%s: %q is not Chinese", what, s)
		}
		for _, l := range []string{"it", "en", "fr", "es"} {
			if s := text[l]; arabic.MatchString(s) || han.MatchString(s) && !strings.Contains(s, "（") {
				t.Errorf("%s: %q is not %s", what, s, l)
			}
		}
	}
	r := Default()
	for _, ty := range r.Types() {
		for _, text := range []Text{ty.Label, ty.Plural, ty.Help} {
			check(ty.Name, text)
		}
		for _, f := range ty.Fields {
			check(ty.Name+"."+f.Name, f.Label)
			check(ty.Name+"."+f.Name, f.Help)
			for _, p := range f.Parts {
				check(f.Name+"."+p.Name, p.Label)
			}
		}
	}
	for _, tax := range r.Taxonomies() {
		for _, x := range tax.Terms {
			check(tax.Name+"."+x.ID, x.Label)
		}
	}
}

func TestTaxonomies(t *testing.T) {
	r := Default()
	ids := func(name string) string {
		tax, ok := r.Taxonomy(name)
		if !ok {
			t.Fatalf("no taxonomy %s", name)
		}
		var out []string
		for _, x := range tax.Terms {
			out = append(out, x.ID)
		}
		return strings.Join(out, " ")
	}
	if got := ids("service_areas"); got != "italian-language work housing health minors intercultural-mediation" {
		t.Errorf("service areas: %s", got)
	}
	if got := ids("practice_areas"); got != "networks multilevel-governance reception-innovation orientation-access italian-language work-inclusion participation-volunteering schools-minors health-vulnerability women culture-sport" {
		t.Errorf("practice areas: %s", got)
	}
	article, _ := r.Type("article")
	topics, _ := article.Field("topics")
	if n := len(topics.Terms()); n != 16 {
		t.Errorf("an article has %d topics to choose from, want 6+11-1 shared", n)
	}
	for words, want := range map[string]string{
		"Casa": "housing", "ALLOGGIO": "housing", "Sanità": "health", "sanita": "health", "Santé": "health",
		"italiano L2": "italian-language", "الصحة": "health", "住房": "housing", "work": "work",
		"Lavoro e inclusione sociale": "work-inclusion", "volontariato": "participation-volunteering",
	} {
		if got, ok := topics.FindTerm(words); !ok || got.ID != want {
			t.Errorf("%q finds %v, want %s", words, got, want)
		}
	}
	for _, words := range []string{"", "-", "pizza", strings.Repeat("a", 5000)} {
		if got, ok := topics.FindTerm(words); ok {
			t.Errorf("%.20q finds %s", words, got.ID)
		}
	}
	if term, ok := r.Term("women"); !ok || term.Label.In("fr") != "Femmes" {
		t.Errorf("term women: %v", term)
	}
}

func TestLocales(t *testing.T) {
	r := Default()
	for _, tag := range []string{"it", "en", "fr", "es", "ar", "zh-Hans", "bn"} {
		if l, ok := r.Locale(tag); !ok || l.Tag != tag {
			t.Errorf("locale %s: %+v", tag, l)
		}
	}
	for tag, want := range map[string]string{"zh-hans": "zh-Hans", "zh": "zh-Hans", "IT": "it"} {
		if l, _ := r.Locale(tag); l.Tag != want {
			t.Errorf("locale %s is %q, want %q", tag, l.Tag, want)
		}
	}
	if l, _ := r.Locale("ar"); l.Dir != "rtl" {
		t.Error("Arabic is not rtl")
	}
	for _, tag := range []string{"", "xx", "it-"} {
		if _, ok := r.Locale(tag); ok {
			t.Errorf("locale %q exists", tag)
		}
	}
}

func TestTextIn(t *testing.T) {
	full := Text{"it": "casa", "en": "home", "zh": "家", "de": "Haus"}
	for locale, want := range map[string]string{"en": "home", "zh-Hans-CN": "家", "fr": "casa", "": "casa", "de-AT": "Haus"} {
		if got := full.In(locale); got != want {
			t.Errorf("In(%q) = %q, want %q", locale, got, want)
		}
	}
	if got := (Text{"fr": "f", "de": "d"}).In("it"); got != "d" {
		t.Errorf("without it and en: %q", got)
	}
	if got := (Text)(nil).In("it"); got != "" {
		t.Errorf("nil text: %q", got)
	}
}

const courseType = `
name: course
collection: courses
workflow: editorial
label: {it: Corso, en: Course}
plural: {it: Corsi, en: Courses}
form:
  sections: [{use: main}, {use: classification}]
fields:
  - use: title
    max_chars: 50
  - use: topics
    taxonomies: [service_areas]
  - name: level
    kind: choice
    options:
      - {id: a1, label: {it: A1}}
      - {id: a2, label: {it: A2}}
    label: {it: Livello, en: Level}
  - name: hours
    kind: number
    integer: true
    min: 1
    label: {it: Ore}
    sortable: true
  - name: teacher
    kind: reference
    types: [organization, course]
    label: {it: Docente}
`

// Adding a content type is one file.
func TestOneFileAddsAType(t *testing.T) {
	r, err := Load(overlay(t, map[string]string{"types/course.yaml": courseType}))
	if err != nil {
		t.Fatal(err)
	}
	course, ok := r.Type("course")
	if !ok || len(r.Types()) != len(Default().Types())+1 {
		t.Fatal("the type is not there")
	}
	title, _ := course.Field("title")
	if title.MaxChars != 50 || title.Label.In("en") != "Title" || title.Search.Weight != 10 {
		t.Errorf("inherited title: %+v", title)
	}
	if article, _ := r.Type("article"); article.Fields[0].MaxChars != 200 {
		t.Error("the override changed another type")
	}
	v, issues := course.Parse(map[string]any{"title": "Corso base", "level": "a1", "hours": 40.0, "topics": []any{"work"}}, nil)
	if issues != nil || len(v) != 4 {
		t.Errorf("%v %v", v, issues)
	}
	if _, issues := course.Parse(map[string]any{"topics": []any{"women"}, "level": "b1", "hours": 1.5}, nil); len(issues) != 3 {
		t.Errorf("issues: %+v", issues)
	}
	if course.Route.Path != "courses/{slug}" || course.Search.Boost != 1 {
		t.Errorf("defaults: %+v %+v", course.Route, course.Search)
	}
	if r.Fingerprint() == Default().Fingerprint() {
		t.Error("the fingerprint is the same")
	}
	compileSchema(t, r, course)
}

func TestFingerprintIsStable(t *testing.T) {
	a, err := Load(overlay(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if a.Fingerprint() != Default().Fingerprint() || len(a.Fingerprint()) != 32 {
		t.Errorf("%s and %s", a.Fingerprint(), Default().Fingerprint())
	}
}

// Each hostile declaration gives an error that names file and line.
func TestHostileDeclarations(t *testing.T) {
	edit := func(old, new string) map[string]string {
		if !strings.Contains(courseType, old) {
			t.Fatalf("no %q in the type", old)
		}
		return map[string]string{"types/course.yaml": strings.Replace(courseType, old, new, 1)}
	}
	taxonomy := func(body string) map[string]string {
		return map[string]string{"taxonomies/x.yaml": "name: x\nlabel: {it: X}\nterms:\n" + body}
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"empty file":            {map[string]string{"types/course.yaml": "# nothing\n"}, "types/course.yaml:1: the file is empty"},
		"no YAML":               {map[string]string{"types/course.yaml": "name: [course\n"}, "types/course.yaml:"},
		"a list":                {map[string]string{"types/course.yaml": "- name: course\n"}, "types/course.yaml:1: a mapping is expected"},
		"two documents":         {map[string]string{"types/course.yaml": courseType + "---\nname: x\n"}, "more than one document"},
		"another name":          {edit("name: course", "name: lesson"), "types/course.yaml:2: name \"lesson\""},
		"unknown key":           {edit("collection: courses", "collection: courses\ncolour: red"), "types/course.yaml:4: unknown key \"colour\""},
		"unknown key in field":  {edit("    integer: true", "    intger: true"), "types/course.yaml:22: unknown key \"intger\""},
		"key twice":             {edit("name: course\n", "name: course\nname: course\n"), "types/course.yaml:3"},
		"collection taken":      {edit("collection: courses", "collection: organizations"), "types/organization.yaml:1: collection \"organizations\""},
		"collection with slash": {edit("collection: courses", "collection: ../etc"), "types/course.yaml:3: collection"},
		"unknown workflow":      {edit("workflow: editorial", "workflow: nobody"), "types/course.yaml:4: there is no workflow \"nobody\""},
		"workflow path":         {edit("workflow: editorial", "workflow: ../types/article"), "types/course.yaml:4: there is no workflow"},
		"no label":              {edit("label: {it: Corso, en: Course}", "label: {en: Course}"), "types/course.yaml:5: there is no label in it"},
		"label no mapping":      {edit("label: {it: Corso, en: Course}", "label: Corso"), "types/course.yaml:5: a text is a mapping"},
		"label bad tag":         {edit("label: {it: Corso, en: Course}", "label: {it: Corso, english: x}"), "types/course.yaml:5: \"english\" is not a language tag"},
		"label empty":           {edit("label: {it: Corso, en: Course}", "label: {it: \" \"}"), "types/course.yaml:5: the text in \"it\""},
		"label override":        {edit("label: {it: Corso, en: Course}", "label: {it: \"a\\u202Eb\"}"), "types/course.yaml:5: the text in \"it\""},
		"unknown shared":        {edit("use: topics", "use: nothing"), "types/course.yaml:12: fields.yaml has no \"nothing\""},
		"unknown kind":          {edit("kind: choice", "kind: colour"), "types/course.yaml:14: field level: unknown kind \"colour\""},
		"unknown section":       {edit("    sortable: true", "    form: {section: cellar}"), "types/course.yaml:20: field hours: unknown section \"cellar\""},
		"unknown taxonomy":      {edit("taxonomies: [service_areas]", "taxonomies: [colours]"), "types/course.yaml:12: field topics: unknown taxonomy"},
		"taxonomy and options":  {edit("    options:", "    taxonomies: [costs]\n    options:"), "types/course.yaml:14: field level: a choice needs"},
		"option twice":          {edit("id: a2", "id: a1"), "types/course.yaml:14: field level: term \"a1\" is declared twice"},
		"option bad id":         {edit("id: a2", "id: A 2"), "kebab-case"},
		"unknown target":        {edit("types: [organization, course]", "types: [teacher]"), "types/course.yaml:26: field teacher: unknown type \"teacher\""},
		"reference to nothing":  {edit("    types: [organization, course]\n", ""), "types/course.yaml:26: field teacher: a reference needs types"},
		"option of other kind":  {edit("    integer: true", "    max_words: 3"), "types/course.yaml:20: field hours: kind number has no option max_words"},
		"min above max":         {edit("min: 1", "min: 1\n    max: 0"), "field hours: min 1 is above max 0"},
		"min no number":         {edit("min: 1", "min: many"), "types/course.yaml:23:"},
		"list where value":      {edit("min: 1", "min: [1]"), "types/course.yaml:23: a single value is expected"},
		"value where list":      {edit("types: [organization, course]", "types: course"), "types/course.yaml:28: a list is expected"},
		"bad required":          {edit("    sortable: true", "    required: sometimes"), "types/course.yaml:20: field hours: required"},
		"bad approval":          {edit("    sortable: true", "    approval: maybe"), "types/course.yaml:20: field hours: approval"},
		"bad widget":            {edit("    sortable: true", "    form: {widget: slider}"), "field hours: unknown widget"},
		"bad weight":            {edit("    sortable: true", "    search: {weight: 11}"), "field hours: search weight"},
		"reserved name":         {edit("name: hours", "name: slug"), "types/course.yaml:20: field slug: the name is reserved"},
		"name twice":            {edit("name: hours", "name: level"), "types/course.yaml:20: field level is declared twice"},
		"bad field name":        {edit("name: hours", "name: Ore di corso"), "types/course.yaml:20: field Ore di corso: name"},
		"field without label":   {edit("    label: {it: Ore}\n", ""), "types/course.yaml:20: field hours has no label in it"},
		"title not required":    {edit("    max_chars: 50", "    required: publish"), "types/course.yaml:10: a type needs a localised text title"},
		"sort by a list":        {edit("    integer: true\n    min: 1", "    repeated: true"), "field hours: kind number cannot be sorted by"},
		"items of one":          {edit("    integer: true", "    max_items: 3"), "field hours: max_items needs repeated"},
		"negative limit":        {edit("max_chars: 50", "max_chars: -1"), "field title: a limit is negative"},
		"min chars":             {edit("max_chars: 50", "max_chars: 5\n    min_chars: 6"), "field title: min_chars 6"},
		"bad format":            {edit("max_chars: 50", "format: zip"), "field title: unknown format \"zip\""},
		"bad route":             {edit("form:\n", "route: {path: \"../{slug}\"}\nform:\n"), "types/course.yaml:7: path"},
		"calendar of nothing":   {edit("form:\n", "route: {calendar: hours}\nform:\n"), "types/course.yaml:7: \"hours\" is no field of kind date_range"},
		"search date":           {edit("form:\n", "search: {date: hours}\nform:\n"), "types/course.yaml:7: \"hours\" is no field with a date"},
		"unknown locale":        {edit("form:\n", "locales: [it, tlh]\nform:\n"), "types/course.yaml:7: unknown locale \"tlh\""},
		"section twice":         {edit("{use: classification}", "{use: main}"), "types/course.yaml:8: section \"main\""},
		"anchor":                {edit("label: {it: Corso, en: Course}", "label: &a {it: Corso, en: Course}"), "types/course.yaml:5: anchors"},
		"alias bomb": {map[string]string{"types/course.yaml": "name: course\na: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"},
			"types/course.yaml:2: unknown key \"a\""},
		"taxonomy name":         {map[string]string{"taxonomies/x.yaml": "name: y\nlabel: {it: X}\nterms: [{id: a, label: {it: A}}]\n"}, "taxonomies/x.yaml:1: name \"y\""},
		"taxonomy without term": {map[string]string{"taxonomies/x.yaml": "name: x\nlabel: {it: X}\n"}, "taxonomies/x.yaml:1: there are no terms"},
		"term twice":            {taxonomy("  - {id: a, label: {it: A}}\n  - {id: a, label: {it: B}}\n"), "taxonomies/x.yaml:5: term \"a\" is declared twice"},
		"term null":             {taxonomy("  - {id: a, label: {it: A}}\n  -\n"), "taxonomies/x.yaml:"},
		"alias of two":          {taxonomy("  - {id: a, label: {it: A}}\n  - {id: b, label: {it: B}, aliases: [À]}\n"), "taxonomies/x.yaml:5: \"a\" names both"},
		"alias of two taxonomies": {map[string]string{"types/course.yaml": strings.Replace(courseType, "[service_areas]", "[service_areas, x]", 1), "taxonomies/x.yaml": "name: x\nlabel: {it: X}\nterms: [{id: a, label: {it: Casa}}]\n"},
			"types/course.yaml:12: field topics: \"casa\" names both"},
		"alias without letters": {taxonomy("  - {id: a, label: {it: A}, aliases: [\"-\"]}\n"), "taxonomies/x.yaml:4: term \"a\" has a label or alias without letters"},
		"term of other label":   {taxonomy("  - {id: work, label: {it: Fatica}}\n"), "taxonomies/x.yaml:4: term \"work\" has other labels"},
		"locale twice":          {map[string]string{"locales.yaml": "locales:\n  - {tag: it, name: I, dir: ltr}\n  - {tag: it, name: I, dir: ltr}\n"}, "locales.yaml:3: locale \"it\" is declared twice"},
		"locale direction":      {map[string]string{"locales.yaml": "locales:\n  - {tag: it, name: I, dir: up}\n"}, "locales.yaml:2: locale \"it\" needs"},
		"locale not canonical":  {map[string]string{"locales.yaml": "locales:\n  - {tag: zh-hans, name: I, dir: ltr}\n"}, "locales.yaml:2: \"zh-hans\""},
		"shared twice":          {map[string]string{"fields.yaml": "fields:\n  - {name: title, kind: text}\n  - {name: title, kind: text}\n"}, "fields.yaml:3: field \"title\""},
		"province unknown":      {map[string]string{"territories/provinces.csv": "istat,acronym,name,region_istat,lat,lon\n001,TO,Torino,99,45,7\n"}, "territories/provinces.csv:2: unknown region \"99\""},
		"province acronym":      {map[string]string{"territories/provinces.csv": "istat,acronym,name,region_istat,lat,lon\n001,,Torino,01,45,7\n"}, "territories/provinces.csv:2: acronym"},
		"province twice":        {map[string]string{"territories/provinces.csv": "istat,acronym,name,region_istat,lat,lon\n001,TO,Torino,01,45,7\n001,TA,T,01,45,7\n"}, "territories/provinces.csv:3: territory 001 is declared twice"},
		"region code":           {map[string]string{"territories/regions.csv": "istat,name,lat,lon\n1,Piemonte,45,7\n"}, "territories/regions.csv:2: code \"1\""},
		"region point":          {map[string]string{"territories/regions.csv": "istat,name,lat,lon\n01,Piemonte,145,7\n"}, "territories/regions.csv:2: lat of territory 01"},
		"region columns":        {map[string]string{"territories/regions.csv": "code,name\n01,Piemonte\n"}, "territories/regions.csv:1: malformed row or missing column \"istat\""},
		"no locales":            {map[string]string{"locales.yaml": ""}, "locales.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			// Without the types that are not needed, for speed.
			for _, ty := range Default().Types() {
				if ty.Name != "organization" {
					c.files["types/"+ty.Name+".yaml"] = ""
				}
			}
			_, err := Load(overlay(t, c.files))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want %q in it", err, c.want)
			}
			file, _, _ := strings.Cut(c.want, ":")
			if c.files[file] != "" && !regexp.MustCompile(regexp.QuoteMeta(file)+`:\d+: `).MatchString(err.Error()) {
				t.Errorf("error %q names no line of %s", err, file)
			}
		})
	}
}

func TestTypesEncode(t *testing.T) {
	data, err := json.Marshal(Default().Types())
	if err != nil {
		t.Fatal(err)
	}
	var types []map[string]any
	if err := json.Unmarshal(data, &types); err != nil || len(types) != 7 {
		t.Fatal(err)
	}
	for _, key := range []string{"name", "collection", "workflow", "label", "fields", "form"} {
		if types[0][key] == nil {
			t.Errorf("no %s in %v", key, types[0])
		}
	}
}
