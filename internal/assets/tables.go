package main

// script is an entry point of TypeScript and the file that it becomes. All that
// it imports goes into that one file: a page names each file by itself, with a
// hash in its address, so none loads another by name.
type script struct {
	source, out string
	// module: the file has exports of its own (a script that is imported by its
	// address); otherwise it is a plain script that leaves nothing behind.
	module bool
}

// scripts that are not there yet are left out: the folder's owner says so in its
// own tests.
var scripts = []script{
	{source: "site/theme/ts/site.ts", out: "site/dist/site.js"},
	{source: "site/theme/ts/map.ts", out: "site/dist/map.js"},
}

// widgetsFolder holds the widgets: each *.ts directly in it whose name has no
// underscore at its beginning is an entry point and becomes NAME.js.
const widgetsFolder, widgetsOut = "widgets/src", "widgets/dist"

// sheet is an SCSS file and the style sheet that it becomes.
type sheet struct {
	source, out string
	adapted     bool // see adapt
}

var sheets = []sheet{
	{"site/theme/scss/site.scss", "site/dist/site.css", true},
	{"site/theme/scss/map.scss", "site/dist/map.css", false},
}

// file is a file of an npm package that is copied as it is.
type file struct{ source, out string }

var files = []file{
	{"@fontsource/titillium-web/files/titillium-web-latin-400-normal.woff2", "site/dist/titillium-web-400.woff2"},
	{"@fontsource/titillium-web/files/titillium-web-latin-600-normal.woff2", "site/dist/titillium-web-600.woff2"},
	{"@fontsource/titillium-web/files/titillium-web-latin-700-normal.woff2", "site/dist/titillium-web-700.woff2"},
	// Of the pictures that accompany links (site/card), not of pages: WOFF 1, which
	// the shaper reads.
	{"@fontsource/titillium-web/files/titillium-web-latin-600-normal.woff", "site/dist/card-latin.woff"},
	{"@fontsource/titillium-web/files/titillium-web-latin-ext-600-normal.woff", "site/dist/card-latin-ext.woff"},
	{"@fontsource/noto-sans-arabic/files/noto-sans-arabic-arabic-600-normal.woff", "site/dist/card-arabic.woff"},
}

// static are our own files that are copied as they are.
const static, staticOut = "site/theme/static/*", "site/dist"

// inputs are the files, beside those of the npm packages (which the lock file
// stands for), that the outputs are made of.
var inputs = []string{
	"internal/assets/*.go", "internal/assets/*.mjs", "internal/assets/package-lock.json", "go.sum",
	"site/theme/scss/*.scss", "site/theme/ts/*.ts", static, "widgets/src/*", "widgets/src/*/*",
}

// carried are the npm packages of which something ends up in the outputs. The
// build fails when another one does, so that internal/sbom/policy.yaml, which
// says the same, stays true.
var carried = []string{"@fontsource/noto-sans-arabic", "@fontsource/titillium-web", "bootstrap-italia", "leaflet"}

// licences gathers the licence texts of what is carried, which their terms ask
// to be passed on.
const licences = "site/dist/licences.txt"
