package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/media"
)

// Invented organisations, people and places; true laws.
//
//go:embed demo
var demoFiles embed.FS

// demoPeople are the six people that the development login offers: one for each
// role that the workflows know.
var demoPeople = []auth.Person{
	{ID: "amina", Name: "Amina, Orti insieme", Locale: "it", Grants: []content.Grant{{Role: "contributor", Scope: "orti-insieme"}}},
	{ID: "rita", Name: "Rita, Consiglio territoriale di Prato", Locale: "it", Grants: []content.Grant{{Role: "reviewer", Scope: "100"}}},
	{ID: "sandro", Name: "Sandro, segreteria del Consiglio di Prato", Locale: "it", Grants: []content.Grant{{Role: "secretary", Scope: "100"}}},
	{ID: "yusuf", Name: "يوسف، ترجمة عربية", Locale: "ar", Grants: []content.Grant{{Role: "translator", Scope: "ar"}}},
	{ID: "elena", Name: "Elena, redazione", Locale: "it", Grants: []content.Grant{{Role: "editor"}}},
	{ID: "dario", Name: "Dario, amministrazione", Locale: "it", Grants: []content.Grant{{Role: "administrator"}}},
}

// demoActor loads the demonstration.
var demoActor = content.System("demo")

// The municipalities of the examples and some beside them, so that "within 5 km of
// Prato" is answered before anybody has brought in the list. After the ISTAT limits
// of June 2023 (CC BY).
//
//go:embed demo_municipalities.csv
var demoMunicipalities []byte

// loadDemoPlaces gives an empty store those municipalities. It comes before
// anything that asks where a place is.
func (e *env) loadDemoPlaces(b *backend) error {
	if some, err := b.store.Scan(e.ctx, "", 1); err != nil || len(some) > 0 {
		return err
	}
	switch _, err := b.store.GetRecord(e.ctx, placesKind, placesID); {
	case err == nil:
		return nil
	case !errors.Is(err, content.ErrNotFound):
		return err
	}
	list, issues, err := b.schemas.Territories().ReadMunicipalities(bytes.NewReader(demoMunicipalities))
	if err == nil && len(issues) > 0 {
		err = fmt.Errorf("%+v", issues[0])
	}
	if err != nil {
		return fmt.Errorf("demo_municipalities.csv: %w", err)
	}
	return e.putMunicipalities(b.store, list)
}

// loadDemo makes the example people known who are not, and fills an empty store
// with the example content. Whoever and whatever is there is left alone, so that
// what visitors of the demo change stays changed.
func (e *env) loadDemo(b *backend) error {
	for _, p := range demoPeople {
		_, err := b.auth.Person(e.ctx, p.ID)
		if errors.Is(err, content.ErrNotFound) {
			err = b.auth.PutPerson(e.ctx, demoActor, p)
		}
		if err != nil {
			return err
		}
	}
	switch some, err := b.store.Scan(e.ctx, "", 1); {
	case err != nil:
		return err
	case len(some) > 0:
		return nil
	}
	folder, err := os.MkdirTemp("", "prassi-demo-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	files, err := fs.Sub(demoFiles, "demo")
	if err == nil {
		err = os.CopyFS(folder, files)
	}
	if err == nil {
		err = e.illustrate(b, folder)
	}
	if err == nil {
		err = confirmDemo(folder, time.Now())
	}
	if err != nil {
		return err
	}
	return e.importDemo(b, os.DirFS(folder))
}

// illustrated is the example with a picture; picturePlace is what stands in it for
// the picture's address, which is another one in each library.
const (
	illustrated  = "practice/orti-condivisi.it.md"
	picturePlace = "/media/picture"
)

// illustrate brings the picture into the library and its address into the text.
func (e *env) illustrate(b *backend, folder string) error {
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, garden()); err != nil {
		return err
	}
	item, err := b.media.Add(e.ctx, demoActor, media.NewItem{Owner: "orti-insieme", Name: "orti.png"}, &drawn)
	if err != nil {
		return err
	}
	name := filepath.Join(folder, filepath.FromSlash(illustrated))
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	address := []byte("/media/" + item.ID + "/" + item.Files[0].Name)
	if bytes.Count(text, []byte(picturePlace)) != 1 {
		return fmt.Errorf("%s has no single place for its picture", illustrated)
	}
	return os.WriteFile(name, bytes.Replace(text, []byte(picturePlace), address, 1), 0o600)
}

// demoAges are how many days ago the services of the demonstration were confirmed:
// most of them this year, one so long ago that a reminder is due, one so long ago
// that the public reads "unverified". They are written in place of the dates in
// the files, which would grow old.
var demoAges = map[string]int{
	"ambulatorio-della-sera":   83,
	"bussola-del-lavoro":       188,
	"caffe-delle-lingue":       420,
	"casa-ginestra":            55,
	"compiti-in-biblioteca":    76,
	"corso-di-italiano-serale": 350,
	"parole-in-ospedale":       167,
	"primo-alloggio":           131,
	"scuola-del-sabato":        33,
	"sportello-casa":           40,
	"sportello-documenti":      20,
	"voce-in-tre-minuti":       52,
}

var assuredLine = regexp.MustCompile(`(?m)^assured_date: .*$`)

// confirmDemo writes those dates.
func confirmDemo(folder string, now time.Time) error {
	for slug, days := range demoAges {
		file := "service/" + slug + ".it.md"
		name := filepath.Join(folder, filepath.FromSlash(file))
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if len(assuredLine.FindAll(text, -1)) != 1 {
			return fmt.Errorf("%s has no single assured date", file)
		}
		day := now.In(content.Rome).AddDate(0, 0, -days).Format(time.DateOnly)
		if err := os.WriteFile(name, assuredLine.ReplaceAll(text, []byte("assured_date: "+day)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// garden draws rows of green under the sun.
func garden() image.Image {
	const width, height, horizon = 640, 400, 150
	var (
		sky    = color.RGBA{0xbf, 0xdd, 0xf5, 0xff}
		sun    = color.RGBA{0xf7, 0xc9, 0x48, 0xff}
		earth  = color.RGBA{0x8a, 0x5a, 0x3b, 0xff}
		leaves = color.RGBA{0x3f, 0x8f, 0x4f, 0xff}
	)
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := sky
			switch dx, dy := x-520, y-70; {
			case y >= horizon && (y-horizon)%50 < 28 && (x+y)%40 < 30:
				c = leaves
			case y >= horizon:
				c = earth
			case dx*dx+dy*dy < 40*40:
				c = sun
			}
			picture.SetRGBA(x, y, c)
		}
	}
	return picture
}
