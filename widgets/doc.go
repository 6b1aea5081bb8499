// Package widgets is how other sites show our content: custom elements, frames,
// oEmbed, and the page that makes the line to copy.
//
//	src/*.ts ─ internal/assets ─▶ dist/*.js ─┐
//	messages ─▶ words.LANG.json ─────────────┼─▶ Files: one hash over all of them
//	province outlines ─▶ outlines.json ──────┘   /widgets/v1-HASH/v1.js, for ever
//
//	catalogue ─▶ Ask ─▶ rows ─▶ embed.html ─▶ /embed/{widget}
//	                     └────▶ oEmbed (oembed.com), JSON and XML
//
// The custom elements read the delivery API themselves (src/v1.ts says how); here
// is what needs the catalogue: the frames, which work without JavaScript, and the
// list of deadlines, which the API answers too.
//
// A widget on a stranger's page is a guest there: it sets no cookie and keeps
// nothing, asks nobody but the host that it came from, works under the page's
// strictest policy, and shows everything as text.
package widgets
