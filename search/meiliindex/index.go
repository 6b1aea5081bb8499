package meiliindex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/prassi-cms/prassi/internal/secret"
	"github.com/prassi-cms/prassi/outgoing"
	"github.com/prassi-cms/prassi/search"
)

// Config says where the server is.
type Config struct {
	// URL of the server, http or https. The operator named it, so it may be an
	// address of the internal network.
	URL string
	// Key may search, write documents and settings, create, swap and delete the
	// index, and read tasks; none for a server without keys.
	Key secret.Value
	// Index is the name of the index, of letters, digits, hyphens and
	// underscores; "prassi" when empty. The name with "-build" behind it is used
	// too.
	Index string
	// TaskTimeout bounds how long one task is waited for; 10 minutes when zero.
	TaskTimeout time.Duration
}

// Index is the server's index. It is a search.Index.
type Index struct {
	client   meilisearch.ServiceManager
	settings *search.Settings
	uid      string
	patience time.Duration
	groups   *groups

	closed atomic.Bool

	writing  sync.Mutex // orders those who write, and guards what follows
	ready    bool       // the live index was there, made under our declarations
	building bool
	pending  []search.Batch // that came during a rebuild

	listing sync.Mutex
	listed  []search.Entry // between the pages of Entries
}

var _ search.Index = (*Index)(nil)

// Bounds of a request and of its answer.
const (
	requestTimeout = 30 * time.Second
	searchTimeout  = 10 * time.Second
	maxAnswer      = 64 << 20
)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Open makes the driver. It asks nothing of the server, so that the program
// starts while the server is down; an error is a wrong Config.
func Open(_ context.Context, c Config, settings *search.Settings) (search.Index, error) {
	c.Index = cmp.Or(c.Index, "prassi")
	u, err := url.Parse(strings.TrimRight(c.URL, "/"))
	switch {
	case err != nil:
		return nil, errors.New("meiliindex: the server's URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("meiliindex: the server's URL must begin with http:// or https:// and name a host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("meiliindex: the server's URL must be without credentials, query and fragment; the key is a setting of its own")
	case !nameForm.MatchString(c.Index):
		return nil, fmt.Errorf("meiliindex: %q cannot be the name of an index", c.Index)
	}
	anywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	options := []meilisearch.Option{
		meilisearch.WithCustomClient(outgoing.New(outgoing.Options{
			Allow: anywhere, Plain: true, Redirects: -1, Timeout: requestTimeout, MaxBytes: maxAnswer,
		})),
		meilisearch.DisableRetries(), // who asks decides whether to ask again
	}
	if !c.Key.IsZero() {
		options = append(options, meilisearch.WithAPIKey(c.Key.Reveal()))
	}
	return &Index{
		client: meilisearch.New(u.String(), options...), settings: settings, uid: c.Index,
		patience: cmp.Or(c.TaskTimeout, 10*time.Minute), groups: newGroups(settings),
	}, nil
}

// Close is part of search.Index. The server goes on.
func (x *Index) Close() error {
	x.closed.Store(true)
	return nil
}

// build is the name of the index that a rebuild fills.
func (x *Index) build() string { return x.uid + "-build" }

var errClosed = &search.Unavailable{Err: errors.New("closed")}

// begin refuses what comes after Close or with a context that is done.
func (x *Index) begin(ctx context.Context) error {
	if x.closed.Load() {
		return errClosed
	}
	return ctx.Err()
}

// fail makes an error of the contract of one of the client: the context's when
// that is done, otherwise search.Unavailable. The client's own text may repeat
// a whole answer, so it is not used.
func fail(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var known *search.Unavailable
	if errors.As(err, &known) {
		return known
	}
	var api *meilisearch.Error
	if !errors.As(err, &api) {
		return &search.Unavailable{Err: fmt.Errorf("meilisearch: %s: %w", doing, err)}
	}
	why := fmt.Sprintf("status %d", api.StatusCode)
	switch {
	case api.MeilisearchApiError.Code != "":
		why = api.MeilisearchApiError.Code + ": " + clip(api.MeilisearchApiError.Message)
	case api.ErrCode == meilisearch.ErrCodeResponseUnmarshalBody:
		why = "an answer that is not the JSON that was expected"
	case api.OriginError != nil:
		return &search.Unavailable{Err: fmt.Errorf("meilisearch: %s: %w", doing, api.OriginError)}
	}
	return &search.Unavailable{Err: fmt.Errorf("meilisearch: %s: %s", doing, why)}
}

// code is Meilisearch's code of an error, or "".
func code(err error) string {
	var api *meilisearch.Error
	if errors.As(err, &api) {
		return api.MeilisearchApiError.Code
	}
	var task *taskError
	if errors.As(err, &task) {
		return task.code
	}
	return ""
}

// Codes of Meilisearch that are no failure here.
const (
	noIndex     = "index_not_found"
	noDocument  = "document_not_found"
	indexExists = "index_already_exists"
)

func clip(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300]) + "…"
	}
	return s
}

// taskError is a task that did not succeed.
type taskError struct {
	uid                   int64
	status, code, message string
}

func (e *taskError) Error() string {
	return fmt.Sprintf("task %d %s: %s %s", e.uid, e.status, e.code, clip(e.message))
}

// wait polls a task to its end: a write is queued, and done only then.
func (x *Index) wait(ctx context.Context, info *meilisearch.TaskInfo, err error) error {
	if err != nil {
		return err
	}
	deadline := time.NewTimer(x.patience)
	defer deadline.Stop()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		task, err := x.client.GetTaskWithContext(ctx, info.TaskUID)
		if err != nil {
			return err
		}
		switch task.Status {
		case meilisearch.TaskStatusSucceeded:
			return nil
		case meilisearch.TaskStatusFailed, meilisearch.TaskStatusCanceled:
			return &taskError{info.TaskUID, string(task.Status), task.Error.Code, task.Error.Message}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return &taskError{uid: info.TaskUID, status: "not done", message: "after " + x.patience.String()}
		case <-time.After(pause):
		}
	}
}
