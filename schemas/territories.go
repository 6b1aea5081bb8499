package schemas

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// The levels of territory.
const (
	LevelRegion       = "region"
	LevelProvince     = "province"
	LevelMunicipality = "municipality"
)

// Levels of territory from the largest.
var Levels = []string{LevelRegion, LevelProvince, LevelMunicipality}

// Territory is a region, a province or a municipality of Italy.
type Territory struct {
	// ISTAT is the code of the national statistical institute: 2 digits for a
	// region, 3 for a province, 6 for a municipality.
	ISTAT string `json:"istat"`
	Level string `json:"level"`
	// Name is the official one, in both languages where two are official.
	Name string `json:"name"`
	// Acronym of a province, as on number plates; empty for others.
	Acronym string `json:"acronym,omitempty"`
	// Parent is the code of the territory it is part of; empty for regions.
	Parent string `json:"parent,omitempty"`
	// Cadastral is the Belfiore code of a municipality.
	Cadastral string `json:"cadastral,omitempty"`
	// Lat and Lon are a central point, WGS84 degrees.
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Municipality is a row of the list of municipalities.
type Municipality struct {
	ISTAT     string // 6 digits
	Name      string
	Province  string // 3 digits
	Cadastral string // Belfiore code, may be empty
	Lat, Lon  float64
}

// Territories is an immutable set of territories, ordered by code. Its zero
// value is empty.
type Territories struct {
	regions, provinces, municipalities []Territory
	byKey                              map[string]Territory // code, or acronym in upper case
}

// Lookup finds a territory by ISTAT code or by a province's acronym in any case.
func (t *Territories) Lookup(code string) (Territory, bool) {
	if len(code) > 6 {
		return Territory{}, false
	}
	found, ok := t.byKey[code]
	if !ok && len(code) == 2 {
		found, ok = t.byKey[strings.ToUpper(code)]
	}
	return found, ok
}

// Regions lists the regions by code.
func (t *Territories) Regions() []Territory { return slices.Clone(t.regions) }

// Provinces lists the provinces by code.
func (t *Territories) Provinces() []Territory { return slices.Clone(t.provinces) }

// Municipalities lists the municipalities by code; none until they are imported.
// The list is shared and must not be changed.
func (t *Territories) Municipalities() []Territory {
	return t.municipalities[:len(t.municipalities):len(t.municipalities)]
}

// Ancestors lists the codes of the territories that a territory is part of, from
// the nearest: province and region for a municipality. A municipality's code
// begins with its province's, so it need not have been imported.
func (t *Territories) Ancestors(istat string) []string {
	var out []string
	if found, ok := t.Lookup(istat); ok {
		istat = found.ISTAT
	}
	if len(istat) == 6 {
		istat = istat[:3]
		if _, ok := t.byKey[istat]; !ok {
			return nil
		}
		out = append(out, istat)
	}
	if p, ok := t.byKey[istat]; ok && p.Parent != "" {
		out = append(out, p.Parent)
	}
	return out
}

// Contains reports whether inner is outer or a part of it. Both may be codes or
// acronyms; unknown ones contain nothing and are in nothing.
func (t *Territories) Contains(outer, inner string) bool {
	o, ok := t.Lookup(outer)
	if !ok {
		return false
	}
	if i, ok := t.Lookup(inner); ok && i.ISTAT == o.ISTAT {
		return true
	}
	return slices.Contains(t.Ancestors(inner), o.ISTAT)
}

// WithMunicipalities answers a new set with these municipalities instead of any
// it had. They should come from ReadMunicipalities, which checks them.
func (t *Territories) WithMunicipalities(list []Municipality) *Territories {
	out := &Territories{regions: t.regions, provinces: t.provinces}
	out.municipalities = make([]Territory, 0, len(list))
	for _, m := range list {
		out.municipalities = append(out.municipalities, Territory{
			ISTAT: m.ISTAT, Level: LevelMunicipality, Name: m.Name, Parent: m.Province,
			Cadastral: m.Cadastral, Lat: m.Lat, Lon: m.Lon,
		})
	}
	out.index()
	return out
}

func (t *Territories) index() {
	t.byKey = make(map[string]Territory, len(t.regions)+2*len(t.provinces)+len(t.municipalities))
	for _, list := range [][]Territory{t.regions, t.provinces, t.municipalities} {
		slices.SortFunc(list, func(a, b Territory) int { return cmp.Compare(a.ISTAT, b.ISTAT) })
		for _, x := range list {
			t.byKey[x.ISTAT] = x
			if x.Acronym != "" {
				t.byKey[x.Acronym] = x
			}
		}
	}
}

// ReadMunicipalities reads a CSV file (RFC 4180, UTF-8) with a header row and at
// least the columns istat, name, province_istat, lat and lon; region_istat is
// checked and cadastral kept when they are there, and other columns are ignored.
// Control characters U+0080 to U+009F in names are read as the letters that
// Windows-1252 has there, because lists of ISTAT limits carry them in Slovene names.
// Every bad row is an issue with its line; then no municipality is answered.
// The error is that of the reader.
func (t *Territories) ReadMunicipalities(r io.Reader) ([]Municipality, []Issue, error) {
	var out []Municipality
	var issues []Issue
	seen := map[string]bool{}
	bad := func(line int, i []Issue) {
		i[0].Line = line
		issues = append(issues, i...)
	}
	err := readCSV(r, []string{"istat", "name", "province_istat", "lat", "lon"}, func(row csvRow) {
		m := Municipality{ISTAT: row.get("istat"), Province: row.get("province_istat"), Cadastral: strings.ToUpper(row.get("cadastral"))}
		name, unclean := cleanLine(windows1252.Replace(row.get("name")))
		province, known := t.byKey[m.Province]
		switch {
		case unclean != nil:
			bad(row.line, under("name", unclean))
		case name == "":
			bad(row.line, under("name", issue(CodeRequired, map[string]any{"field": "name"})))
		case !digits(m.Province, 3) || !known:
			bad(row.line, under("province_istat", wrong(CodeUnknownTerritory, m.Province)))
		case !digits(m.ISTAT, 6) || m.ISTAT[:3] != m.Province:
			bad(row.line, under("istat", wrong(CodeInvalidRow, m.ISTAT)))
		case seen[m.ISTAT]:
			bad(row.line, under("istat", wrong(CodeDuplicate, m.ISTAT)))
		case row.get("region_istat") != "" && row.get("region_istat") != province.Parent:
			bad(row.line, under("region_istat", wrong(CodeUnknownTerritory, row.get("region_istat"))))
		case len(m.Cadastral) > 4:
			bad(row.line, under("cadastral", wrong(CodeInvalidRow, m.Cadastral)))
		default:
			lat, lon, column := coordinates(row)
			if column != "" {
				bad(row.line, under(column, wrong(CodeInvalidRow, row.get(column))))
				return
			}
			seen[m.ISTAT] = true
			m.Name, m.Lat, m.Lon = name, lat, lon
			out = append(out, m)
		}
	}, func(line int, column string) {
		bad(line, wrong(CodeInvalidRow, column))
	})
	if err != nil || issues != nil {
		return nil, issues, err
	}
	return out, nil, nil
}

// windows1252 repairs text of Windows-1252 that was read as ISO 8859-1.
var windows1252 = func() *strings.Replacer {
	var pairs []string
	for b := 0x80; b < 0xa0; b++ {
		if r := charmap.Windows1252.DecodeByte(byte(b)); r >= 0xa0 && r != '\uFFFD' {
			pairs = append(pairs, string(rune(b)), string(r))
		}
	}
	return strings.NewReplacer(pairs...)
}()

// coordinates reads lat and lon; column names the one that is no coordinate.
func coordinates(row csvRow) (lat, lon float64, column string) {
	lat, err := strconv.ParseFloat(row.get("lat"), 64)
	if err != nil || math.IsNaN(lat) || math.Abs(lat) > 90 {
		return 0, 0, "lat"
	}
	lon, err = strconv.ParseFloat(row.get("lon"), 64)
	if err != nil || math.IsNaN(lon) || math.Abs(lon) > 180 {
		return 0, 0, "lon"
	}
	return lat, lon, ""
}

// csvRow is a row of a CSV file with its line.
type csvRow struct {
	line    int
	columns map[string]int
	cells   []string
}

func (r csvRow) get(column string) string {
	if i, ok := r.columns[column]; ok && i < len(r.cells) {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// readCSV calls row for each row and fault for each that cannot be read: with a
// missing column of the header, or empty when the row itself is malformed.
func readCSV(r io.Reader, required []string, row func(csvRow), fault func(line int, column string)) error {
	reader := csv.NewReader(r)
	reader.FieldsPerRecord = 0
	var columns map[string]int
	for {
		cells, err := reader.Read()
		var malformed *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if columns == nil {
				fault(1, required[0])
			}
			return nil
		case errors.As(err, &malformed):
			fault(malformed.StartLine, "")
			if errors.Is(err, csv.ErrFieldCount) {
				continue
			}
			return nil // after a broken quotation nothing can be told
		case err != nil:
			return err
		}
		if columns == nil {
			columns = map[string]int{}
			for i, c := range cells {
				columns[strings.TrimPrefix(strings.TrimSpace(c), "\ufeff")] = i
			}
			missing := false
			for _, c := range required {
				if _, ok := columns[c]; !ok {
					fault(1, c)
					missing = true
				}
			}
			if missing {
				return nil
			}
			continue
		}
		line, _ := reader.FieldPos(0)
		row(csvRow{line, columns, cells})
	}
}

// loadTerritories reads territories/regions.csv and provinces.csv.
func loadTerritories(fsys fs.FS) (*Territories, error) {
	t := &Territories{}
	read := func(name string, required []string, take func(csvRow) error) error {
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		var faults []error
		err = readCSV(f, required, func(row csvRow) {
			if err := take(row); err != nil {
				faults = append(faults, fmt.Errorf("%s:%d: %w", name, row.line, err))
			}
		}, func(line int, column string) {
			faults = append(faults, fmt.Errorf("%s:%d: malformed row or missing column %q", name, line, column))
		})
		return errors.Join(append(faults, err)...)
	}
	seen := map[string]bool{}
	add := func(x Territory, row csvRow, width int) (Territory, error) {
		lat, lon, column := coordinates(row)
		x.Lat, x.Lon = lat, lon
		switch {
		case !digits(x.ISTAT, width):
			return x, fmt.Errorf("code %q is not %d digits", x.ISTAT, width)
		case seen[x.ISTAT] || x.Acronym != "" && seen[x.Acronym]:
			return x, fmt.Errorf("territory %s is declared twice", x.ISTAT)
		case x.Name == "":
			return x, fmt.Errorf("territory %s has no name", x.ISTAT)
		case column != "":
			return x, fmt.Errorf("%s of territory %s is no coordinate", column, x.ISTAT)
		}
		seen[x.ISTAT], seen[x.Acronym] = true, true
		return x, nil
	}
	err := read("territories/regions.csv", []string{"istat", "name", "lat", "lon"}, func(row csvRow) error {
		x, err := add(Territory{ISTAT: row.get("istat"), Level: LevelRegion, Name: row.get("name")}, row, 2)
		t.regions = append(t.regions, x)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = read("territories/provinces.csv", []string{"istat", "acronym", "name", "region_istat", "lat", "lon"}, func(row csvRow) error {
		x := Territory{
			ISTAT: row.get("istat"), Level: LevelProvince, Name: row.get("name"),
			Acronym: row.get("acronym"), Parent: row.get("region_istat"),
		}
		if len(x.Acronym) != 2 || strings.Trim(x.Acronym, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return fmt.Errorf("acronym %q is not two capital letters", x.Acronym)
		}
		if !slices.ContainsFunc(t.regions, func(r Territory) bool { return r.ISTAT == x.Parent }) {
			return fmt.Errorf("unknown region %q", x.Parent)
		}
		x, err := add(x, row, 3)
		t.provinces = append(t.provinces, x)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.index()
	return t, nil
}

// digits reports whether s is n digits.
func digits(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789") == ""
}
