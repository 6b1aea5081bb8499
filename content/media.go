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
var mediaAddress = regexp.MustCompile(`^(?:https?://[^/?#\s]+)?/media/([a-z2-7]{26})/[A-Za-z0-9._-]+(?:[?#]\S*)?$`)

var mediaIDRule = regexp.MustCompile(`^[a-z2-7]{26}$`)

// mediaID gives the id in the address of a file of ours.
func mediaID(address string) (string, bool) {
	m := mediaAddress.FindStringSubmatch(address)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// MediaIDs gives the ids of our files that values use, sorted: as the source of
// a value of kind media, or as a link or an image in Markdown.
func MediaIDs(v schemas.Values) []string {
	var ids []string
	collectMedia(map[string]any(v), &ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

func collectMedia(value any, ids *[]string) {
	switch value := value.(type) {
	case map[string]any:
		for _, part := range value {
			collectMedia(part, ids)
		}
	case []any:
		for _, item := range value {
			collectMedia(item, ids)
		}
	case string:
		if !strings.Contains(value, mediaMark) {
			return
		}
		if id, ok := mediaID(value); ok {
			*ids = append(*ids, id)
			return
		}
		for _, target := range targetsOf(value) {
			if id, ok := mediaID(target.URL); ok {
				*ids = append(*ids, id)
			}
		}
	}
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
	if a.Anonymous() || !mediaIDRule.MatchString(id) {
		return false, nil
	}
	now := s.now()
	for _, scope := range s.scopeTerms(a, now) {
		found, err := s.listScope(ctx, a, Filter{Limit: 1}, []string{scope, termMedia + id}, now)
		if err != nil || len(found) > 0 {
			return len(found) > 0, err
		}
	}
	return false, nil
}
