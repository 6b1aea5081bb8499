package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/content/access"
	"github.com/prassi-cms/prassi/media"
)

const tagMedia = "Media"

// mediaTypes are those of the files that can be had.
var mediaTypes = []string{
	"image/jpeg", "image/png", "image/webp", "application/pdf",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.presentation",
}

// fileAnswers are answers with a file, of any type.
func fileAnswers(statuses ...int) (out []answer) {
	for _, status := range statuses {
		for _, name := range mediaTypes {
			out = append(out, answer{Status: status, Media: name, Body: fileBytes(), Headers: []string{"ETag", "Cache-Control"}})
		}
	}
	return out
}

func fileBytes() *huma.Schema { return &huma.Schema{Type: "string", Format: "binary"} }

// uploadForms are the bodies by which a file comes. The raw one is for programs.
func uploadForms() map[string]*huma.MediaType {
	alt, owner := text(media.MaxAlt), text(120)
	alt.Description = "What it shows, for those who cannot see it; a document may say it otherwise."
	owner.Description = "Scope of the organization it belongs to."
	form := object(map[string]*huma.Schema{"owner?": owner, "alt?": alt, "file": fileBytes()})
	form.Description = "The file is the last part."
	return map[string]*huma.MediaType{"multipart/form-data": {Schema: form}, "application/octet-stream": {Schema: fileBytes()}}
}

// mediaTable lists what is done with files; there is nothing without a library.
func (s *Server) mediaTable() []*operation {
	if s.media == nil {
		return nil
	}
	const items, item = manage + "/media", manage + "/media/{id}"
	id := pathParam("id", "The picture or document.", text(26))
	owner := func(doc string) param { return queryParam("owner", doc, text(120)) }
	list := []param{owner("Only what belongs to this organization."), limitParam(), cursorParam(text(26))}
	upload := []param{
		owner("Scope of the organization that a raw body belongs to; a form has a field."),
		queryParam("alt", "Alternative text of a raw body; a form has a field.", text(media.MaxAlt)),
		{Name: "Content-Disposition", In: "header", Schema: text(1000), Doc: "Of a raw body: the file's name, as `attachment; filename*=UTF-8''Piano%20di%20lavoro.pdf`."},
	}
	ranges := param{Name: "Range", In: "header", Schema: text(100), Doc: "One range of bytes (RFC 9110, section 14.2)."}
	ops := []*operation{
		{Method: http.MethodPost, Route: items, ID: "addMedia", Params: upload,
			Summary: "Add a picture or a document",
			Description: "What it is goes by its content, never by its name or `Content-Type`. Pictures are made anew, without the place and the camera, " +
				"in several sizes and as WebP. A slow connection has time as long as bytes keep coming.",
			Content: uploadForms(), Answers: []answer{{Status: http.StatusCreated, Body: MediaItem{}, Headers: []string{"Location"}}},
			Call: s.addMedia, Needs: access.MediaAdd},
		{Method: http.MethodGet, Route: items, ID: "listMedia", Params: list,
			Summary: "The files of the caller and of the caller's organizations", Description: "The newsroom sees all of them.",
			Answers: []answer{{Status: http.StatusOK, Body: Page[MediaItem]{}}}, Call: s.listMedia(list), Needs: byObject},
		{Method: http.MethodGet, Route: item, ID: "getMedia", Params: []param{id},
			Summary: "A file with its forms and where it is used", Description: "Of the documents that use it, those that the caller may see.",
			Answers: []answer{{Status: http.StatusOK, Body: MediaItem{}}}, Call: s.getMedia, Needs: byObject},
		{Method: http.MethodPatch, Route: item, ID: "changeMedia", Params: []param{id},
			Summary: "Change the alternative text", Body: MediaChange{},
			Answers: []answer{{Status: http.StatusOK, Body: MediaItem{}}}, Call: s.changeMedia, Needs: byObject},
		{Method: http.MethodDelete, Route: item, ID: "removeMedia", Params: []param{id},
			Summary: "Remove a file that no document uses", Answers: []answer{{Status: http.StatusNoContent}},
			Problems: []int{http.StatusConflict}, Call: s.removeMedia, Needs: byObject},
		{Method: http.MethodGet, Route: "/media/{media}/{file}", ID: "getMediaFile", Access: public, Class: classMedia,
			Summary:     "A file",
			Description: "For everybody while something published uses it; else for those who may see it. Documents come as attachments.",
			Params:      []param{pathParam("media", "The picture or document.", text(26)), pathParam("file", "One of its forms.", text(16)), ranges, ifNoneMatch},
			Answers: append(fileAnswers(http.StatusOK, http.StatusPartialContent),
				answer{Status: http.StatusNotModified, Headers: []string{"ETag", "Cache-Control"}}),
			Problems: []int{http.StatusRequestedRangeNotSatisfiable, http.StatusServiceUnavailable}, Handle: s.serveMedia},
	}
	for _, op := range ops {
		op.Tag = tagMedia
	}
	return ops
}
