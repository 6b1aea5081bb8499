package content

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prassi-cms/prassi/content/markdown"
	"github.com/prassi-cms/prassi/schemas"
)

// mediaMark is in every text that can hold the address of a file of ours: what
// does not have it is not looked at closer.
const mediaMark = "/media/"

// mediaAddress is the address of a file: 26 letters of base 32 (128 random
// bits), then the name of one of its forms. The host is not asked for, since the
// service does not know its own.
var mediaAddress = regexp.MustCompile(`^(?:https?://[^/?#\s]+)?/media/([a-z2-7]{26})/([A-Za-z0-9._-]+)(?:[?#]\S*)?$`)

var mediaIDRule = regexp.MustCompile(`^[a-z2-7]{26}$`)

// mediaID gives the id in the address of a file of ours.
func mediaID(address string) (string, bool) {
	m := mediaAddress.FindStringSubmatch(address)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// MediaID gives the id in the address of a file of ours.
func MediaID(address string) (string, bool) { return mediaID(address) }

// MediaFile gives the name of the file in the address of one of ours, or "".
func MediaFile(address string) string {
	if m := mediaAddress.FindStringSubmatch(address); m != nil {
		return m[2]
	}
	return ""
}

// MediaIDs gives the ids of our files that values use, sorted: as the source of
// a value of kind media, or as a link or an image in Markdown.
func MediaIDs(v schemas.Values) []string {
	var ids []string
	eachMedia("", map[string]any(v), func(_, id string) { ids = append(ids, id) })
	slices.Sort(ids)
	return slices.Compact(ids)
}

// eachMedia tells of every use of a file in a value: where, as a JSON Pointer, and
// which.
func eachMedia(path string, value any, tell func(path, id string)) {
	switch value := value.(type) {
	case map[string]any:
		for name, part := range value {
			eachMedia(path+"/"+name, part, tell)
		}
	case []any:
		for i, item := range value {
			eachMedia(path+"/"+strconv.Itoa(i), item, tell)
		}
	case string:
		if !strings.Contains(value, mediaMark) {
			return
		}
		if id, ok := mediaID(value); ok {
			tell(path, id)
			return
		}
		for _, target := range targetsOf(value) {
			if id, ok := mediaID(target.URL); ok {
				tell(path, id)
			}
		}
	}
}

// maxNewMedia bounds how many files one edit may begin to use: each is asked about.
const maxNewMedia = 200

// strangeMedia says which files the values would newly use that the actor may not
// use, or that are not there (any more). What the document uses in its newest or
// public revisions stays as it is: who changes a title is not asked about the
// picture.
func (w *change) strangeMedia(ctx context.Context, values schemas.Values) ([]schemas.Issue, error) {
	if w.s.media == nil {
		return nil, nil
	}
	known := map[string]bool{}
	note := func(ids []string) {
		for _, id := range ids {
			known[id] = true
		}
	}
	note(w.doc.LiveMedia)
	for i := range w.doc.Variants {
		note(w.doc.Variants[i].Media)
		note(w.doc.Variants[i].LiveMedia)
	}
	places := map[string][]string{} // by id
	eachMedia("", map[string]any(values), func(path, id string) {
		if !known[id] && !slices.Contains(places[id], path) {
			places[id] = append(places[id], path)
		}
	})
	if len(places) > maxNewMedia {
		return []schemas.Issue{{Code: schemas.CodeTooManyItems, Params: map[string]any{"max": maxNewMedia, "actual": len(places)}}}, nil
	}
	var issues []schemas.Issue
	for id, paths := range places {
		err := w.s.media(ctx, w.actor, id)
		if err != nil && AsProblem(err).Class != NotFound {
			return nil, err
		}
		if err == nil {
			continue
		}
		for _, path := range paths {
			issues = append(issues, schemas.Issue{Path: path, Code: "media_not_found", Params: map[string]any{"id": id}})
		}
	}
	slices.SortFunc(issues, func(a, b schemas.Issue) int { return strings.Compare(a.Path, b.Path) })
	return issues, nil
}

// targetsOf reads the addresses in Markdown. What the renderer refuses is never
// shown, and so leads nowhere.
func targetsOf(text string) []markdown.Target {
	targets, err := markdown.Targets([]byte(text), markdown.Options{MaxBytes: max(len(text), markdown.DefaultMaxBytes)})
	if err != nil {
		return nil
	}
	return targets
}

// mediaIn gives the ids in one half of a revision's values.
func mediaIn(values json.RawMessage) []string {
	if !bytes.Contains(values, []byte(mediaMark)) {
		return nil
	}
	var v schemas.Values
	if err := json.Unmarshal(values, &v); err != nil {
		return nil // Verify tells of it
	}
	return MediaIDs(v)
}

// mediaOf gives the ids in all values of a revision.
func mediaOf(r *Revision) []string {
	ids := append(mediaIn(r.Shared), mediaIn(r.Localized)...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// withoutAlt says where Markdown shows an image of ours without a word for those
// who cannot see it.
func withoutAlt(fields []*schemas.Field, values map[string]any) []schemas.Issue {
	var out []schemas.Issue
	var look func(f *schemas.Field, value any, path string)
	look = func(f *schemas.Field, value any, path string) {
		switch value := value.(type) {
		case string:
			if f.Kind != "markdown" || !strings.Contains(value, mediaMark) {
				return
			}
			if slices.ContainsFunc(targetsOf(value), silentImage) {
				out = append(out, schemas.Issue{Path: path, Code: schemas.CodeAltRequired})
			}
		case []any:
			for i, item := range value {
				look(f, item, path+"/"+strconv.Itoa(i))
			}
		case map[string]any:
			for _, part := range f.Parts {
				look(part, value[part.Name], path+"/"+part.Name)
			}
		}
	}
	for _, f := range fields {
		look(f, values[f.Name], "/"+f.Name)
	}
	return out
}

func silentImage(t markdown.Target) bool {
	_, ours := mediaID(t.URL)
	return ours && t.Image && t.Alt == ""
}

// MediaUse says whether a document that is not discarded uses a file, in the
// newest or the public revision of any language, and whether the public sees it
// there. Older revisions do not count.
func (s *Service) MediaUse(ctx context.Context, id string) (used, live bool, err error) {
	if !mediaIDRule.MatchString(id) {
		return false, false, nil
	}
	for _, prefix := range []string{termLiveMedia, termMedia} {
		found, err := s.store.Find(ctx, Query{Terms: []string{prefix + id}, Limit: 1})
		if err != nil {
			return false, false, s.storeProblem(err)
		}
		if len(found) > 0 {
			return true, prefix == termLiveMedia, nil
		}
	}
	return false, false, nil
}

// SeesMedia says whether the actor may see a document that uses a file. It is
// no for the anonymous, whatever is public: MediaUse answers that.
func (s *Service) SeesMedia(ctx context.Context, a Actor, id string) (bool, error) {
	used, err := s.MediaDocuments(ctx, a, id, 1)
	return len(used) > 0, err
}

// MediaDocuments gives documents that use a file, in the newest or the public
// revision of any language, and that the actor may see: at most limit of them, the
// latest changed first. The anonymous are given none.
func (s *Service) MediaDocuments(ctx context.Context, a Actor, id string, limit int) ([]*Document, error) {
	if a.Anonymous() || !mediaIDRule.MatchString(id) {
		return nil, nil
	}
	now := s.now()
	var out []*Document
	for _, scope := range s.scopeTerms(a, now) {
		found, err := s.listScope(ctx, a, Filter{Limit: limit, merged: true}, []string{scope, termMedia + id}, now)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if !slices.ContainsFunc(out, func(x *Document) bool { return x.ID == d.ID }) {
				out = append(out, d)
			}
		}
		if limit == 1 && len(out) > 0 {
			break
		}
	}
	slices.SortFunc(out, func(a, b *Document) int { return compareDocuments(0, a, b) })
	return out[:min(len(out), limit)], nil
}
