package browser

import (
	"context"
	"embed"

	"github.com/prassi-cms/prassi/internal/npmcache"
)

//go:embed driver.mjs package.json package-lock.json
var recipe embed.FS

// Install makes sure that Playwright and axe (5 MB) are on this machine and
// returns their folder; see npmcache. An error carries what npm said and is worth
// showing.
func Install(ctx context.Context) (string, error) {
	return npmcache.Recipe{Name: "browser", Files: recipe}.Install(ctx)
}
