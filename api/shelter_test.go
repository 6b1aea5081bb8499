package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/media"
)

// shelter is a document that must not be found: what its places say.
type shelter struct {
	slug, street, label string
	lat, lon            float64
	open                bool // it was on the air with its address before it became a secret
	id                  string
}

func (x *shelter) place() map[string]any {
	return map[string]any{"label": x.label, "address": x.street, "municipality": "015146", "lat": x.lat, "lon": x.lon}
}

// point writes the position with so many decimals.
func (x *shelter) point(decimals int) (lat, lon string) {
	return fmt.Sprintf("%.*f", decimals, x.lat), fmt.Sprintf("%.*f", decimals, x.lon)
}

// fields are what it says; of one that was on the air, its texts and files say where
// it is as well.
func (x *shelter) fields(h *hidden) map[string]any {
	lat, lon := x.point(6)
	out := map[string]any{
		"title": "Servizio " + x.slug, "summary": "Aiuto per chi ne ha bisogno.", "topics": []any{"housing"}, "territories": []any{"MI"}, "sensitive": !x.open,
		"places": []any{x.place()}, "contacts": []any{map[string]any{"name": "Ufficio", "phone": "+39 02 1234567"}},
		"hsds": map[string]any{"id": "x", "name": x.label, "locations": []any{map[string]any{"latitude": x.lat, "longitude": x.lon, "addresses": []any{map[string]any{"address_1": x.street}}}}},
	}
	if x.open {
		out["body"] = "Ci trovi in " + x.street + " (" + lat + ", " + lon + ").\n\n## In " + strings.ToUpper(x.street) + "\n\nAspettiamo."
		out["contacts"] = []any{map[string]any{"name": "Portineria di " + x.street, "phone": "+39 02 1234567"}}
		out["website"] = "https://maps.example.org/?q=" + url.QueryEscape(x.street) + "&ll=" + lat + "," + lon
		out["documents"] = []any{map[string]any{"src": h.file(x), "alt": "Facciata di " + x.street, "caption": "Da " + x.street, "credit": x.street}}
	}
	return out
}

// file is a document of a shelter, whose name says where it is, by its address.
func (h *hidden) file(x *shelter) string {
	name := strings.NewReplacer(" ", "-", "/", "-").Replace(x.street)
	pdf := "%PDF-1.4\n% " + h.next() + "\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n" +
		"xref\n0 3\n0000000000 65535 f \n0000000018 00000 n \n0000000067 00000 n \ntrailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n119\n%%EOF\n"
	item, err := h.stage.media.Add(context.Background(), h.by, media.NewItem{Owner: "altra-riva", Name: name + ".pdf"}, strings.NewReader(pdf))
	h.must(err)
	h.files = append(h.files, "/media/"+item.ID+"/"+item.Files[0].Name)
	return h.files[len(h.files)-1]
}

// bring puts it on the air in Italian, and in French where it says so too.
func (h *hidden) bring(x *shelter, typ string, fields map[string]any) {
	in := content.Incoming{Type: typ, Owner: "altra-riva", Variants: []content.IncomingVariant{{Locale: "it", Slug: x.slug, Fields: fields, Publish: true}}}
	if x.open {
		in.Variants = append(in.Variants, content.IncomingVariant{Locale: "fr", Slug: x.slug + "-fr", Fields: map[string]any{"title": "Refuge " + x.slug, "summary": "Au " + x.street + ".", "body": "Venez : " + x.street, "topics": []any{"housing"}, "territories": []any{"MI"}}, Publish: true})
	}
	h.incoming(in)
	ty, _ := h.server.schemas.Type(typ)
	if x.id = h.catalog.Get(ty.Collection, x.slug, "it").Entry.ID(); x.id == "" {
		h.t.Fatalf("%s is not on the air", x.slug)
	}
	h.ids, h.slugs[typ] = append(h.ids, x.id), append(h.slugs[typ], x.slug)
	lat, lon := x.point(6)
	h.secrets = append(h.secrets, strings.Fields(x.street)[1], strings.Fields(x.label)[1], lat[:7], lon[:6])
}

func (h *hidden) change(x *shelter, fields map[string]any) {
	_, err := h.service.Edit(context.Background(), h.by, x.id, "it", "*", content.Edit{Fields: fields, Note: "Ora in " + x.street})
	h.must(err)
}

func (h *hidden) do(x *shelter, locale, step string) {
	by := content.Actor{ID: "person:altra", Via: "command", Grants: h.grants("administrator")}
	_, err := h.service.Transition(context.Background(), by, x.id, locale, "*", content.Step{Name: step, Comment: "Visto in " + x.street})
	h.must(err)
}

// shelters makes documents that must not be found, by every way that one comes to
// be a secret.
func shelters(t *testing.T, w *world) (*hidden, []*shelter) {
	w.t = t
	s := &stage{world: w, cast: map[string]*caller{}, things: map[string]thing{}}
	s.fill()
	h := &hidden{stage: s, slugs: map[string][]string{"organization": {"altra-riva"}}}
	h.by = content.Actor{ID: "person:" + s.newPerson("contributor@altra-riva").person, Via: "command", Grants: s.grants("administrator")}
	var err error
	h.media, err = s.media.Add(context.Background(), h.by, media.NewItem{Owner: "altra-riva", Name: "facciata.png", Alt: "Una facciata"}, bytes.NewReader(s.picture()))
	s.must(err)
	n := 0
	add := func(slug string, open bool) *shelter {
		n++
		letter := string(rune('a' + n))
		return &shelter{slug: "rifugio-" + slug, street: fmt.Sprintf("Vicolo Zqxstrada%s %d/b", letter, 11+n), label: "Casa Zqxlabel" + letter, lat: 45.481234 + float64(n)*0.0071, lon: 9.139876 + float64(n)*0.0083, open: open}
	}
	always, later, still := add("sempre", false), add("poi", true), add("ancora", false)
	h.bring(always, "service", always.fields(h))
	// A draft declares it.
	h.bring(later, "service", later.fields(h))
	h.change(later, map[string]any{"sensitive": true})
	// A draft takes it back.
	h.bring(still, "service", still.fields(h))
	h.change(still, map[string]any{"sensitive": false})
	// Its address was taken away at once, and published so; the other language stays.
	emptied := add("svuotato", true)
	h.bring(emptied, "service", emptied.fields(h))
	h.change(emptied, map[string]any{
		"sensitive": true, "places": []any{map[string]any{"municipality": "015146"}}, "hsds": nil, "body": nil, "contacts": nil, "website": nil, "documents": nil,
	})
	h.do(emptied, "it", "publish")
	// Withdrawn, and published again.
	back := add("tornato", true)
	h.bring(back, "service", back.fields(h))
	h.do(back, "it", "withdraw")
	h.change(back, map[string]any{"sensitive": true, "body": "Chiamateci.", "contacts": nil, "website": nil, "documents": nil})
	h.do(back, "it", "publish")
	// A feed that says no more of it.
	fed := add("alimentato", false)
	h.bring(fed, "service", fed.fields(h))
	fields := fed.fields(h)
	fields["sensitive"] = false
	h.incoming(content.Incoming{Type: "service", ID: fed.id, Variants: []content.IncomingVariant{{Locale: "it", Fields: fields, Publish: true}}})
	// Merged into one that told, whose places are the same; and one that told into it.
	for _, secret := range []bool{true, false} {
		keep, gone := add(fmt.Sprintf("resta-%t", secret), secret), add(fmt.Sprintf("va-%t", secret), !secret)
		h.bring(keep, "service", keep.fields(h))
		h.bring(gone, "service", gone.fields(h))
		_, err := h.service.Merge(context.Background(), h.by, content.Merge{
			Keep: keep.id, Gone: gone.id, KeepETags: map[string]string{"*": "*"}, GoneETags: map[string]string{"*": "*"}, Comment: "Sono in " + gone.street,
			Fields: map[string]map[string]any{"": {"places": []any{keep.place(), gone.place()}, "sensitive": !secret}, "it": {"body": "Chiamateci."}},
		})
		h.must(err)
		h.change(keep, map[string]any{"contacts": nil, "website": nil, "documents": nil})
		h.do(keep, "it", "publish")
	}
	// A body that is the shelter itself.
	for i, open := range []bool{false, true} {
		org := add(fmt.Sprint("ente-", i), open)
		fields := org.fields(h)
		fields["seat"] = org.place()
		if open {
			fields["activities"] = "Accogliamo in " + org.street
		}
		h.bring(org, "organization", fields)
		if open {
			h.change(org, map[string]any{"sensitive": true})
		}
	}
	s.catchUp()
	return h, []*shelter{always, later, still, emptied, back, fed}
}

// TestSheltersAreNotTold: of a sensitive service no byte that anybody outside its
// organisation, its council and the newsroom can ask for, by any operation and
// any parameter, says where it is; and no question about places finds it where it
// is.
func TestSheltersAreNotTold(t *testing.T) {
	onEngines(t, sheltersAreNotTold, func(o *Options) { o.Rates = Rates{Off: true} })
}

func sheltersAreNotTold(t *testing.T, w *world) {
	h, list := shelters(t, w)
	var b bytes.Buffer
	for _, id := range h.ids { // those who work with it see it: there is something to hide
		for _, name := range []string{"admin", "editor"} {
			for _, of := range []string{"", "/revisions/1"} {
				a := h.send("", "GET", "/api/v1/manage/documents/"+id+"/variants/it"+of, "", h.caller(name).means()[0]...).want(t, 200)
				b.Write(a.body)
			}
		}
	}
	for _, secret := range h.secrets {
		if !strings.Contains(b.String(), secret) {
			t.Errorf("the newsroom is not told %q either: the test shows nothing", secret)
		}
	}
	asked, told := 0, map[string]bool{}
	for _, op := range h.server.operations {
		if op.Method != http.MethodGet {
			continue
		}
		addresses := h.addresses(op, nil)
		for _, p := range op.Params {
			switch p.Name { // questions that only somebody asks who knows the place
			case "near":
				for _, x := range list {
					lat, lon := x.point(6)
					addresses = append(addresses, op.Route+"?near="+lat+","+lon+"&radius=100000", op.Route+"?near="+lat+","+lon+"&radius=100")
				}
			case "zoom":
				addresses = append(addresses, op.Route+"?zoom=20", op.Route+"?zoom=3")
			case "page", "per_page":
				addresses = append(addresses, op.Route+"?"+p.Name+"=1")
			}
		}
		callers := []string{"nobody"}
		if op.Access == signed {
			callers = append(slices.Clone(outsiders[3:]), "trans. it", "trans. fr")
		}
		for _, name := range callers {
			means := h.caller(name).means()[0]
			for _, address := range addresses {
				a := h.send("", "GET", address, "", means...)
				asked++
				if a.StatusCode == 200 && (bytes.Contains(a.body, []byte("rifugio-")) || bytes.Contains(a.body, []byte(list[0].id))) {
					told[op.ID] = true
				}
				if found := h.leaks(a, unescaped(address)); found != nil {
					t.Errorf("%s: GET %s tells %s %q:\n%.900s", op.ID, address, name, found, a.body)
				}
			}
		}
	}
	for _, id := range []string{"listService", "getService", "search"} {
		if !told[id] {
			t.Errorf("%s does not tell of the services at all: the test shows nothing", id)
		}
	}
	t.Logf("%d requests; operations that tell of the services: %d", asked, len(told))

	// Nor do the names of its files, nor the same bytes packed.
	offered := 0
	for _, address := range h.files {
		a := h.send("", "GET", address, "")
		if a.StatusCode == 200 && a.Header.Get("Content-Disposition") != "" {
			offered++
		}
		if found := h.leaks(answered{Response: a.Response}, ""); found != nil {
			t.Errorf("GET %s tells %q: %v", address, found, a.Header)
		}
	}
	if offered == 0 {
		t.Error("no file of a shelter is public: the test shows nothing")
	}
	packed := 0
	for _, address := range []string{"/api/v1/services?limit=100", "/api/v1/organizations", "/api/v1/services.geojson", "/api/v1/services.csv", "/api/v1/changes", "/api/v1/search?q=rifugio", "/api/v1/services/rifugio-poi", "/hsds/services?per_page=100", "/hsds/organizations"} {
		for _, how := range []string{"gzip", "br"} {
			a := h.send("", "GET", address, "", "Accept-Encoding", how).want(t, 200)
			if a.Header.Get("Content-Encoding") != "" {
				packed++
				a.body = unpacked(t, a)
			}
			if !bytes.Contains(a.body, []byte("rifugio")) {
				t.Errorf("GET %s says nothing of them", address)
			}
			if found := h.leaks(a, ""); found != nil {
				t.Errorf("GET %s as %s tells %q", address, how, found)
			}
		}
	}
	if packed == 0 {
		t.Error("nothing came packed")
	}

	// What an answer leaves out can be asked for by the way: by questions about
	// places and words that only the real ones answer.
	for _, x := range list {
		lat, lon := x.point(6)
		box := fmt.Sprintf("%.5f,%.5f,%.5f,%.5f", x.lon-0.0005, x.lat-0.0005, x.lon+0.0005, x.lat+0.0005)
		for _, question := range []string{"near=" + lat + "," + lon + "&radius=150", "bbox=" + box} {
			for _, route := range []string{"/api/v1/services", "/api/v1/services.geojson", "/api/v1/services.csv", "/api/v1/search"} {
				a := h.send("", "GET", route+"?"+question, "").want(t, 200)
				if bytes.Contains(a.body, []byte(x.slug)) || bytes.Contains(a.body, []byte(x.id)) {
					t.Errorf("GET %s?%s finds %s where it is:\n%.600s", route, question, x.slug, a.body)
				}
			}
		}
		for _, words := range []string{x.street, strings.Fields(x.street)[1], strings.Fields(x.label)[1], lat, `"` + x.street + `"`} {
			for _, route := range []string{"/api/v1/services", "/api/v1/search", "/api/v1/search/suggest"} {
				a := h.send("", "GET", route+"?q="+url.QueryEscape(words), "").want(t, 200)
				if bytes.Contains(a.body, []byte(x.slug)) || bytes.Contains(a.body, []byte(x.id)) {
					t.Errorf("GET %s?q=%s finds %s:\n%.600s", route, words, x.slug, a.body)
				}
			}
		}
	}
}
