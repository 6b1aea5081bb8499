package api

import (
	"net/http"

	"github.com/prassi-cms/prassi/content/access"
)

// siteTable lists what concerns the public site, but for its pages, which are no
// operations: they are what no route answers. Without a site nothing of it exists.
func (s *Server) siteTable() []*operation {
	if s.site == nil {
		return nil
	}
	const (
		builds   = manage + "/builds"
		build    = builds + "/{build}"
		document = manage + "/documents/{id}"
		look     = previewPath + "{token}/"
	)
	id := pathParam("id", "The document.", format("uuid"))
	named := pathParam("build", "The build.", text(80))
	token := pathParam("token", "The secret part of the address.", text(43))
	result := []answer{{Status: http.StatusOK, Body: BuildResult{}}}
	changes := []param{
		named, queryParam("since", "The build to compare with; its parent without it.", text(80)), limitParam(), cursorParam(text(1024)),
	}
	out := []*operation{
		{Method: http.MethodGet, Route: builds, ID: "listBuilds", Summary: "The builds of the public site, the newest first, and how publishing goes",
			Answers: []answer{{Status: http.StatusOK, Body: SiteBuilds{}}}, Call: s.listBuilds, Needs: access.BuildManage},
		{Method: http.MethodPost, Route: builds, ID: "startBuild", Summary: "Build the public site now",
			Description: "The site follows every publication by itself; this is for when an earlier build was restored, or to see why one fails. It waits until the build is public.",
			Body:        StartBuild{}, Answers: result, Call: s.startBuild, Needs: access.BuildManage},
		{Method: http.MethodGet, Route: build + "/changes", ID: "listBuildChanges", Summary: "The files that differ between a build and an earlier one, by path",
			Params: changes, Answers: []answer{{Status: http.StatusOK, Body: Page[BuildChange]{}}}, Call: s.listBuildChanges(changes), Needs: access.BuildManage},
		{Method: http.MethodPost, Route: build + "/restore", ID: "restoreBuild", Summary: "Make an earlier build public again",
			Description: "Nothing is built by itself afterwards, until something is withdrawn or somebody starts a build. Refused when the build shows what was withdrawn since, unless that is said to be wanted.",
			Params:      []param{named}, Body: RestoreBuild{}, Answers: result, Problems: []int{http.StatusConflict}, Call: s.restoreBuild, Needs: access.BuildManage},
		{Method: http.MethodPost, Route: document + "/variants/{locale}/preview", ID: "createPreview", Summary: "Make an address under which a revision can be read",
			Description: "The page is the one that the public would see. Whoever has the address can read that revision, and nothing else, until the address ends.",
			Params:      []param{id, pathParam("locale", "The variant's language (BCP 47).", localeSchema())}, Body: NewPreview{}, Problems: []int{http.StatusConflict},
			Answers: []answer{{Status: http.StatusCreated, Body: PreviewAddress{}, Headers: []string{"Location"}}}, Call: s.createPreview, Needs: byContent},
		{Method: http.MethodGet, Route: document + "/previews", ID: "listPreviews", Summary: "The addresses under which revisions of a document can be read",
			Params: []param{id}, Answers: []answer{{Status: http.StatusOK, Body: PreviewAddresses{}}}, Call: s.listPreviews, Needs: byContent},
		{Method: http.MethodDelete, Route: document + "/previews/{preview}", ID: "endPreview", Summary: "Take back an address",
			Params: []param{id, pathParam("preview", "The address's id.", text(64))}, Answers: []answer{{Status: http.StatusNoContent}}, Call: s.endPreview, Needs: byContent},
		{Method: http.MethodGet, Route: look, ID: "showPreview", Summary: "A revision as the public would see it", Access: open, Page: true, Class: classPreview,
			Params: []param{token}, Answers: []answer{{Status: http.StatusOK, Media: "text/html", Body: htmlPage, Headers: []string{"Content-Language"}}}, Handle: s.showPreview},
	}
	if s.media != nil {
		files := fileAnswers(http.StatusOK)
		for i := range files {
			files[i].Headers = []string{"Cache-Control"} // nobody keeps them
		}
		out = append(out, &operation{Method: http.MethodGet, Route: look + "media/{media}/{file}", ID: "showPreviewFile", Access: open, Class: classPreview,
			Summary: "A file that such a revision shows", Params: []param{token, pathParam("media", "The file's id.", text(26)), pathParam("file", "The form's name.", text(80))},
			Answers: files, Handle: s.previewFile})
	}
	for _, op := range out {
		op.Tag = tagSite
	}
	return out
}
