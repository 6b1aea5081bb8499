// Package generators writes what is public for other people's site generators:
// a tree of Markdown files with front matter, the pictures and documents that they
// show, data for lists, and a starter that makes a whole site of it.
//
//	catalog.All ──▶ tree     content/{language}/{collection}/{slug}.md
//	                         data/site.json: languages, collections, topics, territories
//	                         static/media/…: files that live revisions use
//	{hugo,eleventy,astro}/   the starter: configuration, layouts, README
//	     │
//	     ▼
//	  folder                 what differs is written, what is gone is removed,
//	                         what somebody changed or added stays
//
// It reads the catalogue and nothing else, so a draft cannot get out, and of a
// shelter no more than the public API says. The same content gives the same bytes.
//
// The text of an item is the Markdown that its author wrote, followed by its other
// texts under their labels; Prassi takes raw HTML out of Markdown when it renders,
// and the starters configure their generators to do the same. What a generator
// itself would carry out in a text, such as Hugo's shortcodes and Eleventy's
// templates, is made inert here.
package generators
