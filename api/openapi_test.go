package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi/datamodel"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// openAPI fetches the document as a caller does.
func openAPI(t *testing.T, w *world) any {
	t.Helper()
	a := w.send("", "GET", "/openapi.json", "").want(t, 200)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	w.must(err)
	return doc
}

// TestOpenAPIIsValid holds the document against the meta-schema that the OpenAPI
// Initiative publishes for version 3.1.
func TestOpenAPIIsValid(t *testing.T) {
	w := newWorld(t, withSite(t))
	doc := openAPI(t, w)
	meta, err := jsonschema.UnmarshalJSON(strings.NewReader(datamodel.OpenAPI31SchemaData))
	w.must(err)
	c := jsonschema.NewCompiler()
	w.must(c.AddResource("meta.json", meta))
	schema, err := c.Compile("meta.json")
	w.must(err)
	if err := schema.Validate(doc); err != nil {
		t.Error(err)
	}
	info := doc.(map[string]any)["info"].(map[string]any)
	if info["x-summary"] == nil || info["contact"] == nil || info["version"] != "test" {
		t.Errorf("info lacks what the guidelines ask for: %v", info)
	}
	walk(doc, "", func(path string, m map[string]any) {
		if kind := m["type"]; (kind == "number" || kind == "integer") && m["format"] == nil && m["const"] == nil {
			t.Errorf("%s: a number without format", path)
		}
	})
}

func walk(v any, path string, visit func(string, map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(path, v)
		for k, child := range v {
			walk(child, pointer(path, k), visit)
		}
	case []any:
		for i, child := range v {
			walk(child, path+"/"+strconv.Itoa(i), visit)
		}
	}
}

// TestOpenAPIDescribesEveryRoute compares the document with the routes that Gin
// has: neither knows more than the other.
func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	w := newWorld(t, withSite(t))
	paths := openAPI(t, w).(map[string]any)["paths"].(map[string]any)
	described := map[string]bool{}
	for path, item := range paths {
		for method := range item.(map[string]any) {
			described[strings.ToUpper(method)+" "+ginPath(&operation{Route: path})] = true
		}
	}
	for _, r := range w.server.engine.Routes() {
		if r.Method == http.MethodHead || r.Method == http.MethodOptions {
			continue
		}
		route := r.Method + " " + strings.ReplaceAll(r.Path, "*", ":")
		if !described[route] {
			t.Errorf("%s is served and not described", route)
		}
		delete(described, route)
	}
	for route := range described {
		t.Errorf("%s is described and not served", route)
	}
}

// request is one example of an operation.
type request struct {
	who, path, body string
	headers         []string
	status          int
}

// examples calls every operation. A new operation without one fails the test.
func examples(t *testing.T, w *world) map[string]func() []request {
	const m = "/api/v1/manage"
	fresh := func(title string) Variant { return w.article("edo", title) }
	seen := func(v Variant) []string { return []string{"If-Match", v.ETag} }
	edit := func(v Variant, body string) Variant {
		var out Variant
		w.send("edo", "PATCH", variantPath(v), body, "If-Match", v.ETag).want(t, 200).into(t, &out)
		return out
	}
	one := func(r request) func() []request { return func() []request { return []request{r} } }
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	failing := func(path string) func() []request {
		return func() []request {
			t.Cleanup(func() { w.server.stopping.Store(false) })
			return []request{{path: path, status: 200}, {path: path, status: 503}}
		}
	}
	out := map[string]func() []request{
		"getIndex":        one(request{path: "/api/v1", status: 200}),
		"listTerritories": one(request{path: "/api/v1/territories?level=province&within=03&limit=3", status: 200}),
		"listTopics":      one(request{path: "/api/v1/topics", status: 200}),
		"listTypes":       one(request{path: "/api/v1/types", status: 200}),
		"search": func() []request {
			return []request{
				{path: "/api/v1/search?q=campione&facets=" + url.QueryEscape(strings.Join(w.server.allFacets, ",")), status: 200},
				{path: "/api/v1/search?q=legge+40%2F1998&locale=it&type=services&near=43.88,11.1&sort=distance&limit=2", status: 200},
			}
		},
		"suggest": one(request{path: "/api/v1/search/suggest?q=camp&locale=it&limit=3", status: 200}),
		"getFeed": func() []request {
			var out []request
			for _, name := range []string{"all.rss", "news.atom", "practices.json", "events.ics", "deadlines.ics", "events.rss?territory=MI&topic=housing"} {
				out = append(out, request{path: "/feeds/it/" + name, status: 200})
			}
			return out
		},
		"getTerritoryFeed": one(request{path: "/feeds/it/territories/MI/articles.atom", status: 200}),
		"getTopicFeed":     one(request{path: "/feeds/ar/topics/housing/all.json", status: 200}),
		"getCard": func() []request {
			page, err := w.catalog.List(catalog.Query{Collection: "news", Locale: "it"}) // others may have renamed the sample
			w.must(err)
			return []request{{path: "/cards/it/news/" + page.Entries[0].Slug() + ".png", status: 200}}
		},
		"getSchema":   one(request{path: "/schemas/practice.json", status: 200}),
		"listChanges": one(request{path: "/api/v1/changes?since=0", status: 200}),
		"createDocument": one(request{who: "edo", path: m + "/documents", status: 201,
			body: `{"type":"page","locale":"en","slug":"about-us","owner":"orti","fields":{"title":"About us"},"note":"first"}`}),
		"listDocuments": func() []request {
			return []request{
				{who: "edo", path: m + "/documents?type=article&state=published&locale=it&territory=MI&sort=title&limit=2", status: 200},
				{who: "rita", path: m + "/documents", status: 200},
			}
		},
		"getDocument": func() []request {
			return []request{{who: "edo", path: m + "/documents/" + fresh("Uno").ID, status: 200}}
		},
		"discardDocument": func() []request {
			v := fresh("Da buttare")
			return []request{{who: "edo", path: m + "/documents/" + v.ID, headers: seen(v), status: 204}}
		},
		"addVariant": func() []request {
			v := fresh("Da tradurre")
			var d Document
			w.send("edo", "GET", m+"/documents/"+v.ID, "").want(t, 200).into(t, &d)
			if !slices.Contains(d.Add.Locales, "fr") {
				t.Errorf("an editor may not add French: %v", d.Add)
			}
			return []request{{who: "edo", path: m + "/documents/" + v.ID + "/variants", status: 201,
				headers: []string{"If-Match", d.Add.ETag}, body: `{"locale":"fr","fields":{"title":"À traduire"}}`}}
		},
		"getVariant": func() []request {
			return []request{{who: "edo", path: variantPath(fresh("Due")), status: 200, headers: []string{"Accept-Language", "ar"}}}
		},
		"editVariant": func() []request {
			v := fresh("Tre")
			return []request{{who: "edo", path: variantPath(v), headers: seen(v), status: 200, body: `{"fields":{"summary":null,"body":"Altro"},"slug":"tre-bis","note":"x"}`}}
		},
		"takeStep": func() []request {
			a, b, c := fresh("Quattro"), fresh("Quattro bis"), w.article("carla", "Quattro ter")
			return []request{
				{who: "edo", path: variantPath(a) + "/transitions", headers: seen(a), status: 200, body: `{"transition":"publish"}`},
				{who: "edo", path: variantPath(b) + "/transitions", headers: seen(b), status: 200, body: `{"transition":"publish","at":"2099-03-29T02:30"}`},
				{who: "carla", path: variantPath(c) + "/transitions", headers: seen(c), status: 200, body: `{"transition":"submit","comment":"Ecco"}`},
			}
		},
		"unschedule": func() []request {
			v := fresh("Cinque")
			w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"publish","at":"2099-01-01"}`, "If-Match", v.ETag).want(t, 200).into(t, &v)
			if len(v.Schedule) != 1 || v.Schedule[0].Label == "" {
				t.Errorf("schedule %+v", v.Schedule)
			}
			return []request{{who: "edo", path: variantPath(v) + "/schedule/publish", headers: seen(v), status: 200}}
		},
		"listEvents": func() []request {
			v := edit(fresh("Sei"), `{"fields":{"body":"Nuovo"}}`)
			w.publish("edo", v)
			return []request{{who: "edo", path: m + "/documents/" + v.ID + "/events", status: 200}, {who: "edo", path: m + "/documents/" + v.ID + "/events?limit=1", status: 200}}
		},
		"listRevisions": func() []request {
			v := edit(fresh("Sette"), `{"fields":{"body":"Nuovo"},"note":"perché"}`)
			return []request{{who: "edo", path: variantPath(v) + "/revisions?limit=1", status: 200}, {who: "edo", path: variantPath(v) + "/revisions?cursor=2", status: 200}}
		},
		"getRevision": func() []request {
			return []request{{who: "edo", path: variantPath(fresh("Otto")) + "/revisions/1", status: 200}}
		},
		"restoreRevision": func() []request {
			v := edit(fresh("Nove"), `{"fields":{"body":"Nuovo"}}`)
			return []request{{who: "edo", path: variantPath(v) + "/revisions/1/restore", headers: seen(v), status: 200, body: `{"note":"com'era"}`}}
		},
		"compareRevisions": func() []request {
			v := edit(fresh("Dieci"), `{"fields":{"body":"Nuovo","summary":null},"slug":"dieci-bis"}`)
			return []request{{who: "edo", path: variantPath(v) + "/comparison?from=1&to=2", status: 200}, {who: "edo", path: variantPath(v) + "/comparison?to=1", status: 200}}
		},
		"preview": one(request{who: "carla", path: m + "/preview", status: 200,
			body: `{"markdown":"## Titolo\n\nArt. 5 della legge n. 40/1998. <script>alert(1)</script>","locale":"it"}`}),
		"getFormTypes":  one(request{who: "carla", path: m + "/types", status: 200}),
		"listWorkflows": one(request{who: "carla", path: m + "/workflows", status: 200}),
		"getCaller":     one(request{who: "rita", path: m + "/me", status: 200}),
		"getMe":         one(request{who: "tariq", path: "/auth/me", status: 200}),
		"logIn": func() []request {
			return []request{
				{path: "/auth/login", status: 200, body: `{"person":"edo"}`},
				{path: "/auth/login", status: 303, body: "person=edo&next=%2Fdocs", headers: form},
			}
		},
		"getOpenAPI": one(request{path: "/openapi.json", status: 200}),
		"getRoot":    one(request{path: "/", status: 302}),
		"getDocs":    one(request{path: "/docs", status: 200}),
		"getStyle":   one(request{path: "/docs/style.css", status: 200}),
		"getProblem": one(request{path: "/problems/stale", status: 200}),
		"getStatus":  failing("/status"),
		"getReady":   failing("/readyz"),
		"getLive":    one(request{path: "/livez", status: 200}),
		"getMetrics": one(request{path: "/metrics", status: 200}),
	}
	maps.Copy(out, sessionExamples(t, w))
	maps.Copy(out, accessExamples(w))
	maps.Copy(out, mediaExamples(w))
	maps.Copy(out, freshnessExamples(w))
	maps.Copy(out, partnerExamples(w))
	maps.Copy(out, siteExamples(w))
	maps.Copy(out, webhookExamples(w))
	maps.Copy(out, directoryExamples(w))
	maps.Copy(out, freshnessExamples(w))
	for _, typ := range w.server.schemas.Types() {
		name, at := capital(typ.Name), "/api/v1/"+typ.Collection
		out["list"+name] = func() []request {
			return []request{
				{path: at, status: 200},
				{path: at + "?locale=ar&territory=MI&sort=title&limit=1", status: 200},
				{path: at + "?locale=en&fallback=ar,it&fields=title,html,fields.title", status: 200},
			}
		}
		out["get"+name] = func() []request {
			item := at + "/" + sampleSlug(typ.Name)
			w.rename(typ)
			return []request{
				{path: item, status: 301},
				{path: item + "?locale=it", status: 301},
				{path: item + "-nuovo", status: 200},
				{path: item + "-nuovo?locale=ar", status: 200, headers: []string{"Accept-Encoding", "identity"}},
				{path: item + "-nuovo?locale=en", status: 200},
				{path: item + "-nuovo?locale=it&fields=title,toc", status: 200},
			}
		}
		out["map"+name] = func() []request {
			return []request{
				{path: at + ".geojson?locale=it&bbox=-180,-90,180,90", status: 200},
				{path: at + ".geojson?zoom=0", status: 200},
			}
		}
		out["table"+name] = one(request{path: at + ".csv?locale=it&fallback=ar", status: 200})
	}
	return out
}

// rename gives the Italian sample of a type another slug, and publishes it.
func (w *world) rename(typ *schemas.Type) {
	w.t.Helper()
	found := w.catalog.Get(typ.Collection, sampleSlug(typ.Name), "it")
	if found.Outcome != catalog.Found {
		w.t.Fatalf("no sample of %s", typ.Name)
	}
	fields := map[string]any{}
	for _, f := range typ.Fields {
		if v := sample(f, nil); v != nil {
			fields[f.Name] = v
		}
	}
	w.incoming(content.Incoming{Type: typ.Name, ID: found.Entry.ID(), Variants: []content.IncomingVariant{
		{Locale: "it", Slug: sampleSlug(typ.Name) + "-nuovo", Fields: fields, Publish: true},
	}})
}

// TestEveryOperation calls each entry of the table and holds what comes back
// against what the document says: status, headers, media type and body.
func TestEveryOperation(t *testing.T) {
	w := newWorld(t, withRogue(t), withSite(t))
	w.fill()
	doc := openAPI(t, w)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	w.must(c.AddResource("openapi.json", doc))
	calls := examples(t, w)
	for _, op := range w.server.operations {
		t.Run(op.ID, func(t *testing.T) {
			make := calls[op.ID]
			if make == nil {
				t.Fatalf("operation %s has no example: add one", op.ID)
			}
			answered := map[int]bool{}
			for i, r := range make() {
				if r.status == http.StatusServiceUnavailable {
					w.server.stopping.Store(true)
				}
				a := w.send(r.who, op.Method, r.path, r.body, r.headers...).want(t, r.status)
				conforms(t, c, op, a)
				answered[r.status] = true
				if tag := a.Header.Get("ETag"); i == 0 && op.Access != signed && tag != "" {
					a = w.send(r.who, op.Method, r.path, r.body, append([]string{"If-None-Match", "\"other\", W/" + tag}, r.headers...)...).want(t, 304)
					conforms(t, c, op, a)
					answered[304] = true
				}
				if op.Method == http.MethodGet && !op.Once {
					head := w.send(r.who, http.MethodHead, r.path, "", r.headers...).want(t, r.status)
					if len(head.body) != 0 || head.Header.Get("Content-Type") != w.send(r.who, op.Method, r.path, "", r.headers...).Header.Get("Content-Type") {
						t.Errorf("HEAD answers otherwise than GET: %v", head.Header)
					}
				}
			}
			for _, a := range op.Answers {
				if !answered[a.Status] && a.Status != 301 && a.Status != 304 {
					t.Errorf("no example leads to the declared %d", a.Status)
				}
				if a.Status == 304 && !answered[304] && !answered[301] {
					t.Error("no example leads to the declared 304")
				}
			}
			w.server.stopping.Store(false)
		})
	}
}

// conforms holds an answer against the document.
func conforms(t *testing.T, c *jsonschema.Compiler, op *operation, a answered) {
	t.Helper()
	media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	base := func(d answer) string { return strings.Split(or(d.Media, "application/json"), ";")[0] }
	at := slices.IndexFunc(op.Answers, func(d answer) bool { return d.Status == a.StatusCode && base(d) == media })
	if at < 0 {
		at = slices.IndexFunc(op.Answers, func(d answer) bool { return d.Status == a.StatusCode })
	}
	if at < 0 {
		t.Fatalf("status %d is not declared", a.StatusCode)
	}
	declared := op.Answers[at]
	for _, name := range declared.Headers {
		if a.Header.Get(name) == "" {
			t.Errorf("%s: %d lacks the header %s: %v", a.Request.URL, a.StatusCode, name, a.Header)
		}
	}
	switch {
	case declared.Body == nil:
		if len(a.body) > 0 {
			t.Errorf("%d has a body that is not declared: %s", a.StatusCode, a.body)
		}
		return
	case media != base(declared):
		t.Errorf("%s: media type %q, declared %q", a.Request.URL, media, declared.Media)
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	path := strings.NewReplacer("~", "~0", "/", "~1").Replace(op.Route)
	key := strings.NewReplacer("~", "~0", "/", "~1").Replace(or(declared.Media, "application/json"))
	location := fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%d/content/%s/schema", path, strings.ToLower(op.Method), a.StatusCode, key)
	schema, err := c.Compile(location)
	if err != nil {
		t.Fatal(err)
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil {
		t.Fatalf("not JSON: %v", err)
	}
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s: %v\n%.2000s", a.Request.URL, err, a.body)
	}
}

// TestRequestBodiesMatchTheDocument sees that the strict decoder takes what the
// schema takes: the same required keys, and no others.
func TestRequestBodiesMatchTheDocument(t *testing.T) {
	w := newWorld(t)
	doc := openAPI(t, w)
	c := jsonschema.NewCompiler()
	w.must(c.AddResource("openapi.json", doc))
	for _, body := range []string{
		`{}`, `{"markdown":"x"}`, `{"markdown":1}`, `{"markdown":"x","locale":"it"}`, `{"markdown":"x","Locale":"it"}`, `{"markdown":null}`, `[]`, `"x"`,
	} {
		schema, err := c.Compile("openapi.json#/components/schemas/Preview")
		w.must(err)
		var tree any
		w.must(json.Unmarshal([]byte(body), &tree))
		var in Preview
		if got, want := bind(tree, &in) == nil, schema.Validate(tree) == nil; got != want {
			t.Errorf("%s: decoder %v, schema %v", body, got, want)
		}
	}
}
