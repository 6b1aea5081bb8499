package api

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/prassi-cms/prassi/content"
)

// Rate is how often somebody may ask.
type Rate struct {
	Minute int // requests a minute in the long run
	Burst  int // requests at once, after a pause
}

// Rates bound how often one address, or one token, may ask. Zero fields take the
// defaults. Many people share an address, of a school or of a mobile network, so
// reading what is published (which costs next to nothing) is bounded far
// above what a person does.
type Rates struct {
	Read    Rate // public reads of an address; 3000 a minute, 1000 at once
	Open    Rate // all else that needs no credentials, of an address; 600, 200
	Token   Rate // of a token or a session, from wherever; 1200, 300
	SignIn  Rate // beginning a session, of an address; 40, 20
	Refused Rate // wrong credentials of an address; 120, 60
	Off     bool // no bounds at all
}

// fields are the rates by the names that ParseRates knows.
func (r *Rates) fields() map[string]*Rate {
	return map[string]*Rate{"read": &r.Read, "open": &r.Open, "token": &r.Token, "sign_in": &r.SignIn, "refused": &r.Refused}
}

// or takes from def the numbers that r lacks.
func (r Rate) or(def Rate) Rate {
	return Rate{Minute: or(r.Minute, def.Minute), Burst: or(r.Burst, def.Burst)}
}

func (r Rates) withDefaults() Rates {
	r.Read = r.Read.or(Rate{3000, 1000})
	r.Open = r.Open.or(Rate{600, 200})
	r.Token = r.Token.or(Rate{1200, 300})
	r.SignIn = r.SignIn.or(Rate{40, 20})
	r.Refused = r.Refused.or(Rate{120, 60})
	return r
}

// maxRate bounds both numbers of a rate.
const maxRate = 100_000_000

// ParseRates reads rates as settings write them: "read=3000/1000 sign_in=40/20",
// requests a minute and how many at once (as many as in a minute when it is left
// out), parted by spaces or commas; names that are left out keep their default.
// "off" means no bounds.
func ParseRates(s string) (Rates, error) {
	var out Rates
	if strings.TrimSpace(s) == "off" {
		return Rates{Off: true}, nil
	}
	known := out.fields()
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		name, value, _ := strings.Cut(word, "=")
		rate := known[name]
		if rate == nil {
			return Rates{}, fmt.Errorf("rates: %q is none of read, open, token, sign_in and refused", name)
		}
		if *rate != (Rate{}) {
			return Rates{}, fmt.Errorf("rates: %s is there twice", name)
		}
		minute, burst, both := strings.Cut(value, "/")
		if !both {
			burst = minute
		}
		m, err1 := strconv.ParseUint(minute, 10, 32)
		b, err2 := strconv.ParseUint(burst, 10, 32)
		if err1 != nil || err2 != nil || m == 0 || b == 0 || m > maxRate || b > maxRate {
			return Rates{}, fmt.Errorf("rates: %q: write requests a minute and how many at once, such as %s=600/200", word, name)
		}
		*rate = Rate{int(m), int(b)}
	}
	return out, nil
}

// rateClass says which rate an operation falls under.
type rateClass int

const (
	rateDerived rateClass = iota // as the access says: see ratesOf
	rateRead
	rateOpen
	rateProbe // as rateOpen, counted apart: readers must not use up a probe's
	rateSignIn
	rateToken
	rateRefused
	rateNone // free
)

// rule is a rate in the terms of the limiter.
type rule struct {
	kind   rateClass
	step   int64 // ns that one request takes from the bucket
	window int64 // ns until an empty bucket is full again
	limit  []string
}

func newRule(kind rateClass, r Rate) *rule {
	step := max(1, int64(time.Minute)/int64(r.Minute))
	return &rule{kind: kind, step: step, window: step * int64(r.Burst), limit: number(int64(r.Burst))}
}

func (r Rates) rules() map[rateClass]*rule {
	if r.Off {
		return nil
	}
	r = r.withDefaults()
	return map[rateClass]*rule{
		rateRead: newRule(rateRead, r.Read), rateOpen: newRule(rateOpen, r.Open), rateProbe: newRule(rateProbe, r.Open),
		rateSignIn: newRule(rateSignIn, r.SignIn), rateToken: newRule(rateToken, r.Token), rateRefused: newRule(rateRefused, r.Refused),
	}
}

// rateOf gives the class of an operation: what it says itself, or what follows
// from who may call it. Whatever is open under /auth/ is part of signing in.
func rateOf(op *operation) rateClass {
	switch {
	case op.Rate != rateDerived:
		return op.Rate
	case op.Access == public:
		return rateRead
	case op.Access == signed:
		return rateToken
	case strings.HasPrefix(op.Route, "/auth/"):
		return rateSignIn
	}
	return rateOpen
}

// limiter counts by the generic cell rate algorithm: of each bucket it keeps only
// the moment at which it is full again. It holds a fixed number of buckets, in
// small sets; which set is decided by a hash with a seed of this process. In a
// full set the bucket that will be full soonest gives way: who has asked most is
// kept longest, so that nobody resets an exhausted bucket of his own by coming
// from many addresses, unless each of them is more exhausted still. A bucket
// that is full again is the same as none. Refused requests are not counted:
// whoever waits as long as Retry-After says is let through.
type limiter struct {
	seed maphash.Seed
	sets []bucketSet
}

const (
	setCount = 1 << 13 // 65,536 buckets in a little more than a megabyte
	setSize  = 8
)

type bucketSet struct {
	mu      sync.Mutex
	now     int64 // the latest moment seen: requests may come here in another order than they began
	buckets [setSize]bucket
}

type bucket struct {
	key  uint64
	full int64 // ns since the start
}

func newLimiter() *limiter {
	return &limiter{seed: maphash.MakeSeed(), sets: make([]bucketSet, setCount)}
}

// state is a bucket after it was asked.
type state struct {
	ok        bool
	remaining int64 // requests that would be let through now
	reset     int64 // ns until it is full
	retry     int64 // ns until the next request is let through; 0 when ok
}

// take asks for n requests: 1, or 0 only to look.
func (l *limiter) take(key uint64, r *rule, now, n int64) state {
	s := &l.sets[key%setCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	now = max(now, s.now)
	if n > 0 { // a look changes nothing
		s.now = now
	}
	at := 0
	for i := range s.buckets {
		if s.buckets[i].key == key {
			at = i
			break
		}
		if s.buckets[i].full < s.buckets[at].full {
			at = i
		}
	}
	b := &s.buckets[at]
	full := now
	if b.key == key {
		full = max(now, b.full)
	}
	if over := full + r.step - now - r.window; over > 0 {
		return state{reset: full - now, retry: over}
	}
	if n > 0 {
		full += r.step
		b.key, b.full = key, full
	}
	return state{ok: true, remaining: (r.window - (full - now)) / r.step, reset: full - now}
}

// byAddress is the key of an address's bucket: for IPv6 that of its network of 64
// bits, which is what one customer has at least.
func (l *limiter) byAddress(kind rateClass, a netip.Addr) uint64 {
	var b [17]byte
	b[0] = byte(kind)
	whole := a.As16()
	if a.Is4() || a.Is4In6() {
		copy(b[1:], whole[:])
	} else {
		copy(b[1:], whole[:8])
	}
	return maphash.Bytes(l.seed, b[:])
}

// bySecret is the key of a credential's bucket; of the secret only a hash stays.
func (l *limiter) bySecret(secret string) uint64 { return maphash.String(l.seed, secret) }

// credential gives what a request shows to say who calls, or "". It reads the
// same places as authenticate.
func (s *Server) credential(r *http.Request) string {
	if shown := r.Header["Authorization"]; len(shown) > 0 {
		token, ok := bearer(shown)
		if !ok {
			return "malformed"
		}
		return token
	}
	return s.sessionSecret(r)
}

// admit decides whether a request may go on, and tells in the headers how many
// more may. Credentials have a bucket of their own, whether they are right or
// wrong; wrong ones count against the address as well (see refused), and an
// address that has shown too many is not asked for more of them.
func (s *Server) admit(c *gin.Context, kind rateClass, now time.Time) error {
	r := s.rules[kind]
	if r == nil {
		return nil
	}
	at := int64(now.Sub(s.began))
	a := s.address(c.Request)
	var key uint64
	if secret := ""; kind == rateToken {
		if secret = s.credential(c.Request); secret != "" {
			wrong := s.rules[rateRefused]
			if st := s.limiter.take(s.limiter.byAddress(rateRefused, a), wrong, at, 0); !st.ok {
				return tooMany(c.Writer.Header(), wrong, st)
			}
			key = s.limiter.bySecret(secret)
		} else {
			r = s.rules[rateOpen]
		}
	}
	if key == 0 {
		key = s.limiter.byAddress(r.kind, a)
	}
	st := s.limiter.take(key, r, at, 1)
	if !st.ok {
		return tooMany(c.Writer.Header(), r, st)
	}
	rateHeaders(c.Writer.Header(), r, st)
	return nil
}

// refused counts wrong credentials against the caller's address.
func (s *Server) refused(c *gin.Context, now time.Time) {
	if r := s.rules[rateRefused]; r != nil && s.credential(c.Request) != "" {
		s.limiter.take(s.limiter.byAddress(rateRefused, s.address(c.Request)), r, int64(now.Sub(s.began)), 1)
	}
}

// rateHeaders tells how many requests are left, as the Italian guidelines on
// interoperability (ModI) name it: Reset is in seconds.
func rateHeaders(h http.Header, r *rule, st state) {
	h["X-Ratelimit-Limit"], h["X-Ratelimit-Remaining"], h["X-Ratelimit-Reset"] = r.limit, number(st.remaining), number(seconds(st.reset))
}

func tooMany(h http.Header, r *rule, st state) error {
	rateHeaders(h, r, st)
	wait := seconds(st.retry)
	h["Retry-After"] = number(wait)
	return &content.Problem{Class: content.Invalid, Code: codeTooMany, Params: map[string]any{"seconds": wait}}
}

// seconds rounds up.
func seconds(ns int64) int64 { return (ns + int64(time.Second) - 1) / int64(time.Second) }

// numbers are the values of headers that hold a small number.
var numbers = func() (out [2048][]string) {
	for i := range out {
		out[i] = []string{strconv.Itoa(i)}
	}
	return out
}()

func number(n int64) []string {
	if n >= 0 && n < int64(len(numbers)) {
		return numbers[n]
	}
	return []string{strconv.FormatInt(n, 10)}
}
