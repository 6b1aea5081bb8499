package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/publish"
	"github.com/prassi-cms/prassi/site/release"
)

// Codes of problems with the public site, beside publish.Codes.
const (
	codeSiteNotReady = "site_not_ready"  // none
	codeNoBuild      = "no_such_build"   // none
	codeBuildFailed  = "build_failed"    // reason
	codeBuildShows   = "build_withdrawn" // count
	codeBuildGoesOn  = "build_goes_on"   // none
)

var siteCodes = []string{codeSiteNotReady, codeNoBuild, codeBuildFailed, codeBuildShows, codeBuildGoesOn, codeFacetType}

// SiteBuild is a build of the public site.
type SiteBuild struct {
	ID      string    `json:"id"`
	Parent  string    `json:"parent,omitempty" doc:"The build that was public before."`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason,omitempty" doc:"start, change, withdrawal, midnight, restore, or who asked for it."`
	Day     string    `json:"day,omitempty" format:"date" doc:"What is coming and what is over is told from this day, in Europe/Rome."`
	Files   int       `json:"files" minimum:"0"`
	Changed int       `json:"changed" minimum:"0" doc:"Files that differ from its parent's, are new or are gone."`
	Bytes   int64     `json:"bytes" minimum:"0" doc:"Of all files, uncompressed."`
	Current bool      `json:"current" doc:"It is public now."`
	Links   SelfLink  `json:"_links"`
}

// SiteBuilds are those that can be restored.
type SiteBuilds struct {
	Items []SiteBuild `json:"items"`
	Total int         `json:"total" minimum:"0"`
	State SiteState   `json:"state"`
}

// SiteState says how publishing goes.
type SiteState struct {
	Pending  bool         `json:"pending" doc:"Something has changed that is not on the site yet."`
	Building bool         `json:"building"`
	Held     bool         `json:"held" doc:"An earlier build was restored: nothing is built by itself until something is withdrawn or somebody starts a build."`
	At       time.Time    `json:"at,omitzero" doc:"When the last build ended, well or not."`
	Seconds  float64      `json:"seconds" format:"double" minimum:"0" doc:"How long it took."`
	Error    string       `json:"error,omitempty" doc:"Why it failed; what was public before is public still."`
	Outputs  []SiteOutput `json:"outputs" doc:"Where builds go further."`
}

// SiteOutput is a place to which builds are carried.
type SiteOutput struct {
	Name    string    `json:"name"`
	Build   string    `json:"build,omitempty" doc:"The last that arrived, since the server began."`
	At      time.Time `json:"at,omitzero"`
	Pending bool      `json:"pending"`
	Error   string    `json:"error,omitempty"`
}

// BuildResult is what was made public.
type BuildResult struct {
	Build    SiteBuild `json:"build"`
	Changed  bool      `json:"changed" doc:"The site differs from what was public before."`
	Rendered int       `json:"rendered" minimum:"0" doc:"Pages that were made anew."`
	Kept     int       `json:"kept" minimum:"0" doc:"Pages that stayed as they were."`
}

// StartBuild asks for a build.
type StartBuild struct{}

// RestoreBuild asks for an earlier build.
type RestoreBuild struct {
	Withdrawn bool `json:"including_withdrawn,omitempty" doc:"Also what was withdrawn since that build is to be public again."`
}

// BuildChange is a file that differs between two builds.
type BuildChange struct {
	Path   string `json:"path"`
	Change string `json:"change" enum:"added,removed,changed"`
}

func (s *Server) buildView(m release.Meta) SiteBuild {
	current := ""
	if b := s.site.Current(); b != nil {
		current = b.ID()
	}
	return SiteBuild{
		ID: m.ID, Parent: m.Parent, At: m.At, Reason: m.Reason, Day: m.Day, Files: m.Files, Changed: m.Changed, Bytes: m.Bytes, Current: m.ID == current,
		Links: SelfLink{s.public + manage + "/builds/" + m.ID + "/changes"},
	}
}

func (s *Server) listBuilds(c *call) error {
	out := SiteBuilds{Items: []SiteBuild{}, State: s.siteState()}
	for _, m := range s.site.Store().Builds() {
		out.Items = append(out.Items, s.buildView(m))
	}
	slices.Reverse(out.Items) // the newest first
	out.Total = len(out.Items)
	return answerJSON(c.Context, http.StatusOK, out)
}

func (s *Server) siteState() SiteState {
	st := s.site.Status()
	out := SiteState{Pending: st.Pending, Building: st.Building, Held: st.Held, At: st.Last, Seconds: st.Took.Seconds(), Error: said(st.Err), Outputs: []SiteOutput{}}
	for _, o := range st.Outputs {
		out.Outputs = append(out.Outputs, SiteOutput{Name: o.Name, Build: o.Build, At: o.At, Pending: o.Pending, Error: said(o.Err)})
	}
	return out
}

// failure is why a build failed, as anybody may read it.
func failure(err error) string {
	if err == nil {
		return ""
	}
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return "disk_full"
		}
	}
	if _, ok := errors.AsType[*site.ThemeError](err); ok {
		return "theme"
	}
	return "other"
}

// said is an error as those read it who may start builds.
func said(err error) string {
	if err == nil {
		return ""
	}
	// The end says why, the beginning where: both are needed.
	const longest = 600
	text := []rune(strings.ToValidUTF8(err.Error(), "\uFFFD"))
	if len(text) <= longest {
		return string(text)
	}
	return string(text[:longest/2]) + " … " + string(text[len(text)-longest/2:])
}

func (s *Server) startBuild(c *call) error {
	var in StartBuild
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	if err := s.ledger.Note(c.ctx(), siteSubject, c.actor, audit.BuildStarted, nil); err != nil {
		return err
	}
	built, err := s.site.Build(c.ctx(), c.actor.ID)
	return s.answerBuild(c, built, err)
}

// siteSubject is what the log of actions calls the public site.
const siteSubject = "site:public"

func (s *Server) restoreBuild(c *call) error {
	var in RestoreBuild
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	id := c.Param("build")
	if !s.hasBuild(id) {
		return noBuild()
	}
	if err := s.ledger.Note(c.ctx(), siteSubject, c.actor, audit.BuildRestored, map[string]string{"build": id}); err != nil {
		return err
	}
	built, err := s.site.Restore(c.ctx(), id, in.Withdrawn)
	return s.answerBuild(c, built, err)
}

func (s *Server) hasBuild(id string) bool {
	return slices.ContainsFunc(s.site.Store().Builds(), func(m release.Meta) bool { return m.ID == id })
}

func noBuild() error { return &content.Problem{Class: content.NotFound, Code: codeNoBuild} }

// answerBuild tells what was made public, or why not.
func (s *Server) answerBuild(c *call, built publish.Built, err error) error {
	if unknown, ok := errors.AsType[*release.UnknownError](err); ok {
		return &content.Problem{Class: content.NotFound, Code: codeNoBuild, Err: unknown}
	}
	if shows, ok := errors.AsType[*publish.WithdrawnError](err); ok {
		return &content.Problem{Class: content.Conflict, Code: codeBuildShows, Params: map[string]any{"count": shows.Pages}}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &content.Problem{Class: content.Unavailable, Code: codeBuildGoesOn}
	}
	if err != nil {
		return &content.Problem{Class: content.Unavailable, Code: codeBuildFailed, Params: map[string]any{"reason": said(err)}, Err: err}
	}
	return answerJSON(c.Context, http.StatusOK, BuildResult{
		Build: s.buildView(built.Build.Meta()), Changed: built.Changed(), Rendered: built.Report.Rendered, Kept: built.Report.Kept,
	})
}

// listBuildChanges tells what differs between a build and an earlier one: its
// parent, unless another is named.
func (s *Server) listBuildChanges(params []param) func(*call) error {
	return listPage(s, params, func(c *call, q *query) rows[BuildChange] {
		list := func() ([]BuildChange, error) {
			to, from := c.Param("build"), q.text("since")
			builds := s.site.Store().Builds()
			at := slices.IndexFunc(builds, func(m release.Meta) bool { return m.ID == to })
			if at < 0 {
				return nil, noBuild()
			}
			if from == "" {
				from = builds[at].Parent
			}
			if !s.hasBuild(from) {
				return nil, noBuild()
			}
			differences, err := s.site.Store().Diff(from, to)
			if err != nil {
				return nil, err
			}
			out := make([]BuildChange, len(differences))
			for i, d := range differences {
				out[i] = BuildChange{Path: d.Path, Change: d.Kind()}
			}
			return out, nil
		}
		return after(list, func(x BuildChange) string { return x.Path }, q.text("cursor"))
	}, func(_ *call, x BuildChange) (BuildChange, error) { return x, nil })
}
