package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
	"github.com/prassi-cms/prassi/auth/oidc"
	"github.com/prassi-cms/prassi/catalog"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/duplicates"
	"github.com/prassi-cms/prassi/feeds"
	"github.com/prassi-cms/prassi/freshness"
	"github.com/prassi-cms/prassi/interchange/hsds"
	"github.com/prassi-cms/prassi/media"
	"github.com/prassi-cms/prassi/opendata"
	"github.com/prassi-cms/prassi/partners"
	"github.com/prassi-cms/prassi/schemas"
	"github.com/prassi-cms/prassi/search/feed"
	"github.com/prassi-cms/prassi/site"
	"github.com/prassi-cms/prassi/site/card"
	"github.com/prassi-cms/prassi/site/publish"
	"github.com/prassi-cms/prassi/webhooks"
	"github.com/prassi-cms/prassi/widgets"
)

// Pinger says whether an engine answers.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Options are what the API stands on. All but those said to be optional are
// needed.
type Options struct {
	Service *content.Service
	Catalog *catalog.Catalog
	Auth    *auth.Auth
	Ledger  *audit.Ledger
	Store   Pinger
	Schemas *schemas.Registry
	// OIDC are the providers that people sign in with; nil when there is none.
	OIDC *oidc.Set
	// Media keeps files; nil when there are none, and nobody can bring any.
	Media *media.Library
	// Search answers questions; nil when there is none, and they are answered so.
	Search *feed.Feed
	// Freshness asks whether facts are still true; nil when nobody is asked, and there
	// is neither its page nor its list.
	Freshness *freshness.Keeper
	// Duplicates finds what may have been entered twice; nil when nobody looks for it,
	// and there is neither its list nor merging, nor the register of organisations.
	Duplicates *duplicates.Watch
	// Site keeps the public site on the air, and Pages makes its pages on request:
	// answers of the search, drafts that somebody may look at. Both nil when this
	// process serves no site, and there is nothing of it.
	Site  *publish.Publisher
	Pages *site.Site
	// Tiles is the template of the addresses of the site's map tiles
	// ("https://tiles.example/{z}/{x}/{y}.png"); empty when it has none.
	Tiles string
	// Logger takes one line a request; nil means slog.Default(). Public reads
	// that succeed are logged at level debug only: the metrics count them.
	Logger *slog.Logger
	// Version is the program's, for the OpenAPI document and the metrics.
	Version string
	// PublicURL is how the outside reaches this server ("https://prassi.example");
	// empty when it is not known, and links are then relative.
	PublicURL string
	// Contact is whom users of the API may ask; optional.
	Contact Contact
	// Partners are those who show our content elsewhere; nil when there are none.
	Partners *partners.Registry
	// Widgets are what they show; nil when there are none, and no frames.
	Widgets *widgets.Widgets
	// Feeds says what feeds say beside the contents: the name and the address of the
	// site, its pages, the hub; nil means Prassi at the public address.
	Feeds *feeds.Source
	// Cards draws the pictures that accompany links; nil when there are none.
	// CardColor is their colour; empty means the theme's own.
	Cards     *card.Painter
	CardColor string
	// Webhooks tell other systems of what changes; nil when nobody is told.
	Webhooks *webhooks.Hooks
	// Publisher is who publishes the open data; optional.
	Publisher Publisher
	// Licence is the IRI of the open data's licence; CC BY 4.0 when it is empty.
	Licence string
	// Demo opens the development login to DemoPeople, for callers on this
	// machine only.
	Demo       bool
	DemoPeople []auth.Person
	// Limits bound what a request may cost; zero fields take the defaults.
	Limits Limits
	// Rates bound how often somebody may ask; zero fields take the defaults.
	Rates Rates
	// Proxies are the addresses whose X-Forwarded-For, X-Forwarded-Proto and
	// Forwarded headers count. They must set or extend them: what a caller sends
	// would count otherwise. Empty: nobody's headers do.
	Proxies []netip.Prefix
	// Metrics are the addresses that may read /metrics; only this machine when
	// empty. Others are told that there is nothing.
	Metrics []netip.Prefix

	clock func() time.Time // in tests
}

// Contact is whom users of the API may ask.
type Contact struct{ Name, Email, URL string }

// Publisher is who publishes the open data: its name, and its code in the index of
// public administrations or its tax code.
type Publisher struct{ Name, Identifier string }

// Limits bound what a request may cost.
type Limits struct {
	Body       int64         // bytes of a request body; 1 MiB
	Header     int           // bytes of a request's head; 32 KiB
	ReadHeader time.Duration // to receive the head; 5 s
	Read       time.Duration // to receive the whole request; 20 s
	Handle     time.Duration // to answer an editorial request; 20 s
	Write      time.Duration // from the head to the end of the answer; 60 s
	Idle       time.Duration // between two requests of a connection; 90 s
	Grace      time.Duration // for requests under way when the server stops; 15 s
	Previews   int           // rendered at once; one a processor
	Exports    int           // of logs, and of public lists as a whole, each written at once; 2
	Searches   int           // answered at once; 4 a processor
	Turn       time.Duration // that a preview, an export, an upload or a search waits for its turn; 2 s
	Lag        int64         // events that a ready catalogue may be behind; 1000
	Hot        int64         // bytes of answers kept in memory beside the catalogue; 16 MiB
	Upload     time.Duration // to receive a file, while its bytes keep flowing; 15 min
	Uploads    int           // files received at once, a quarter of them from one caller; 32
}

func (l Limits) withDefaults() Limits {
	l.Body = or(l.Body, 1<<20)
	l.Header = or(l.Header, 32<<10)
	l.ReadHeader = or(l.ReadHeader, 5*time.Second)
	l.Read = or(l.Read, 20*time.Second)
	l.Handle = or(l.Handle, 20*time.Second)
	l.Write = or(l.Write, 60*time.Second)
	l.Idle = or(l.Idle, 90*time.Second)
	l.Grace = or(l.Grace, 15*time.Second)
	l.Previews = or(l.Previews, runtime.GOMAXPROCS(0))
	l.Exports = or(l.Exports, 2)
	l.Searches = or(l.Searches, 4*runtime.GOMAXPROCS(0))
	l.Turn = or(l.Turn, 2*time.Second)
	l.Lag = or(l.Lag, 1000)
	l.Hot = or(l.Hot, 16<<20)
	l.Upload = or(l.Upload, 15*time.Minute)
	l.Uploads = or(l.Uploads, 32)
	return l
}

// or gives v, or otherwise when v is zero.
func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Server answers requests. It is an http.Handler, safe for concurrent use.
type Server struct {
	service *content.Service
	catalog *catalog.Catalog
	auth    *auth.Auth
	ledger  *audit.Ledger
	oidc    *oidc.Set      // nil when there are no providers
	media   *media.Library // nil when there are no files
	// freshness is nil when nobody is asked whether facts are still true.
	freshness *freshness.Keeper
	// duplicates is nil when nobody looks for them.
	duplicates *duplicates.Watch
	// site and theme are nil when there is no public site.
	site      *publish.Publisher
	theme     *site.Site
	siteFiles *siteServer
	looks     *publish.Previews
	tiles     string             // what the site's policy adds for its map
	partners  *partners.Registry // nil when there are none
	widgets   *widgets.Widgets   // nil when there are none
	feeds     *feeds.Source
	cards     *card.Painter   // nil when there are none
	made      *hot            // feeds and cards
	making    *turns          // of them
	webhooks  *webhooks.Hooks // nil when nobody is told
	publisher *opendata.Publisher
	hsds      *opendata.HSDS
	hsdsIndex hsdsIndex
	store     Pinger
	schemas   *schemas.Registry
	log       *slog.Logger
	limits    Limits
	opt       Options // its settings; the parts are the fields above
	public    string  // PublicURL without a slash at its end
	https     bool    // the outside always comes over TLS, as the public address says
	clock     func() time.Time
	began     time.Time
	limiter   *limiter
	rules     map[rateClass]*rule

	engine     *gin.Engine
	operations []*operation
	metrics    *metrics
	hot        *hot
	pages      map[string]*stored
	origins    *http.CrossOriginProtection
	previews   *turns
	exports    *turns
	streams    *turns // of public lists as a whole
	uploads    *turns
	searches   chan struct{} // those under way
	facets     []string      // that are parameters of a search
	allFacets  []string      // that can be counted
	sorts      []string      // orders of a search
	stopping   atomic.Bool
}

// New makes a Server. It returns an error when something that it stands on is
// missing, or the table of operations contradicts itself.
func New(opt Options) (*Server, error) {
	if opt.Service == nil || opt.Catalog == nil || opt.Auth == nil || opt.Ledger == nil || opt.Store == nil || opt.Schemas == nil {
		return nil, errors.New("api: Service, Catalog, Auth, Ledger, Store and Schemas are needed")
	}
	s := &Server{
		service: opt.Service, catalog: opt.Catalog, auth: opt.Auth, ledger: opt.Ledger, oidc: opt.OIDC, media: opt.Media, freshness: opt.Freshness, webhooks: opt.Webhooks, duplicates: opt.Duplicates, store: opt.Store, schemas: opt.Schemas,
		log: or(opt.Logger, slog.Default()), limits: opt.Limits.withDefaults(), opt: opt,
		public: strings.TrimRight(opt.PublicURL, "/"), origins: http.NewCrossOriginProtection(), pages: map[string]*stored{},
	}
	s.clock = time.Now
	if opt.clock != nil {
		s.clock = opt.clock
	}
	s.began, s.limiter, s.rules = s.clock(), newLimiter(), opt.Rates.rules()
	if len(opt.Metrics) == 0 {
		s.opt.Metrics = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	s.hot = newHot(s.limits.Hot)
	s.previews = newTurns(s.limits.Previews, 0, s.limits.Turn)
	s.exports = newTurns(s.limits.Exports, 0, s.limits.Turn)
	s.streams = newTurns(s.limits.Exports, 0, s.limits.Turn)
	s.uploads = newTurns(s.limits.Uploads, max(1, s.limits.Uploads/4), s.limits.Turn)
	if s.public != "" {
		u, err := url.Parse(s.public)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("api: the public address %q is not an http or https URL", opt.PublicURL)
		}
		s.https = u.Scheme == "https"
		if err := s.origins.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("api: the public address: %w", err)
		}
	}
	if (opt.Site == nil) != (opt.Pages == nil) {
		return nil, errors.New("api: Site needs Pages, and Pages Site")
	}
	s.partners, s.widgets = opt.Partners, opt.Widgets
	s.site, s.theme, s.looks = opt.Site, opt.Pages, publish.NewPreviews(opt.Ledger, s.clock)
	if opt.Tiles != "" {
		u, err := url.Parse(strings.ReplaceAll(opt.Tiles, "{s}", "a"))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(u.Host, " ;,'\"") {
			return nil, fmt.Errorf("api: the address of the map tiles %q is not an http or https URL", opt.Tiles)
		}
		if rest, many := strings.CutPrefix(u.Host, "a."); many && strings.Contains(opt.Tiles, "{s}.") {
			u.Host = "*." + rest
		}
		s.tiles = " " + u.Scheme + "://" + u.Host
	}
	s.searches = make(chan struct{}, s.limits.Searches)
	if err := s.deriveFacets(); err != nil {
		return nil, err
	}
	s.publisher = s.newPublisher()
	s.newFeeds()
	s.hsds = &opendata.HSDS{Lens: hsds.New(opt.Schemas, opt.Service.Territories()), Schemas: opt.Schemas, Catalog: opt.Catalog}
	s.metrics = newMetrics(opt, s.clock)
	return s, s.build()
}

// build makes the routes and the documents that derive from the table.
func (s *Server) build() error {
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.RedirectTrailingSlash = false
	s.engine.HandleMethodNotAllowed = true
	s.engine.ContextWithFallback = true
	if err := s.engine.SetTrustedProxies(nil); err != nil {
		return err
	}
	s.operations = s.table()
	if err := s.addDocuments(); err != nil {
		return err
	}
	for _, op := range s.operations {
		s.mount(op)
	}
	s.siteFiles = newSiteServer(s.limits.Hot, s.operations)
	s.engine.NoRoute(s.noPage(s.serve(&operation{Route: "unmatched", Access: open, Handle: noRoute})))
	s.engine.NoMethod(s.serve(&operation{Route: "unmatched", Access: open, Handle: noMethod}))
	return nil
}

func noRoute(*gin.Context) error {
	return &content.Problem{Class: content.NotFound, Code: "not_found"}
}

func noMethod(c *gin.Context) error {
	return &content.Problem{Class: content.Invalid, Code: codeMethod, Params: map[string]any{"method": echo(c.Request.Method)}}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// HTTPServer gives a server with the time-outs and bounds of Limits.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.limits.ReadHeader,
		ReadTimeout:       s.limits.Read,
		WriteTimeout:      s.limits.Write,
		IdleTimeout:       s.limits.Idle,
		MaxHeaderBytes:    s.limits.Header,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		// OPTIONS * is answered here, with our headers, as not allowed.
		DisableGeneralOptionsHandler: true,
	}
}

// Serve answers on the listener until the context ends. Then /readyz says no,
// no connection is taken any more, and requests under way have Limits.Grace to
// end. It returns nil after an orderly stop.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := s.HTTPServer()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	keep, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer func() { stop(); background.Wait() }()
	background.Go(func() { s.keepDirectory(keep) })
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.Grace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), server.Close())
	}
	return nil
}
