package api

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"
)

// ample rates never refuse a test: a bucket like real ones, that is full again
// in a millisecond.
var ample = Rates{
	Read: Rate{maxRate, 2000}, Open: Rate{maxRate, 2000}, Token: Rate{maxRate, 2000}, SignIn: Rate{maxRate, 2000}, Refused: Rate{maxRate, 2000},
}

// hands is a clock that the test turns.
type hands struct {
	mu sync.Mutex
	at time.Time
}

func (h *hands) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hands) turn(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// limited is a world with rates and a clock of its own.
func limited(t *testing.T, rates Rates, change ...func(*Options)) (*world, *hands) {
	clock := &hands{at: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)}
	return newWorld(t, append([]func(*Options){func(o *Options) { o.Rates, o.clock = rates, clock.now }}, change...)...), clock
}

func TestParseRates(t *testing.T) {
	got, err := ParseRates("read=60/10, open=5 sign_in=1/2,token=3/4 refused=7/8")
	if want := (Rates{Read: Rate{60, 10}, Open: Rate{5, 5}, SignIn: Rate{1, 2}, Token: Rate{3, 4}, Refused: Rate{7, 8}}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseRates(" off "); err != nil || !got.Off {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseRates(""); err != nil || got != (Rates{}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, s := range []string{"read", "read=", "read=0", "read=1/0", "read=-1", "read=1/x", "poems=1", "read=1 read=2", "read=1/2/3", "off read=1", "read=999999999999"} {
		if got, err := ParseRates(s); err == nil {
			t.Errorf("%q: %+v", s, got)
		}
	}
}

// TestTooManyRequests: after the burst 429 with how long to wait; after that time
// the next request is let through, and after the window all is as before.
func TestTooManyRequests(t *testing.T) {
	small := Rates{Read: Rate{60, 3}, Open: Rate{60, 3}, Token: Rate{60, 3}, SignIn: Rate{60, 3}, Refused: Rate{60, 3}}
	for name, c := range map[string]struct {
		who, method, path, body string
		status                  int
		headers                 []string
	}{
		"public reads":  {method: "GET", path: "/api/v1/articles", status: 200},
		"pages":         {method: "GET", path: "/docs", status: 200},
		"nowhere":       {method: "GET", path: "/nowhere", status: 404},
		"other methods": {method: "PUT", path: "/nowhere", status: 404},
		"preflights":    {method: "OPTIONS", path: "/api/v1/articles", status: 204, headers: []string{"Origin", "https://a.example"}},
		"probes":        {method: "GET", path: "/readyz", status: 200},
		"signing in":    {method: "POST", path: "/auth/login", body: `{"person":"nobody"}`, status: 422},
		"a token":       {who: "edo", method: "GET", path: "/api/v1/manage/documents", status: 200},
		"no token":      {method: "GET", path: "/api/v1/manage/documents", status: 401},
		"a wrong token": {method: "GET", path: "/api/v1/manage/documents", status: 401, headers: []string{"Authorization", "Bearer prs_wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, clock := limited(t, small)
			send := func() answered { return w.send(c.who, c.method, c.path, c.body, c.headers...) }
			for range 2 { // the second time after the window
				for i := range 3 {
					a := send().want(t, c.status)
					if got := a.Header.Get("X-RateLimit-Limit") + " " + a.Header.Get("X-RateLimit-Remaining") + " " + a.Header.Get("X-RateLimit-Reset"); got != fmt.Sprintf("3 %d %d", 2-i, i+1) {
						t.Errorf("request %d: %s", i, got)
					}
				}
				for range 5 { // asking on does not make it longer
					a := send()
					if p := a.problem(t, 429, codeTooMany); !strings.Contains(p.Detail, "1 s") {
						t.Errorf("%q does not say how long to wait", p.Detail)
					}
					if a.Header.Get("Retry-After") != "1" || a.Header.Get("X-RateLimit-Remaining") != "0" || a.Header.Get("Cache-Control") != "no-store" {
						t.Errorf("%v", a.Header)
					}
				}
				if name == "public reads" {
					w.send("edo", "GET", "/api/v1/manage/documents", "").want(t, 200) // who writes is not stopped by who reads
				}
				w.send("", "GET", "/livez", "").want(t, 200)
				clock.turn(time.Second)
				send().want(t, c.status)
				send().want(t, 429)
				clock.turn(3 * time.Second)
			}
		})
	}
}

// TestWrongCredentialsCountByAddress: who tries one token after the other is
// stopped, by address; another address and the right token's owner elsewhere are
// not.
func TestWrongCredentialsCountByAddress(t *testing.T) {
	w, clock := limited(t, Rates{Open: ample.Open, Token: ample.Token, Refused: Rate{60, 5}}, func(o *Options) {
		o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	})
	try := func(from, token string) int {
		return w.send("", "GET", "/api/v1/manage/me", "", "X-Forwarded-For", from, "Authorization", "Bearer "+token).StatusCode
	}
	for i := range 5 {
		if got := try("198.51.100.7", "prs_"+strconv.Itoa(i)); got != 401 {
			t.Fatalf("try %d: %d", i, got)
		}
	}
	if got := try("198.51.100.7", "prs_next"); got != 429 {
		t.Errorf("the sixth: %d", got)
	}
	if got := try("198.51.100.8", w.tokens["edo"]); got != 200 {
		t.Errorf("another address: %d", got)
	}
	clock.turn(5 * time.Second)
	if got := try("198.51.100.7", w.tokens["edo"]); got != 200 {
		t.Errorf("after the window: %d", got)
	}
}

// TestSpellingsOfOneToken share its bucket.
func TestSpellingsOfOneToken(t *testing.T) {
	w, _ := limited(t, Rates{Open: ample.Open, Refused: ample.Refused, Token: Rate{60, 3}})
	for i, shown := range []string{"Bearer ", "bearer ", "BEARER   ", "Bearer  "} {
		a := w.send("", "GET", "/api/v1/manage/me", "", "Authorization", shown+w.tokens["edo"], "Cookie", fmt.Sprintf("x=%d", i))
		if want := []int{200, 200, 200, 429}[i]; a.StatusCode != want {
			t.Errorf("%q: %d", shown, a.StatusCode)
		}
	}
}

func TestNoRates(t *testing.T) {
	w, _ := limited(t, Rates{Off: true})
	a := w.send("edo", "GET", "/api/v1/manage/me", "").want(t, 200)
	if a.Header.Get("X-RateLimit-Limit") != "" {
		t.Errorf("%v", a.Header)
	}
}

// TestEveryOperationIsBounded: every operation of the table is bounded,
// but those that say that they are not.
func TestEveryOperationIsBounded(t *testing.T) {
	w := newWorld(t)
	for _, op := range w.server.operations {
		kind := rateOf(op)
		if kind == rateNone && op.ID != "getLive" || kind != rateNone && w.server.rules[kind] == nil {
			t.Errorf("%s: %v", op.ID, kind)
		}
		if strings.HasPrefix(op.Route, "/auth/") && op.Access == open && kind != rateSignIn && op.ID != "endSessionsByProvider" { // which shows a signed token: one address ends many
			t.Errorf("%s is part of signing in and not bounded as such", op.ID)
		}
	}
}

// TestLimiter holds the limiter against the rule that it implements: in any
// stretch of time no more than the burst and what grew back.
func TestLimiter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLimiter()
		r := newRule(rateOpen, Rate{rapid.IntRange(1, 6000).Draw(t, "minute"), rapid.IntRange(1, 50).Draw(t, "burst")})
		burst := r.window / r.step
		var now int64
		var passed []int64
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now += rapid.Int64Range(0, 3*r.step).Draw(t, "pause")
			looked := l.take(7, r, now, 0)
			st := l.take(7, r, now, 1)
			if looked.ok != st.ok || st.ok != (st.retry == 0) || st.remaining < 0 || st.remaining >= burst || st.reset < 0 || st.reset > r.window {
				t.Fatalf("looked %+v, took %+v", looked, st)
			}
			if !st.ok {
				if l.take(7, r, now+st.retry-1, 0).ok || !l.take(7, r, now+st.retry, 0).ok {
					t.Fatalf("to wait %d is not right", st.retry)
				}
				continue
			}
			passed = append(passed, now)
		}
		for i := range passed {
			for j := i; j < len(passed); j++ {
				if most := burst + (passed[j]-passed[i])/r.step; int64(j-i+1) > most {
					t.Fatalf("%d passed within %d ns, at most %d may", j-i+1, passed[j]-passed[i], most)
				}
			}
		}
		if st := l.take(7, r, now+r.window, 1); !st.ok || st.remaining != burst-1 {
			t.Fatalf("after the window: %+v", st)
		}
	})
}

// TestManyAddressesDoNotResetOne: whoever has used up his bucket does not get a
// new one by coming from many more addresses than there are buckets.
func TestManyAddressesDoNotResetOne(t *testing.T) {
	l := newLimiter()
	r := newRule(rateOpen, Rate{600, 200})
	address := func(i int) netip.Addr {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)})
	}
	mine := l.byAddress(rateOpen, address(0))
	for range 200 {
		l.take(mine, r, 0, 1)
	}
	if l.take(mine, r, 0, 1).ok {
		t.Fatal("the bucket is not used up")
	}
	for i := range 4 * setCount * setSize {
		key := l.byAddress(rateOpen, address(i+1))
		l.take(key, r, int64(i), 1)
		l.take(key, r, int64(i), 1)
	}
	if l.take(mine, r, int64(time.Millisecond), 1).ok {
		t.Error("the bucket was reset")
	}
}

func TestNetworksShareABucket(t *testing.T) {
	l := newLimiter()
	key := func(s string) uint64 { return l.byAddress(rateOpen, netip.MustParseAddr(s)) }
	if key("2001:db8:1:2::1") != key("2001:db8:1:2:ffff::9") || key("192.0.2.1") != key("::ffff:192.0.2.1") {
		t.Error("one network has several buckets")
	}
	seen := map[uint64]string{}
	for _, s := range []string{"2001:db8:1:2::1", "2001:db8:1:3::1", "192.0.2.1", "192.0.2.2", "::1"} {
		if other := seen[key(s)]; other != "" {
			t.Errorf("%s and %s share a bucket", s, other)
		}
		seen[key(s)] = s
	}
	if l.byAddress(rateOpen, netip.MustParseAddr("192.0.2.1")) == l.byAddress(rateRead, netip.MustParseAddr("192.0.2.1")) {
		t.Error("reading uses up the rest")
	}
	l.byAddress(rateOpen, netip.Addr{}) // a Unix socket
}

func TestLimiterUnderLoad(t *testing.T) {
	l := newLimiter()
	r := newRule(rateOpen, Rate{1, 100})
	var passed [8]int
	var group sync.WaitGroup
	for i := range passed {
		group.Go(func() {
			for range 100 {
				if l.take(42, r, 0, 1).ok {
					passed[i]++
				}
			}
		})
	}
	group.Wait()
	sum := 0
	for _, n := range passed {
		sum += n
	}
	if sum != 100 {
		t.Errorf("%d passed", sum)
	}
}

// TestRatesAreDocumented: each operation says in the OpenAPI document that it may
// answer 429, with what headers.
func TestRatesAreDocumented(t *testing.T) {
	w := newWorld(t)
	doc := w.server.document()
	for _, op := range w.server.operations {
		item := doc.Paths[op.Route]
		described := map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PATCH": item.Patch, "PUT": item.Put, "DELETE": item.Delete}[op.Method]
		if told := described.Responses["429"] != nil; told != (rateOf(op) != rateNone) {
			t.Errorf("%s tells of 429: %v", op.ID, told)
		}
	}
	headers := doc.Components.Responses["Problem429"].Headers
	if got := slices.Sorted(maps.Keys(headers)); !slices.Equal(got, []string{"Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}) {
		t.Errorf("%v", got)
	}
}

func BenchmarkLimiter(b *testing.B) {
	l := newLimiter()
	r := newRule(rateRead, ample.Read)
	a := netip.MustParseAddr("2001:db8::1")
	var now int64
	b.ReportAllocs()
	for b.Loop() {
		now += 1000
		l.take(l.byAddress(rateRead, a), r, now, 1)
	}
}

// A rate of which one number is missing takes that one's default: it neither
// stops the start nor shuts everybody out.
func TestHalfARate(t *testing.T) {
	full, half := Rates{}.rules(), Rates{Open: Rate{Minute: 60}, SignIn: Rate{Burst: 7}}.rules()
	if r := half[rateOpen]; r.window != r.step*200 || r.step != int64(time.Second) {
		t.Errorf("%+v", r)
	}
	if r := half[rateSignIn]; r.step != full[rateSignIn].step || r.window != r.step*7 {
		t.Errorf("%+v", r)
	}
}

// A request that began before another, and is counted after it, is not refused
// for that: it was held up here, and asked for no more than it may.
func TestRequestsInAnotherOrder(t *testing.T) {
	l := newLimiter()
	r := newRule(rateRead, Rate{Minute: 60, Burst: 2})
	const minute = int64(time.Minute)
	for i, now := range []int64{minute, 0} { // the second began a minute before the first
		if st := l.take(1, r, now, 1); !st.ok {
			t.Errorf("request %d is refused for %d ns", i+1, st.retry)
		}
	}
	if l.take(1, r, minute, 1).ok {
		t.Error("a third one at once is let through")
	}
}
