package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/messages"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/publish"
)

// previewPath begins the addresses of previews. What follows is a secret.
const previewPath = "/preview/"

// NewPreview asks for an address under which a revision can be read.
type NewPreview struct {
	Revision int `json:"revision,omitempty" minimum:"1" doc:"The revision's number; the latest without it. Later edits do not change what the address shows."`
	Hours    int `json:"hours,omitempty" minimum:"1" maximum:"168" doc:"How long the address holds; 24 without it."`
}

// PreviewAddress is an address under which a revision can be read.
type PreviewAddress struct {
	ID        string    `json:"id"`
	URL       string    `json:"url,omitempty" format:"uri-reference" doc:"Whoever has it can read the revision. It is told only once."`
	Locale    string    `json:"locale"`
	Revision  int       `json:"revision" minimum:"1"`
	By        string    `json:"by" doc:"Id of who made it."`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Links     SelfLink  `json:"_links"`
}

// PreviewAddresses are those of a document that hold.
type PreviewAddresses struct {
	Items []PreviewAddress `json:"items"`
	Total int              `json:"total" minimum:"0"`
}

func (s *Server) previewView(p publish.Preview) PreviewAddress {
	return PreviewAddress{
		ID: p.ID, Locale: p.Locale, Revision: p.Number, By: p.By, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt,
		Links: SelfLink{s.documentPath(p.Document) + "/previews/" + p.ID},
	}
}

// ownFile finds the addresses of files of ours in an item.
var ownFile = regexp.MustCompile(`/media/([a-z2-7]{26})/`)

// createPreview makes an address for a revision that the caller may see. It shows
// what the public would, so places that are secret stay so, whoever asks.
func (s *Server) createPreview(c *call) error {
	var in NewPreview
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	id, locale := c.Param("id"), c.Param("locale")
	d, r, err := s.service.Latest(c.ctx(), c.actor, id, locale)
	if err != nil {
		return err
	}
	state := d.Variant(locale).State
	if in.Revision != 0 && in.Revision != r.Number {
		state = ""
		if r, err = s.service.RevisionAt(c.ctx(), c.actor, id, locale, in.Revision); err != nil {
			return err
		}
	}
	raw, err := s.catalog.Preview(c.ctx(), id, locale, r.Hash)
	if err != nil {
		return err
	}
	p := publish.Preview{Document: id, Locale: locale, Revision: r.Hash, Number: r.Number, State: state}
	for _, m := range ownFile.FindAllSubmatch(raw, -1) {
		if file := string(m[1]); !slices.Contains(p.Media, file) {
			p.Media = append(p.Media, file)
		}
	}
	token, p, err := s.looks.Create(c.ctx(), c.actor, p, time.Duration(in.Hours)*time.Hour)
	if err != nil {
		return err
	}
	out := s.previewView(p)
	out.URL = s.public + previewPath + token + "/"
	c.Writer.Header()["Location"] = []string{out.Links.Self}
	return answerJSON(c.Context, http.StatusCreated, out)
}

func (s *Server) listPreviews(c *call) error {
	d, err := s.service.Get(c.ctx(), c.actor, c.Param("id"))
	if err != nil {
		return err
	}
	list, err := s.looks.List(c.ctx(), d.ID)
	if err != nil {
		return err
	}
	out := PreviewAddresses{Items: []PreviewAddress{}, Total: len(list)}
	for _, p := range list {
		out.Items = append(out.Items, s.previewView(p))
	}
	return answerJSON(c.Context, http.StatusOK, out)
}

func (s *Server) endPreview(c *call) error {
	d, err := s.service.Get(c.ctx(), c.actor, c.Param("id"))
	if err != nil {
		return err
	}
	if err := s.looks.Revoke(c.ctx(), c.actor, d.ID, c.Param("preview")); errors.Is(err, content.ErrNotFound) {
		return noRoute(c.Context)
	} else if err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

// showPreview answers GET /preview/{token}/ by the site's own templates.
func (s *Server) showPreview(c *gin.Context) error {
	token, ctx := c.Param("token"), c.Request.Context()
	p, err := s.looks.Open(ctx, token)
	if err != nil {
		return err
	}
	raw, err := s.catalog.Preview(ctx, p.Document, p.Locale, p.Revision)
	if errors.Is(err, content.ErrNotFound) { // the draft was thrown away
		return &content.Problem{Class: content.NotFound, Code: publish.CodePreviewOver}
	}
	if err != nil {
		return err
	}
	// Files of a draft are nobody's but for this address.
	raw = ownFile.ReplaceAllFunc(raw, func(m []byte) []byte { return append([]byte(previewPath+token), m...) })
	return s.answerPreview(c, p, raw)
}

// previewFile answers with a file that a preview shows, and with no other.
func (s *Server) previewFile(c *gin.Context) error {
	p, err := s.looks.Open(c.Request.Context(), c.Param("token"))
	if err != nil {
		return err
	}
	id := c.Param("media")
	if !slices.Contains(p.Media, id) {
		return noRoute(c)
	}
	item, err := s.media.Get(c.Request.Context(), id)
	if err != nil {
		return err
	}
	item.Name = item.ID + path.Ext(item.Name) // a name may say what the page does not
	f, err := s.media.OpenItem(c.Request.Context(), item, c.Param("file"))
	if err != nil {
		return err
	}
	defer f.Close()
	h := c.Writer.Header()
	h["Content-Type"] = []string{f.Type}
	if f.Attachment != "" {
		h["Content-Disposition"] = []string{f.Headers()["Content-Disposition"]}
	}
	h["Content-Length"] = []string{fmt.Sprint(f.Size)}
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return nil
	}
	_, _ = io.Copy(c.Writer, f) // a caller that went away is no fault of ours
	return nil
}

// answerPreview shows an item as a draft.
func (s *Server) answerPreview(c *gin.Context, p publish.Preview, raw []byte) error {
	lang := interfaceLanguage(p.Locale)
	item, err := s.theme.Item(raw, lang)
	if err != nil {
		return err
	}
	words := messages.Negotiate(lang)
	draft := &site.PreviewView{Number: p.Number, Until: messages.Moment(words, p.ExpiresAt)}
	if p.State != "" {
		draft.State = stateView(s.service.Workflow(item.Type), p.State, words).Label
	}
	return s.answerRendered(c, http.StatusOK, site.Page{
		Kind: "item", Lang: lang, Section: item.Collection, Path: "/", Title: item.Title, Description: item.Summary, NoIndex: true, Item: item, Preview: draft,
	}, noStore)
}

// interfaceLanguage is the language of the site's furniture around a text.
func interfaceLanguage(locale string) string {
	if base, _, _ := strings.Cut(locale, "-"); spoken(base) {
		return contentTag(base)
	}
	return "en"
}
