package generators

import (
	"context"
	"embed"
	"html"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prassi-cms/prassi/internal/hugo"
	"github.com/prassi-cms/prassi/internal/npmcache"
	"github.com/prassi-cms/prassi/internal/nu"
)

// What the starters ask npm for is what the tests run.
//
//go:embed eleventy/package.json eleventy/package-lock.json eleventy/.npmrc
var eleventyRecipe embed.FS

//go:embed astro/package.json astro/package-lock.json astro/.npmrc
var astroRecipe embed.FS

// generator is how a site is built, in which folder it is then.
type generator struct {
	output  string
	command func(ctx context.Context, dir string) (*exec.Cmd, error)
}

var generatorsTried = map[string]generator{
	Hugo: {"public", func(ctx context.Context, dir string) (*exec.Cmd, error) {
		program, err := hugo.Install(ctx)
		return exec.CommandContext(ctx, program, "--panicOnWarning"), err
	}},
	Eleventy: {"_site", npm("generators-eleventy", "eleventy", eleventyRecipe)},
	Astro:    {"dist", npm("generators-astro", "astro", astroRecipe)},
}

// npm builds a site as its README says, but that the packages are in the cache.
func npm(name, folder string, files embed.FS) func(ctx context.Context, dir string) (*exec.Cmd, error) {
	return func(ctx context.Context, dir string) (*exec.Cmd, error) {
		home, err := npmcache.Recipe{Name: name, Files: files, Dir: folder}.Install(ctx)
		if err != nil {
			return nil, err
		}
		if err := os.Symlink(filepath.Join(home, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
			return nil, err
		}
		command := exec.CommandContext(ctx, "npm", "run", "build")
		command.Env = append(os.Environ(), "ASTRO_TELEMETRY_DISABLED=1")
		return command, nil
	}
}

// TestGenerators builds the demonstration with each generator, and looks at every
// page that comes out: nothing that is not public, nothing carried out that an
// author wrote, every link inside of the site leads somewhere, and not one error
// of the HTML checker's.
func TestGenerators(t *testing.T) {
	w := newWorld(t)
	var outputs []string
	for _, format := range Formats() {
		dir := t.TempDir()
		sum := w.export(dir, format)
		if len(sum.Kept) > 0 || sum.Written != sum.Files || sum.Items < 30 {
			t.Fatalf("%s: %+v", format, sum)
		}
		noSecrets(t, format, everything(t, dir))
		g := generatorsTried[format]
		command, err := g.command(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", format, err, out)
		}
		output := filepath.Join(dir, g.output)
		outputs = append(outputs, output)
		w.inspect(format, everything(t, output))
	}
	found, err := nu.Check(t.Context(), outputs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found {
		if m.Error() {
			t.Error(m)
		}
	}
}

// secrets are in the store and not for the public: of the shelter and of a draft.
var secrets = []string{"Salita delle Ginestre", "Casa dei tre gelsi", "38.1041", "13.3457", "Bozza mai pubblicata", "Segreto di redazione"}

func noSecrets(t testing.TB, format string, files map[string]string) {
	t.Helper()
	if len(files) < 40 {
		t.Fatalf("%s: only %d files", format, len(files))
	}
	for name, text := range files {
		for _, secret := range secrets {
			if strings.Contains(text, secret) || strings.Contains(name, "bozza") {
				t.Errorf("%s: %s says %q", format, name, secret)
			}
		}
	}
}

var (
	references = regexp.MustCompile(`(?:href|src)=(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))`)
	scripts    = regexp.MustCompile(`(?i)<script|<iframe|\son\w+\s*=`)
	dangling   = regexp.MustCompile(`(?i)^\s*(?:javascript|vbscript|data:text)`)
)

// inspect looks at a finished site.
func (w *world) inspect(format string, files map[string]string) {
	t := w.t
	t.Helper()
	noSecrets(t, format, files)
	for e := range w.catalog.All() {
		page := files[strings.ToLower(e.Locale())+"/"+e.Collection()+"/"+slugOf(e.AppendSummary(nil))+"/index.html"]
		if page == "" {
			t.Errorf("%s: no page of %s in %s", format, e.ID(), e.Locale())
		}
	}
	for name, text := range files {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		if strings.Contains(name, "hostile") {
			// Words that look like code are words; only real elements count.
			if bad := scripts.FindString(tags(text)); bad != "" {
				t.Errorf("%s: %s runs %q", format, name, bad)
			}
			for _, want := range []string{"Fine.", "alert(1)"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %s lost %q", format, name, want)
				}
			}
			if strings.Contains(text, "youtube-nocookie") || strings.Contains(text, ">42<") || strings.Contains(text, " 42 ") {
				t.Errorf("%s: %s was carried out", format, name)
			}
		}
		for _, m := range references.FindAllStringSubmatch(text, -1) {
			address := html.UnescapeString(m[1] + m[2] + m[3])
			if dangling.MatchString(address) {
				t.Errorf("%s: %s has %q", format, name, address)
			}
			u, err := url.Parse(address)
			if err != nil || u.Scheme != "" && u.Host != "example.org" || !strings.HasPrefix(u.Path, "/") {
				continue
			}
			to := strings.TrimPrefix(u.Path, "/")
			if strings.HasSuffix(to, "/") || to == "" {
				to = path.Join(to, "index.html")
			}
			if _, ok := files[to]; !ok {
				t.Errorf("%s: %s links to %s, which is not there", format, name, address)
			}
		}
	}
	practice := files["it/practices/orti-condivisi/index.html"]
	for _, want := range []string{`lang="it"`, "<h1>Orti condivisi</h1>", "Problema e contesto", "Coltivare a coppie", "/media/" + picture + "/640.png", "/en/practices/shared-gardens/", "Persone raggiunte"} {
		if !strings.Contains(practice, want) {
			t.Errorf("%s: the practice lacks %q", format, want)
		}
	}
	if files["media/"+picture+"/640.png"] != "pixels" {
		t.Errorf("%s: the picture is not there", format)
	}
	for name, wants := range map[string][]string{
		"ar/index.html":                         {`dir="rtl"`, `lang="ar"`},
		"it/territories/toscana/index.html":     {"Orti condivisi", "Toscana"},
		"it/territories/prato/index.html":       {"Orti condivisi"},
		"it/topics/italian-language/index.html": {"Orti condivisi", "Lingua italiana"},
		"it/services/index.html":                {"Casa Ginestra"},
		"index.html":                            {"/it/"},
		"sitemap.xml":                           {"/it/"},
	} {
		for _, want := range wants {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s: %s lacks %q:\n%.300s", format, name, want, files[name])
			}
		}
	}
}

// tags gives the tags of a page without its text.
func tags(page string) string {
	return strings.Join(regexp.MustCompile(`<[^>]*>`).FindAllString(page, -1), "\n")
}

var slugs = regexp.MustCompile(`"slug":"([^"]+)"`)

func slugOf(summary []byte) string { return string(slugs.FindSubmatch(summary)[1]) }
