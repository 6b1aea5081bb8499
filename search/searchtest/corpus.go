package searchtest

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/search"
)

// Corpus makes documents for measurements: as many and as long as a national
// portal's, the same ones every time, of the words of real texts in seven
// languages (as often as these use them), of the names of municipalities and of
// a long tail of rare words.
type Corpus struct {
	locales        []string
	words          map[string][]string // by locale, as often as in the texts
	tail           map[string][]string // rare
	municipalities []municipality
}

type municipality struct {
	istat, name, region, province string
	point                         search.Point
}

// ReadCorpus reads the folder with multilingual/ and territories/ (see
// ../shared/data). Its error says what is missing.
func ReadCorpus(dir string) (*Corpus, error) {
	c := &Corpus{locales: []string{"it", "en", "fr", "es", "ar", "bn", "zh-Hans"}, words: map[string][]string{}, tail: map[string][]string{}}
	for _, locale := range c.locales {
		files, err := filepath.Glob(filepath.Join(dir, "multilingual", strings.ToLower(locale), "*.md"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("no texts in %s for %s: %w", dir, locale, os.ErrNotExist)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			for _, t := range search.Tokens(nil, string(data)) {
				if !t.Joined {
					c.words[locale] = append(c.words[locale], strings.ToLower(string(data[t.Start:t.End])))
				}
			}
		}
		c.tail[locale] = rare(c.words[locale])
	}
	f, err := os.Open(filepath.Join(dir, "territories", "comuni.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, row := range rows[1:] {
		get := func(names ...string) string {
			for _, n := range names {
				if i, ok := column[n]; ok {
					return row[i]
				}
			}
			return ""
		}
		lat, _ := strconv.ParseFloat(get("lat"), 64)
		lon, _ := strconv.ParseFloat(get("lon", "lng"), 64)
		istat := get("istat", "istat_code", "code")
		if len(istat) < 3 {
			return nil, fmt.Errorf("comuni.csv has other columns than expected: %v", rows[0])
		}
		c.municipalities = append(c.municipalities, municipality{istat, get("name", "comune", "municipality"), get("region_istat"), istat[:3], search.Point{Lat: lat, Lon: lon}})
	}
	return c, nil
}

// rare makes words that look like those of a language of their halves.
func rare(words []string) (out []string) {
	distinct := slices.Compact(slices.Sorted(slices.Values(words)))
	distinct = slices.DeleteFunc(distinct, func(w string) bool { n := len([]rune(w)); return n < 5 || n > 12 })
	if len(distinct) == 0 {
		return words
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 40_000 {
		a, b := []rune(distinct[random.IntN(len(distinct))]), []rune(distinct[random.IntN(len(distinct))])
		out = append(out, string(a[:len(a)/2+1])+string(b[len(b)/2:]))
	}
	return out
}

// Word draws a word as often as texts use it.
func (c *Corpus) Word(random *rand.Rand, locale string) string {
	if random.IntN(20) == 0 {
		// The rarer, the later: a tail as natural languages have.
		n := float64(len(c.tail[locale]))
		return c.tail[locale][int(math.Pow(n, random.Float64()))%len(c.tail[locale])]
	}
	return c.words[locale][random.IntN(len(c.words[locale]))]
}

func (c *Corpus) text(random *rand.Rand, locale string, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Word(random, locale))
		if i%12 == 11 {
			b.WriteByte('.')
		}
	}
	return b.String()
}

// Documents makes so many services and articles, the n-th always the same.
func (c *Corpus) Documents(services, articles int) func(func(search.Document, error) bool) {
	return func(yield func(search.Document, error) bool) {
		for i := range services + articles {
			if !yield(c.Document(i, i < services), nil) {
				return
			}
		}
	}
}

var (
	topics    = strings.Fields("legal health housing work language education family protection citizenship orientation")
	languages = strings.Fields("it en fr es ar bn ur zh uk ro sq pa")
)

// Document makes the n-th document.
func (c *Corpus) Document(n int, service bool) search.Document {
	random := rand.New(rand.NewPCG(uint64(n), 42))
	locale := "it"
	if random.IntN(10) >= 6 {
		locale = c.locales[1+random.IntN(len(c.locales)-1)]
	}
	m := c.municipalities[random.IntN(len(c.municipalities))]
	id := fmt.Sprintf("%08x-0000-7000-8000-%012x", n, n)
	d := search.Document{
		ID: search.DocumentID(id, locale), Document: id, Version: strconv.Itoa(n), Type: "article", Locale: locale, Locales: []string{locale},
		Slug: "d-" + strconv.Itoa(n), Title: c.text(random, locale, 4+random.IntN(6)), Summary: c.text(random, locale, 25),
		Body: c.text(random, locale, 150+random.IntN(400)), Published: day(1).AddDate(0, 0, -n%2000),
		Facets: map[string][]string{search.FacetTopic: {topics[random.IntN(len(topics))], topics[random.IntN(len(topics))]}},
	}
	d.Updated = d.Published
	if random.IntN(10) == 0 {
		year := 1990 + random.IntN(35)
		d.Acts = []search.Act{{Identifier: fmt.Sprintf("urn:nir:stato:legge:%d-01-01;%d", year, random.IntN(60)+1), Label: "L."}}
	}
	if service || random.IntN(3) == 0 {
		d.Facets[search.FacetTerritory] = []string{"r" + m.region, m.province, m.istat}
		d.Facets[search.FacetOrganization] = []string{fmt.Sprint("o", random.IntN(5000))}
	}
	if service {
		d.Type, d.Body = "service", c.text(random, locale, 60+random.IntN(80))
		d.Title = c.text(random, locale, 3+random.IntN(3)) + " " + m.name
		d.Points = []search.Point{m.point}
		d.Facets[search.FacetLanguage] = []string{"it", languages[random.IntN(len(languages))], languages[random.IntN(len(languages))]}
		d.Texts = []search.Text{{Weight: 1, Text: c.text(random, locale, 30)}, {Weight: 2, Text: m.name}}
	}
	return d
}

// Query draws one to three words, one of them with a typo when that is asked.
func (c *Corpus) Query(random *rand.Rand, locale string, typo bool) string {
	var words []string
	for range 1 + random.IntN(3) {
		w := c.Word(random, locale)
		for len([]rune(w)) < 4 {
			w = c.Word(random, locale)
		}
		words = append(words, w)
	}
	if typo {
		i := random.IntN(len(words))
		r := []rune(words[i])
		at := 1 + random.IntN(len(r)-2)
		switch random.IntN(3) {
		case 0:
			r = slices.Delete(r, at, at+1)
		case 1:
			r[at], r[at+1] = r[at+1], r[at]
		default:
			r[at] = 'x'
		}
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}

// Place draws the centre of a municipality.
func (c *Corpus) Place(random *rand.Rand) search.Point {
	return c.municipalities[random.IntN(len(c.municipalities))].point
}

// Title draws the beginning of a title.
func (c *Corpus) Title(random *rand.Rand, of int) string {
	r := []rune(c.Document(random.IntN(of), true).Title)
	return string(r[:min(len(r), 2+random.IntN(10))])
}
