package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// Bounds of the editorial pages.
const (
	defaultPage = 20
	maxPage     = 100
)

// Page is a page of a list.
type Page[T any] struct {
	Items []T       `json:"items"`
	Total int       `json:"total,omitzero" minimum:"0" doc:"How many there are in all, where that is told."`
	Links PageLinks `json:"_links"`
}

// rows are what a list shows, as they are stored.
type rows[R any] struct {
	// read gives that many of them at most, from the cursor on.
	read func(limit int) ([]R, error)
	// place is the cursor that goes on behind one of them.
	place func(R) string
	// total says how many there are; nil when nobody knows.
	total func() (int, error)
}

// listPage makes the handler of a list: it reads the query, asks for one row more
// than the page holds, which tells whether there is a next page, and makes the
// views and the links. ask reads what the query says beside the limit, refusing
// what it does not understand by q.refuse, and says how to read the rows; nothing
// is read when the query is wrong.
func listPage[R, V any](s *Server, params []param, ask func(c *call, q *query) rows[R], view func(*call, R) (V, error)) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		return answerPageOf(s, c, q, ask(c, q), view)
	}
}

// answerPageOf is listPage for a query that was read already.
func answerPageOf[R, V any](s *Server, c *call, q *query, from rows[R], view func(*call, R) (V, error)) error {
	limit := int(q.integer("limit", defaultPage, 1, maxPage))
	if err := q.err(); err != nil {
		return err
	}
	list, err := from.read(limit + 1)
	if err != nil {
		return err
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = from.place(list[limit-1])
	}
	out := Page[V]{Items: make([]V, 0, len(list)), Links: s.links(c.Context, next)}
	if from.total != nil {
		if out.Total, err = from.total(); err != nil {
			return err
		}
	}
	for _, r := range list {
		v, err := view(c, r)
		if err != nil {
			return err
		}
		out.Items = append(out.Items, v)
	}
	return answerJSON(c.Context, http.StatusOK, out)
}

// after makes rows of a list that is in memory, in the order of its places.
func after[R any](list func() ([]R, error), place func(R) string, cursor string) rows[R] {
	return rows[R]{place: place, read: func(limit int) ([]R, error) {
		all, err := list()
		if err != nil {
			return nil, err
		}
		for len(all) > 0 && place(all[0]) <= cursor {
			all = all[1:]
		}
		return all[:min(limit, len(all))], nil
	}}
}

// limitParam and cursorParam are the parameters of every list.
func limitParam() param {
	return queryParam("limit", "Entries a page.", withDefault(integer(1, maxPage), defaultPage))
}

func cursorParam(schema *huma.Schema) param {
	return queryParam("cursor", "Where to go on: taken from `_links`.", schema)
}

// invalidCursor refuses a cursor that no page gave.
func invalidCursor() error { return &content.Problem{Class: content.Invalid, Code: "invalid_cursor"} }

// missing notes that a parameter is needed.
func (q *query) missing(name string) {
	q.issues = append(q.issues, schemas.Issue{Path: pointer("", name), Code: schemas.CodeRequired, Params: map[string]any{"field": name}})
}

// wrong notes that a parameter's value is not one that exists.
func (q *query) wrong(name, code, param string) {
	q.issues = append(q.issues, schemas.Issue{Path: pointer("", name), Code: code, Params: map[string]any{param: echo(q.values[name])}})
}
