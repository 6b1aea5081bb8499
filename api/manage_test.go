package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTwoWriters: the second writer of one version is told what both versions
// are, in the caller's language, and succeeds after reading again.
func TestTwoWriters(t *testing.T) {
	w := newWorld(t)
	v := w.article("edo", "Conteso")
	at := variantPath(v)
	first := w.send("ada", "PATCH", at, `{"fields":{"body":"Di Ada"}}`, "If-Match", v.ETag).want(t, 200)
	a := w.send("edo", "PATCH", at, `{"fields":{"body":"Di Edo"}}`, "If-Match", v.ETag, "Accept-Language", "it")
	p := a.problem(t, 412, "stale")
	if p.Yours == nil || p.Current == nil || p.Yours.ETag != v.ETag || p.Current.ETag != first.Header.Get("ETag") ||
		p.Current.Revision != 2 || p.Current.Author == "" || !slices.Contains(p.Current.Changed, "body") {
		t.Errorf("yours %+v, current %+v", p.Yours, p.Current)
	}
	if a.Header.Get("Content-Language") != "it" || strings.Contains(p.Detail, "stale") {
		t.Errorf("%s: %s", a.Header.Get("Content-Language"), p.Detail)
	}
	again := w.send("edo", "GET", at, "").want(t, 200)
	w.send("edo", "PATCH", at, `{"fields":{"body":"Di Edo"}}`, "If-Match", again.Header.Get("ETag")).want(t, 200)

	w.send("edo", "PATCH", at, `{"fields":{"body":"Senza"}}`).problem(t, 428, "precondition_required")
	w.send("edo", "POST", at+"/transitions", `{"transition":"publish"}`).problem(t, 428, "precondition_required")
	w.send("edo", "DELETE", "/api/v1/manage/documents/"+v.ID, "").problem(t, 428, "precondition_required")
	for _, tag := range []string{`1.1`, `"1.1", "2.1"`, `"1.1`, `W/`, `""x`} {
		w.send("edo", "PATCH", at, `{"fields":{"body":"x"}}`, "If-Match", tag).problem(t, 400, codeInvalidHeader)
	}
	w.send("edo", "PATCH", at, `{"fields":{"body":"Comunque"}}`, "If-Match", "*").want(t, 200)
}

// TestAnswersNameWhatTheCallerMayDo follows an article from its contributor to
// the public and looks at what each caller is offered on the way.
func TestAnswersNameWhatTheCallerMayDo(t *testing.T) {
	w := newWorld(t)
	v := w.article("carla", "Guida alla casa")
	names := func(v Variant) string {
		var out []string
		for _, a := range v.Actions {
			name := a.Name
			if a.Blocked != nil {
				name += "!" + a.Blocked.Code
			}
			out = append(out, name)
		}
		return strings.Join(out, " ")
	}
	if !v.Editable || names(v) != "submit" || v.Actions[0].Label != "Invia" || v.Actions[0].To.Label != "Inviato" || v.Actions[0].Comment != "optional" {
		t.Errorf("the contributor is offered %q %+v", names(v), v.Actions)
	}
	w.send("rita", "GET", variantPath(v), "").problem(t, 404, "not_found") // a draft is its author's
	var out Variant
	w.send("carla", "POST", variantPath(v)+"/transitions", `{"transition":"publish"}`, "If-Match", v.ETag).problem(t, 403, "forbidden")
	w.send("carla", "POST", variantPath(v)+"/transitions", `{"transition":"submit"}`, "If-Match", v.ETag).want(t, 200).into(t, &out)
	if out.Editable || out.State.Name != "submitted" || out.State.Waiting != "editor" || names(out) != "recall" {
		t.Errorf("after handing in: %+v %q", out.State, names(out))
	}
	w.send("carla", "PATCH", variantPath(v), `{"fields":{"body":"Ancora"}}`, "If-Match", out.ETag).problem(t, 409, "not_editable")

	w.send("edo", "GET", variantPath(v), "", "Accept-Language", "fr").want(t, 200).into(t, &out)
	i := slices.IndexFunc(out.Actions, func(a Action) bool { return a.Name == "request_changes" })
	if i < 0 || out.Actions[i].Comment != "required" || out.Actions[i].Label != "Demander des modifications" {
		t.Errorf("the editor is offered %q", names(out))
	}
	p := w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"request_changes"}`, "If-Match", out.ETag).problem(t, 422, "invalid_content")
	if len(p.Errors) != 1 || p.Errors[0].Path != "/comment" || p.Errors[0].Code != "comment_required" || p.Errors[0].Message == "" {
		t.Errorf("%+v", p.Errors)
	}
	w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"fly"}`, "If-Match", out.ETag).problem(t, 422, "invalid_content")
	w.publish("edo", out)
	w.send("", "GET", "/api/v1/articles/guida-alla-casa?locale=it", "").want(t, 200)

	// What publication still needs is said with the action, field by field.
	var bare Variant
	w.send("edo", "POST", "/api/v1/manage/documents", `{"type":"article","locale":"it","fields":{"title":"Vuoto"}}`).want(t, 201).into(t, &bare)
	i = slices.IndexFunc(bare.Actions, func(a Action) bool { return a.Name == "publish" })
	if i < 0 || bare.Actions[i].Blocked == nil || bare.Actions[i].Blocked.Code != "guard_complete" || bare.Actions[i].Blocked.Message == "" ||
		len(bare.Actions[i].Blocked.Missing) == 0 || bare.Actions[i].Blocked.Missing[0].Path != "/body" {
		t.Fatalf("%+v", bare.Actions)
	}
	p = w.send("edo", "POST", variantPath(bare)+"/transitions", `{"transition":"publish"}`, "If-Match", bare.ETag).problem(t, 422, "guard_complete")
	if len(p.Errors) == 0 || p.Errors[0].Path != "/body" {
		t.Errorf("%+v", p.Errors)
	}
}

// TestScheduling: moments without a zone are Italy's.
func TestScheduling(t *testing.T) {
	w := newWorld(t)
	v := w.article("edo", "Domani")
	step := func(at string) answered {
		return w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"publish","at":`+quote(at)+`}`, "If-Match", v.ETag)
	}
	for _, at := range []string{"2099-02-31", "2099-02-31T10:00", "domani", "2099-01-01T25:00"} {
		p := step(at).problem(t, 422, "invalid_content")
		if len(p.Errors) != 1 || p.Errors[0].Path != "/at" || p.Errors[0].Code != "invalid_time" {
			t.Errorf("%s: %+v", at, p.Errors)
		}
	}
	if p := step("2001-01-01").problem(t, 422, "invalid_content"); p.Errors[0].Code != "time_past" {
		t.Errorf("%+v", p.Errors)
	}
	var out Variant
	step("2099-07-01T09:00").want(t, 200).into(t, &out)
	if len(out.Schedule) != 1 || out.Schedule[0].At.Format("2006-01-02T15:04Z07:00") != "2099-07-01T07:00Z" || out.State.Public {
		t.Errorf("%+v in state %+v", out.Schedule, out.State)
	}
	w.send("edo", "DELETE", variantPath(v)+"/schedule/withdraw", "", "If-Match", out.ETag).problem(t, 404, "not_found")
	w.send("edo", "DELETE", variantPath(v)+"/schedule/publish", "", "If-Match", out.ETag).want(t, 200).into(t, &out)
	if len(out.Schedule) != 0 {
		t.Errorf("%+v", out.Schedule)
	}
}

// TestHistoryAndRestore reads, compares and brings back revisions.
func TestHistoryAndRestore(t *testing.T) {
	w := newWorld(t)
	v := w.article("edo", "Storia")
	at := variantPath(v)
	for i := range 4 {
		w.send("edo", "PATCH", at, fmt.Sprintf(`{"fields":{"body":"Versione %d"},"note":"n%d"}`, i+2, i+2), "If-Match", v.ETag).want(t, 200).into(t, &v)
	}
	var seen []int
	for path := at + "/revisions?limit=2"; path != ""; {
		var page Page[Revision]
		w.send("edo", "GET", path, "").want(t, 200).into(t, &page)
		if page.Total != 5 {
			t.Errorf("total %d", page.Total)
		}
		for _, r := range page.Items {
			seen = append(seen, r.Number)
		}
		path = page.Links.Next
	}
	if !slices.Equal(seen, []int{5, 4, 3, 2, 1}) {
		t.Errorf("paged %v", seen)
	}
	var diff Comparison
	w.send("edo", "GET", at+"/comparison?from=2&to=5", "", "Accept-Language", "en").want(t, 200).into(t, &diff)
	if len(diff.Changes) != 1 || diff.Changes[0].Field != "body" || diff.Changes[0].Label != "Text" ||
		string(diff.Changes[0].Before) != `"Versione 2"` || string(diff.Changes[0].After) != `"Versione 5"` {
		t.Errorf("%+v", diff)
	}
	w.send("edo", "GET", at+"/comparison", "").problem(t, 400, codeInvalidQuery)
	w.send("edo", "GET", at+"/comparison?from=1&to=9", "").problem(t, 404, "no_such_revision")
	w.send("edo", "GET", at+"/revisions/0", "").problem(t, 404, "no_such_revision")
	w.send("edo", "GET", at+"/revisions/x", "").problem(t, 404, "no_such_revision")
	w.send("edo", "POST", at+"/revisions/2/restore", `{}`, "If-Match", v.ETag).want(t, 200).into(t, &v)
	if v.Latest.Number != 6 || v.Fields["body"] != "Versione 2" {
		t.Errorf("restored %+v %v", v.Latest, v.Fields["body"])
	}
	var events Page[Event]
	w.send("edo", "GET", "/api/v1/manage/documents/"+v.ID+"/events?limit=100", "").want(t, 200).into(t, &events)
	if len(events.Items) != 6 || events.Items[5].Kind != "created" || events.Items[5].To.Label == "" {
		t.Errorf("%d events %+v", len(events.Items), events.Items)
	}
}

// TestDocumentListsPage: every document once, in order, whatever the page size;
// and the contributor sees only what is the contributor's.
func TestDocumentListsPage(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 7 {
		v := w.article([]string{"edo", "carla"}[i%2], fmt.Sprintf("Titolo %c", 'g'-i))
		want = append(want, v.Title)
	}
	slices.Sort(want)
	for _, limit := range []int{1, 3, 7, 100} {
		var got []string
		for path := fmt.Sprintf("/api/v1/manage/documents?sort=title&type=article&limit=%d", limit); path != ""; {
			var page Page[Document]
			w.send("ada", "GET", path, "").want(t, 200).into(t, &page)
			for _, d := range page.Items {
				got = append(got, d.Variants[0].Title)
			}
			path = page.Links.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
	var mine Page[Document]
	w.send("carla", "GET", "/api/v1/manage/documents?limit=100", "").want(t, 200).into(t, &mine)
	if len(mine.Items) != 3 {
		t.Errorf("a contributor sees %d documents", len(mine.Items))
	}
	w.send("edo", "GET", "/api/v1/manage/documents?mine=true&limit=100", "").want(t, 200).into(t, &mine)
	if len(mine.Items) != 4 {
		t.Errorf("mine are %d documents", len(mine.Items))
	}
	for query, path := range map[string]string{
		"type=poem": "/type", "state=lost": "/state", "locale=xx": "/locale", "territory=ZZ": "/territory", "mine=maybe": "/mine",
		"sort=size": "/sort", "limit=0": "/limit", "limit=101": "/limit", "color=red": "/color", "type=page&type=page": "/type",
	} {
		code := codeInvalidQuery
		if query == "type=poem" || query == "territory=ZZ" {
			code = "invalid_filter"
		}
		p := w.send("edo", "GET", "/api/v1/manage/documents?"+query, "").problem(t, 400, code)
		if len(p.Errors) != 1 || p.Errors[0].Path != path || p.Errors[0].Message == "" {
			t.Errorf("%s: %+v", query, p.Errors)
		}
	}
	for _, cursor := range []string{"x", "e30", url.QueryEscape("{}"), strings.Repeat("A", 900)} {
		w.send("edo", "GET", "/api/v1/manage/documents?cursor="+cursor, "").problem(t, 400, "invalid_cursor")
	}
}

// TestFormerAndWithdrawnSlugs: a former slug leads to the present one, a
// withdrawn item is gone, another language is served openly.
func TestFormerAndWithdrawnSlugs(t *testing.T) {
	w := newWorld(t)
	v := w.publish("edo", w.article("edo", "Vecchio"))
	w.send("edo", "PATCH", variantPath(v), `{"slug":"nuovo"}`, "If-Match", v.ETag).want(t, 200).into(t, &v)
	v = w.publish("edo", v)
	a := w.send("", "GET", "/api/v1/articles/vecchio", "").want(t, 301)
	if a.Header.Get("Location") != "/api/v1/articles/nuovo?locale=it" || a.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", a.Header)
	}
	a = w.send("", "GET", "/api/v1/articles/nuovo?locale=fr", "").want(t, 200)
	if a.Header.Get("Content-Language") != "it" || a.json(t)["locale"] != "it" || a.json(t)["requested_locale"] != "fr" {
		t.Errorf("%v %s", a.Header, a.body)
	}
	w.send("edo", "POST", variantPath(v)+"/transitions", `{"transition":"withdraw","comment":"Non vale più"}`, "If-Match", v.ETag).want(t, 200)
	w.catchUp()
	w.send("", "GET", "/api/v1/articles/nuovo", "").problem(t, 410, codeGone)
	w.send("", "GET", "/api/v1/articles/mai-stato", "").problem(t, 404, "not_found")
	w.send("", "GET", "/api/v1/articles/nuovo?locale=xx", "").problem(t, 400, codeInvalidQuery)
	w.send("", "GET", "/api/v1/articles/nuovo?lang=it", "").problem(t, 400, codeInvalidQuery)

	// A draft is nowhere to be read.
	draft := w.article("edo", "Solo bozza")
	for _, path := range []string{"/api/v1/articles/" + draft.Slug, variantPath(draft), "/api/v1/manage/documents/" + draft.ID} {
		if a := w.send("", "GET", path, ""); a.StatusCode != 404 && a.StatusCode != 401 || strings.Contains(string(a.body), "bozza") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
}

// TestPagesFollowTheirLinks walks a collection by its links while items are
// published; nothing is skipped and nothing comes twice.
func TestPagesFollowTheirLinks(t *testing.T) {
	w := newWorld(t)
	for i := range 9 {
		w.publish("edo", w.article("edo", fmt.Sprintf("Pezzo %d", i)))
	}
	seen := map[string]int{}
	path := "/api/v1/articles?locale=it&sort=title&limit=2&territory=MI"
	for n := 0; path != ""; n++ {
		a := w.send("", "GET", path, "", "Accept-Encoding", []string{"identity", "gzip;q=0"}[n%2]).want(t, 200)
		var page struct {
			Items []struct{ ID, Title string }
			Total int
			Links PageLinks `json:"_links"`
		}
		a.into(t, &page)
		if page.Links.Self != path {
			t.Errorf("self is %s, asked %s", page.Links.Self, path)
		}
		for _, it := range page.Items {
			seen[it.Title]++
		}
		if n == 1 {
			w.publish("edo", w.article("edo", "Aaa, prima di tutti"))
		}
		path = page.Links.Next
	}
	for i := range 9 {
		if n := seen[fmt.Sprintf("Pezzo %d", i)]; n != 1 {
			t.Errorf("Pezzo %d came %d times", i, n)
		}
	}
	w.send("", "GET", "/api/v1/articles?cursor=niente", "").problem(t, 400, "invalid_cursor")
}

func TestTerritories(t *testing.T) {
	w := newWorld(t)
	var codes []string
	for path := "/api/v1/territories?limit=50"; path != ""; {
		var page TerritoryPage
		w.send("", "GET", path, "").want(t, 200).into(t, &page)
		if page.Total != 127 {
			t.Errorf("total %d", page.Total)
		}
		for _, it := range page.Items {
			codes = append(codes, it.ISTAT)
		}
		path = page.Links.Next
	}
	if len(codes) != 127 || len(slices.Compact(slices.Sorted(slices.Values(codes)))) != 127 {
		t.Errorf("%d territories: %v", len(codes), codes)
	}
	var page TerritoryPage
	w.send("", "GET", "/api/v1/territories?level=province&within=03", "").want(t, 200).into(t, &page)
	if page.Total != 12 {
		t.Errorf("Lombardy has %d provinces", page.Total)
	}
	w.send("", "GET", "/api/v1/territories?within=ZZ", "").problem(t, 400, codeInvalidQuery)
	w.send("", "GET", "/api/v1/territories?level=village", "").problem(t, 400, codeInvalidQuery)
}

// TestPreviewWaitsItsTurn: when every place is taken a preview is refused and the
// caller told to come again.
func TestPreviewWaitsItsTurn(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Previews, o.Limits.Turn = 1, 20*time.Millisecond })
	w.server.previews.all <- struct{}{}
	a := w.send("edo", "POST", "/api/v1/manage/preview", `{"markdown":"x"}`)
	a.problem(t, 503, codeTooBusy)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	<-w.server.previews.all
	w.send("edo", "POST", "/api/v1/manage/preview", `{"markdown":"x"}`).want(t, 200)
	w.send("", "POST", "/api/v1/manage/preview", `{"markdown":"x"}`).problem(t, 401, "unauthenticated")
	p := w.send("edo", "POST", "/api/v1/manage/preview", `{"markdown":`+quote(strings.Repeat("a", 70<<10))+`}`).problem(t, 422, "invalid_content")
	if p.Errors[0].Path != "/markdown" || p.Errors[0].Code != "markdown_too_large" {
		t.Errorf("%+v", p.Errors)
	}
}

// TestTranslatorsWriteTheirLanguageOnly: the answers say how far the right to
// write goes, and the service holds to it.
func TestTranslatorsWriteTheirLanguageOnly(t *testing.T) {
	w := newWorld(t)
	v := w.publish("edo", w.article("edo", "Da tradurre"))
	var d Document
	w.send("tariq", "GET", "/api/v1/manage/documents/"+v.ID, "").want(t, 200).into(t, &d)
	if !slices.Equal(d.Add.Locales, []string{"ar"}) || !slices.Equal(d.Add.TextOnly, []string{"ar"}) {
		t.Errorf("a translator into Arabic may add %+v", d.Add)
	}
	at := "/api/v1/manage/documents/" + v.ID + "/variants"
	w.send("tariq", "POST", at, `{"locale":"fr","fields":{"title":"À traduire"}}`, "If-Match", d.Add.ETag).problem(t, 403, "forbidden")
	var ar Variant
	w.send("tariq", "POST", at, `{"locale":"ar","fields":{"title":"للترجمة"}}`, "If-Match", d.Add.ETag).want(t, 201).into(t, &ar)
	if !ar.Editable || !ar.TextOnly {
		t.Errorf("editable %v, text only %v", ar.Editable, ar.TextOnly)
	}
	if a := w.send("tariq", "PATCH", variantPath(ar), `{"fields":{"territories":["RM"]}}`, "If-Match", ar.ETag); a.StatusCode != 403 {
		t.Errorf("a translator moved the document: %d %s", a.StatusCode, a.body)
	}
	w.send("tariq", "POST", at, `{"locale":"ar","fields":{"title":"x"}}`, "If-Match", ar.ETag).problem(t, 409, "variant_exists")
}
