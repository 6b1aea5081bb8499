package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/widgets"
)

// NewPartner registers who shows our content elsewhere.
type NewPartner struct {
	Key       string         `json:"key" maxLength:"40" doc:"Names the partner in addresses and pages, for ever: comune-prato. It is public."`
	Name      string         `json:"name" maxLength:"120"`
	Origins   []string       `json:"origins,omitempty" doc:"Where its pages are: https://www.comune.prato.it. Exact; http only for this machine."`
	Domain    *string        `json:"domain,omitempty" maxLength:"253" doc:"Host of a site that is built for it."`
	Languages []string       `json:"languages,omitempty" doc:"Of that site, the first one its own."`
	Filter    *PartnerFilter `json:"filter,omitempty"`
	Theme     map[string]any `json:"theme,omitempty" doc:"Design tokens: colours such as #0066cc, lengths such as 4px."`
	Targets   []string       `json:"targets,omitempty" doc:"Buckets that its site is copied to: s3://name/folder."`
	Contact   *string        `json:"contact,omitempty" maxLength:"254" doc:"E-mail address of somebody there."`
	Active    *bool          `json:"active,omitempty" doc:"false while its pages are to show nothing; true when it is left out."`
}

// PartnerChange is what may change of a partner; what is left out stays.
type PartnerChange struct {
	Name      *string        `json:"name,omitempty" maxLength:"120"`
	Origins   []string       `json:"origins,omitempty" doc:"Where its pages are: https://www.comune.prato.it. Exact; http only for this machine."`
	Domain    *string        `json:"domain,omitempty" maxLength:"253" doc:"Host of a site that is built for it."`
	Languages []string       `json:"languages,omitempty" doc:"Of that site, the first one its own."`
	Filter    *PartnerFilter `json:"filter,omitempty"`
	Theme     map[string]any `json:"theme,omitempty" doc:"Design tokens: colours such as #0066cc, lengths such as 4px."`
	Targets   []string       `json:"targets,omitempty" doc:"Buckets that its site is copied to: s3://name/folder."`
	Contact   *string        `json:"contact,omitempty" maxLength:"254" doc:"E-mail address of somebody there."`
	Active    *bool          `json:"active,omitempty" doc:"false while its pages are to show nothing."`
}

// PartnerFilter says what a partner shows; a list that is empty or left out does
// not filter.
type PartnerFilter struct {
	Territories   []string `json:"territories,omitempty" doc:"Province acronyms or ISTAT codes; answered as ISTAT codes."`
	National      bool     `json:"national,omitempty" doc:"Beside territories, what names no territory."`
	Topics        []string `json:"topics,omitempty"`
	Organizations []string `json:"organizations,omitempty" doc:"Slugs or ids; pages have to ask by the same ones."`
	Collections   []string `json:"collections,omitempty"`
}

// PartnerView is a partner as it is kept.
type PartnerView struct {
	Key       string            `json:"key"`
	Name      string            `json:"name"`
	Origins   []string          `json:"origins"`
	Domain    string            `json:"domain,omitempty"`
	Languages []string          `json:"languages"`
	Filter    PartnerFilter     `json:"filter"`
	Theme     map[string]string `json:"theme"`
	Targets   []string          `json:"targets"`
	Contact   string            `json:"contact,omitempty"`
	Active    bool              `json:"active"`
	CreatedAt time.Time         `json:"created_at"`
	ChangedAt time.Time         `json:"changed_at"`
}

// PartnerUse is how often a partner's pages showed a widget on a day.
type PartnerUse struct {
	Day    string `json:"day" format:"date" doc:"Of Italy's calendar."`
	Widget string `json:"widget"`
	Count  int64  `json:"count" minimum:"0"`
}

// PartnerUsage are the counts of some days. Copies that caches gave out are not
// among them.
type PartnerUsage struct {
	Items []PartnerUse `json:"items"`
	Total int64        `json:"total" minimum:"0"`
}

func partnerView(p partners.Partner) PartnerView {
	theme := p.Theme
	if theme == nil {
		theme = map[string]string{}
	}
	list := func(l []string) []string { return append([]string{}, l...) }
	return PartnerView{
		Key: p.Key, Name: p.Name, Origins: list(p.Origins), Domain: p.Domain, Languages: list(p.Languages), Filter: PartnerFilter(p.Filter), Theme: theme,
		Targets: list(p.Targets), Contact: p.Contact, Active: p.Active, CreatedAt: p.CreatedAt, ChangedAt: p.ChangedAt,
	}
}

// apply changes what is not left out.
func (in *PartnerChange) apply(p *partners.Partner) {
	set(&p.Name, in.Name)
	set(&p.Domain, in.Domain)
	set(&p.Contact, in.Contact)
	set(&p.Active, in.Active)
	for to, list := range map[*[]string][]string{&p.Origins: in.Origins, &p.Languages: in.Languages, &p.Targets: in.Targets} {
		if list != nil {
			*to = list
		}
	}
	if in.Filter != nil {
		p.Filter = partners.Filter(*in.Filter)
	}
	if in.Theme != nil {
		p.Theme = make(map[string]string, len(in.Theme))
		for name, v := range in.Theme {
			p.Theme[name], _ = v.(string) // what is no text is told as a wrong value
		}
	}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (s *Server) createPartner(c *call) error {
	var in NewPartner
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	p := partners.Partner{Key: in.Key, Active: true}
	(&PartnerChange{&in.Name, in.Origins, in.Domain, in.Languages, in.Filter, in.Theme, in.Targets, in.Contact, in.Active}).apply(&p)
	p, err := s.partners.Create(c.ctx(), c.actor, p)
	if err != nil {
		return err
	}
	c.Writer.Header()["Location"] = []string{s.public + partnersPath + "/" + p.Key}
	return answerJSON(c.Context, http.StatusCreated, partnerView(p))
}

func (s *Server) getPartner(c *call) error {
	p, err := s.partners.Get(c.ctx(), c.Param("key"))
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusOK, partnerView(p))
}

func (s *Server) changePartner(c *call) error {
	var in PartnerChange
	if err := s.decode(c.Request, &in); err != nil {
		return err
	}
	p, err := s.partners.Change(c.ctx(), c.actor, c.Param("key"), in.apply)
	if err != nil {
		return err
	}
	return answerJSON(c.Context, http.StatusOK, partnerView(p))
}

func (s *Server) endPartner(c *call) error {
	if err := s.partners.End(c.ctx(), c.actor, c.Param("key")); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) listPartners(params []param) func(*call) error {
	return listPage(s, params, func(c *call, q *query) rows[partners.Partner] {
		return rows[partners.Partner]{
			read:  func(limit int) ([]partners.Partner, error) { return s.partners.List(c.ctx(), q.text("cursor"), limit) },
			place: func(p partners.Partner) string { return p.Key },
		}
	}, func(_ *call, p partners.Partner) (PartnerView, error) { return partnerView(p), nil })
}

// usageDays is how many days are told when nobody says which.
const usageDays = 30

func (s *Server) partnerUsage(params []param) func(*call) error {
	known := queryNames(params)
	return func(c *call) error {
		q, err := parseQuery(c.Request.URL.RawQuery, known...)
		if err != nil {
			return err
		}
		key := c.Param("key")
		if _, err := s.partners.Get(c.ctx(), key); err != nil {
			return err
		}
		now := s.clock()
		from, to := q.text("from"), q.text("to")
		if to == "" {
			to = now.AddDate(0, 0, 1).Format(time.DateOnly)
		}
		if from == "" {
			from = now.AddDate(0, 0, -usageDays).Format(time.DateOnly)
		}
		for name, day := range map[string]string{"from": from, "to": to} {
			if _, err := time.Parse(time.DateOnly, day); err != nil {
				q.refuse(name, codeInvalidParameter)
			}
		}
		if err := q.err(); err != nil {
			return err
		}
		uses, err := s.partners.Usage(c.ctx(), key, from, to)
		if err != nil {
			return err
		}
		out := PartnerUsage{Items: []PartnerUse{}}
		for _, u := range uses {
			out.Items = append(out.Items, PartnerUse{u.Day, u.Widget, u.Count})
			out.Total += u.Count
		}
		return answerJSON(c.Context, http.StatusOK, out)
	}
}

// keyedParams are what widgets add to a public read.
func keyedParams() []param {
	names := []string{}
	for _, n := range widgets.Names {
		if n != "card" {
			names = append(names, n)
		}
	}
	return []param{
		queryParam("partner", "Key of the partner whose page asks: its filter applies, and its origins alone may ask.", text(40)),
		queryParam("widget", "The widget that asks; it is counted by day, widget and partner.", oneOf(names...)),
	}
}

// keyed lets a public read of a collection be asked by a widget, for a partner or
// not: its parameters are taken out, the partner's filter is put in, and the answer
// is counted. Other requests pass untouched. slug says that one item is asked for.
func (s *Server) keyed(op *operation, collection string, slug bool) {
	next := op.Handle
	op.Params = append(slices.Clone(op.Params), keyedParams()...)
	op.Problems = append(slices.Clone(op.Problems), http.StatusForbidden)
	op.Handle = func(c *gin.Context) error {
		raw := c.Request.URL.RawQuery
		if !strings.Contains(raw, "partner=") && !strings.Contains(raw, "widget=") {
			return next(c)
		}
		own, rest, err := splitQuery(raw, "partner", "widget")
		if err != nil {
			return err
		}
		widget, key := own.text("widget"), own.text("partner")
		if widget != "" && (widget == "card" || !slices.Contains(widgets.Names, widget)) {
			own.refuse("widget", codeInvalidParameter)
		}
		if err := own.err(); err != nil {
			return err
		}
		if key != "" {
			if rest, err = s.forPartner(c, key, collection, slug, rest); err != nil {
				return err
			}
		}
		c.Request.URL.RawQuery = rest
		if err := next(c); err != nil {
			return err
		}
		if s.partners != nil && widget != "" && c.Request.Method == http.MethodGet {
			s.partners.Count(widget, key)
		}
		return nil
	}
}

// splitQuery takes some parameters out of a raw query, each at most once.
func splitQuery(raw string, names ...string) (taken *query, rest string, err error) {
	var own, other []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains(names, name) {
			own = append(own, pair)
		} else {
			other = append(other, pair)
		}
	}
	taken, err = parseQuery(strings.Join(own, "&"), names...)
	return taken, strings.Join(other, "&"), err
}

// forPartner admits a page of a partner and gives the query bounded by its filter.
func (s *Server) forPartner(c *gin.Context, key, collection string, slug bool, raw string) (string, error) {
	if s.partners == nil {
		return "", &content.Problem{Class: content.Forbidden, Code: "partner_unknown", Params: map[string]any{"key": echo(key)}}
	}
	origin := c.Request.Header.Get("Origin")
	if s.isOwn(c.Request, origin) {
		origin = ""
	}
	p, err := s.partners.Admit(echo(key), origin)
	if err != nil {
		return "", err
	}
	c.Writer = &forOrigin{ResponseWriter: c.Writer, origin: origin}
	if slug {
		return raw, s.shows(c, p, collection, raw)
	}
	asked, rest, err := splitQuery(raw, "territory", "national", "topic", "organization")
	if err != nil {
		return "", err
	}
	list := func(name string) []string {
		return strings.FieldsFunc(asked.text(name), func(r rune) bool { return r == ',' })
	}
	within, err := s.partners.Within(p, collection, partners.Asked{Territories: list("territory"), Topics: list("topic"), Organizations: list("organization"), National: asked.flag("national")})
	if err == nil {
		err = asked.err()
	}
	if err != nil {
		return "", err
	}
	var national []string
	if within.National {
		national = []string{"true"}
	}
	for _, f := range []struct {
		name string
		list []string
	}{{"territory", within.Territories}, {"national", national}, {"topic", within.Topics}, {"organization", within.Organizations}} {
		if len(f.list) > 0 {
			rest = strings.TrimPrefix(rest+"&"+f.name+"="+url.QueryEscape(strings.Join(f.list, ",")), "&")
		}
	}
	return rest, nil
}

// shows refuses an item that a partner's filter keeps out.
func (s *Server) shows(c *gin.Context, p *partners.Partner, collection, raw string) error {
	locale, _, err := s.itemQuery(raw)
	if err != nil {
		return err
	}
	a := s.catalog.Get(collection, c.Param("slug"), locale)
	if a.Outcome != catalog.Found {
		return nil // what is not there is told as ever
	}
	of, err := widgets.Of(a.Entry)
	if err == nil && !s.partners.Shows(p, collection, of) {
		err = &content.Problem{Class: content.Forbidden, Code: "partner_outside", Params: map[string]any{"key": p.Key}}
	}
	return err
}

// isOwn says whether an origin is this server's.
func (s *Server) isOwn(r *http.Request, origin string) bool {
	scheme := "http"
	if s.secure(r) {
		scheme = "https"
	}
	if strings.EqualFold(origin, scheme+"://"+r.Host) {
		return true
	}
	u, err := url.Parse(s.public)
	return s.public != "" && err == nil && origin == u.Scheme+"://"+u.Host
}

// forOrigin says of an answer that it is for one origin: caches must not give it
// to another one.
type forOrigin struct {
	gin.ResponseWriter
	origin string
	told   bool
}

func (w *forOrigin) tell(status int) {
	if w.told || w.ResponseWriter.Written() {
		return
	}
	w.told = true
	h := w.Header()
	h["Vary"] = append(slices.Clone(h["Vary"]), "Origin")
	if w.origin != "" && status < http.StatusBadRequest {
		h["Access-Control-Allow-Origin"] = []string{w.origin}
	}
}

func (w *forOrigin) WriteHeader(status int) {
	w.tell(status)
	w.ResponseWriter.WriteHeader(status)
}

func (w *forOrigin) WriteHeaderNow() {
	w.tell(w.Status())
	w.ResponseWriter.WriteHeaderNow()
}

func (w *forOrigin) Write(data []byte) (int, error) {
	w.tell(w.Status())
	return w.ResponseWriter.Write(data)
}

func (w *forOrigin) WriteString(s string) (int, error) {
	w.tell(w.Status())
	return w.ResponseWriter.WriteString(s)
}

// addressSchema is that of a parameter that is an address.
func addressSchema() *huma.Schema {
	s := text(2000)
	s.Format = "uri"
	return s
}
