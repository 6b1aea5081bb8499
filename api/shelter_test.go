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

// shelter is a service that must not be found: what its places say.
type shelter struct {
	slug, street, label string
	lat, lon            float64
	id                  string
}

func (x *shelter) place() map[string]any {
	return map[string]any{"label": x.label, "address": x.street, "municipality": "015146", "lat": x.lat, "lon": x.lon}
}

// point writes the position with so many decimals.
func (x *shelter) point(decimals int) (lat, lon string) {
	return fmt.Sprintf("%.*f", decimals, x.lat), fmt.Sprintf("%.*f", decimals, x.lon)
}

// shelters makes sensitive services: one that always was, one that was on the air
// with its address in fields, texts and open data before a draft declared it
// sensitive, and one whose declaration a draft takes back.
func shelters(t *testing.T) (*hidden, []*shelter) {
	s := newStage(t)
	s.fill()
	h := &hidden{stage: s, slugs: map[string][]string{"organization": {"altra-riva"}}}
	ctx := context.Background()
	by := content.Actor{ID: "person:" + s.newPerson("contributor@altra-riva").person, Via: "command", Grants: s.grants("administrator")}
	var err error
	h.media, err = s.media.Add(ctx, by, media.NewItem{Owner: "altra-riva", Name: "facciata.png", Alt: "Una facciata"}, bytes.NewReader(s.picture()))
	s.must(err)
	list := []*shelter{
		{slug: "rifugio-sempre", street: "Vicolo Zqxsempre 37", label: "Casa Zqxlabela", lat: 45.471234, lon: 9.179876},
		{slug: "rifugio-poi", street: "Via Zqxprima 12/b", label: "Casa Zqxlabelb", lat: 45.492345, lon: 9.214567},
		{slug: "rifugio-ancora", street: "Piazza Zqxancora 5", label: "Casa Zqxlabelc", lat: 45.443456, lon: 9.155678},
	}
	for i, x := range list {
		lat, lon := x.point(6)
		fields := map[string]any{
			"title": "Servizio " + x.slug, "summary": "Aiuto per chi ne ha bisogno.", "topics": []any{"housing"}, "territories": []any{"MI"}, "sensitive": i != 1,
			"places": []any{x.place()}, "contacts": []any{map[string]any{"name": "Ufficio", "phone": "+39 02 1234567"}},
			"hsds": map[string]any{"id": "x", "name": x.label, "locations": []any{map[string]any{"latitude": x.lat, "longitude": x.lon, "addresses": []any{map[string]any{"address_1": x.street}}}}},
		}
		if i == 1 { // on the air it could say where it is
			fields["body"] = "Ci trovi in " + x.street + " (" + lat + ", " + lon + ").\n\n## In " + strings.ToUpper(x.street) + "\n\nAspettiamo."
			fields["alert"] = "Ingresso da " + x.street
			fields["contacts"] = []any{map[string]any{"name": "Portineria di " + x.street, "phone": "+39 02 1234567"}}
		}
		s.incoming(content.Incoming{Type: "service", Owner: "altra-riva", Variants: []content.IncomingVariant{{Locale: "it", Slug: x.slug, Fields: fields, Publish: true}}})
		found := s.catalog.Get("services", x.slug, "it")
		if x.id = found.Entry.ID(); x.id == "" {
			t.Fatalf("%s is not on the air", x.slug)
		}
		if i > 0 {
			_, err := s.service.Edit(ctx, by, x.id, "it", "*", content.Edit{Fields: map[string]any{"sensitive": i == 1}})
			s.must(err)
		}
		h.ids, h.slugs["service"] = append(h.ids, x.id), append(h.slugs["service"], x.slug)
		name := strings.Fields(x.street)[1]
		lat, lon = x.point(6)
		h.secrets = append(h.secrets, name, strings.Fields(x.label)[1], lat[:7], lon[:6])
	}
	s.catchUp()
	return h, list
}

// TestSheltersAreNotTold: of a sensitive service no byte that anybody outside its
// organisation, its council and the newsroom can ask for, by any operation and
// any parameter, says where it is; and no question about places finds it where it
// is.
func TestSheltersAreNotTold(t *testing.T) {
	h, list := shelters(t)
	var b bytes.Buffer
	for _, x := range list { // those who work with it see it: there is something to hide
		for _, name := range []string{"admin", "editor"} {
			a := h.send("", "GET", "/api/v1/manage/documents/"+x.id+"/variants/it", "", h.caller(name).means()[0]...).want(t, 200)
			b.Write(a.body)
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
