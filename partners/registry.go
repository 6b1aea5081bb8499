package partners

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // Rome must be known on machines without a zone database

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/content"
	"github.com/prassi-cms/prassi/schemas"
)

// kindPartner is the kind of the records.
const kindPartner = "partner"

// RefreshEvery is how often Refresh should be called: so long another process may
// still answer for a partner that was ended here.
const RefreshEvery = 10 * time.Second

// Options are what a Registry stands on; Ledger and Schemas are needed.
type Options struct {
	Ledger      *audit.Ledger
	Schemas     *schemas.Registry
	Territories *schemas.Territories // Schemas' own when nil
	Clock       func() time.Time     // time.Now when nil
}

// Registry knows the partners. It is safe for concurrent use; any number of
// processes may share a store.
type Registry struct {
	ledger      *audit.Ledger
	schemas     *schemas.Registry
	territories *schemas.Territories
	clock       func() time.Time

	changing sync.Mutex // held while known is replaced
	known    atomic.Pointer[map[string]*Partner]
	uses     uses
}

// New makes a Registry and reads the partners there are.
func New(ctx context.Context, opt Options) (*Registry, error) {
	r := &Registry{ledger: opt.Ledger, schemas: opt.Schemas, territories: opt.Territories, clock: opt.Clock}
	if r.clock == nil {
		r.clock = time.Now
	}
	if r.territories == nil {
		r.territories = opt.Schemas.Territories()
	}
	return r, r.Refresh(ctx)
}

// Refresh reads what other processes have changed.
func (r *Registry) Refresh(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	_, list, err := audit.List[Partner](ctx, r.ledger, kindPartner, "", 0)
	if err != nil {
		return err
	}
	known := make(map[string]*Partner, len(list))
	for i := range list {
		known[list[i].Key] = &list[i]
	}
	r.known.Store(&known)
	return nil
}

// Lookup gives an active partner from memory; it must not be changed.
func (r *Registry) Lookup(key string) (*Partner, bool) {
	p := (*r.known.Load())[key]
	return p, p != nil && p.Active
}

// HasDomain says whether the site of an active partner is at a host.
func (r *Registry) HasDomain(host string) bool {
	for _, p := range *r.known.Load() {
		if p.Active && p.Domain != "" && strings.EqualFold(p.Domain, host) {
			return true
		}
	}
	return false
}

// Create adds a partner. Its key is free: otherwise the problem is a conflict.
func (r *Registry) Create(ctx context.Context, by content.Actor, p Partner) (Partner, error) {
	p = p.clone()
	if err := r.check(&p); err != nil {
		return Partner{}, err
	}
	p.CreatedAt = r.now()
	p.ChangedAt = p.CreatedAt
	return r.write(ctx, by, p.Key, func(v *Partner, exists bool) (string, error) {
		if exists {
			return "", problem(content.Conflict, codeTaken, map[string]any{"key": p.Key})
		}
		*v = p
		return audit.PartnerMade, nil
	})
}

// Change lets do alter a partner, maybe several times when others are faster. The
// key and the times stay. content.ErrNotFound says that there is none.
func (r *Registry) Change(ctx context.Context, by content.Actor, key string, do func(*Partner)) (Partner, error) {
	return r.write(ctx, by, key, func(v *Partner, exists bool) (string, error) {
		if !exists {
			return "", content.ErrNotFound
		}
		p := v.clone()
		do(&p)
		p.Key, p.CreatedAt, p.ChangedAt = v.Key, v.CreatedAt, r.now()
		if err := r.check(&p); err != nil {
			return "", err
		}
		*v = p
		return audit.PartnerChanged, nil
	})
}

// End forgets a partner: its pages show nothing from now on. That it was there
// stays in the log, and how often it was read as long as that is kept.
func (r *Registry) End(ctx context.Context, by content.Actor, key string) error {
	if !wellFormed(key) {
		return content.ErrNotFound
	}
	if err := audit.Drop(ctx, r.ledger, kindPartner, key, by, audit.PartnerEnded, nil); err != nil {
		return err
	}
	r.publish(key, nil)
	return nil
}

// Get reads one, active or not, or content.ErrNotFound.
func (r *Registry) Get(ctx context.Context, key string) (Partner, error) {
	if !wellFormed(key) {
		return Partner{}, content.ErrNotFound
	}
	return audit.Read[Partner](ctx, r.ledger, kindPartner, key)
}

// List gives partners by key, after that key; a limit below one means all.
func (r *Registry) List(ctx context.Context, after string, limit int) ([]Partner, error) {
	_, list, err := audit.List[Partner](ctx, r.ledger, kindPartner, after, limit)
	return list, err
}

func wellFormed(key string) bool { return len(key) <= maxKey && keyPattern.MatchString(key) }

func (r *Registry) now() time.Time { return r.clock().UTC().Truncate(time.Millisecond) }

func (r *Registry) write(ctx context.Context, by content.Actor, key string, do func(*Partner, bool) (string, error)) (Partner, error) {
	if !wellFormed(key) {
		return Partner{}, content.ErrNotFound
	}
	p, err := audit.Change(ctx, r.ledger, kindPartner, key, by, func(v *Partner, exists bool) (string, map[string]string, error) {
		action, err := do(v, exists)
		return action, nil, err
	})
	if err != nil {
		return Partner{}, err
	}
	known := p.clone()
	r.publish(key, &known)
	return p, nil
}

// publish makes one change known to this process at once.
func (r *Registry) publish(key string, p *Partner) {
	r.changing.Lock()
	defer r.changing.Unlock()
	old := *r.known.Load()
	known := make(map[string]*Partner, len(old)+1)
	for k, v := range old {
		known[k] = v
	}
	if known[key] = p; p == nil {
		delete(known, key)
	}
	r.known.Store(&known)
}

// Admit finds the partner of a request and says whether a page of that origin may
// speak for it. It returns a content.Problem: partner_unknown or
// origin_not_allowed.
func (r *Registry) Admit(key, origin string) (*Partner, error) {
	p, ok := r.Lookup(key)
	if !ok {
		return nil, problem(content.Forbidden, codeUnknown, map[string]any{"key": key})
	}
	if !p.Allows(origin) {
		return nil, problem(content.Forbidden, codeOriginOther, map[string]any{"origin": origin, "key": key})
	}
	return p, nil
}

// Asked is the part of a query that a partner's Filter bounds: codes of
// territories, terms, and slugs or ids of organisations.
type Asked struct {
	Territories, Topics, Organizations []string
	// National asks beside Territories for what names no territory.
	National bool
}

// Within bounds what is asked of a collection by a partner's filter: where nothing
// is asked, the whole filter is; where something is, that part of it which the
// filter lets through. Nothing left is the problem partner_outside.
func (r *Registry) Within(p *Partner, collection string, q Asked) (Asked, error) {
	outside := problem(content.Forbidden, codeOutside, map[string]any{"key": p.Key})
	f := &p.Filter
	if len(f.Collections) > 0 && !slices.Contains(f.Collections, collection) {
		return q, outside
	}
	var err error
	bound := func(filter, asked []string, meet func(filter, asked string) string) []string {
		if len(filter) == 0 {
			return asked
		}
		if len(asked) == 0 {
			return filter
		}
		var out []string
		for _, a := range asked {
			for _, b := range filter {
				if m := meet(b, a); m != "" && !slices.Contains(out, m) {
					out = append(out, m)
				}
			}
		}
		if len(out) == 0 {
			err = outside
		}
		return out
	}
	same := func(filter, asked string) string {
		if filter == asked {
			return asked
		}
		return ""
	}
	if len(f.Territories) > 0 {
		q.National = f.National && (q.National || len(q.Territories) == 0)
	}
	q.Territories = bound(f.Territories, q.Territories, r.narrower)
	q.Topics = bound(f.Topics, q.Topics, same)
	q.Organizations = bound(f.Organizations, q.Organizations, same)
	return q, err
}

// Shows says whether one item passes a partner's filter.
func (r *Registry) Shows(p *Partner, collection string, item Asked) bool {
	f := &p.Filter
	any := func(filter, has []string, is func(filter, has string) bool) bool {
		return len(filter) == 0 || slices.ContainsFunc(has, func(h string) bool {
			return slices.ContainsFunc(filter, func(f string) bool { return is(f, h) })
		})
	}
	same := func(a, b string) bool { return a == b }
	return (len(f.Collections) == 0 || slices.Contains(f.Collections, collection)) &&
		(f.National && len(item.Territories) == 0 || any(f.Territories, item.Territories, func(f, h string) bool { return f == h || r.territories.Contains(f, h) })) &&
		any(f.Topics, item.Topics, same) && any(f.Organizations, item.Organizations, same)
}

// narrower gives the one of two territories that lies in the other, or "".
func (r *Registry) narrower(filter, asked string) string {
	t, ok := r.territories.Lookup(asked)
	switch {
	case !ok:
		return "" // let nobody out by a code that means nothing
	case t.ISTAT == filter, r.territories.Contains(filter, t.ISTAT):
		return t.ISTAT
	case r.territories.Contains(t.ISTAT, filter):
		return filter
	}
	return ""
}

func (r *Registry) today() string { return dayOf(r.clock()) }

func dayOf(t time.Time) string { return t.In(rome).Format(time.DateOnly) }

// rome is the zone of the days that are counted.
var rome = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err) // time/tzdata is in the program
	}
	return zone
}()
