package auth_test

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/audit"
	"github.com/prassi-cms/prassi/auth"
)

// A session check as every request of a browser pays for it.
func BenchmarkSessionCheck(b *testing.B) {
	w := newWorld(b)
	w.person("amina", "contributor@orti", "reviewer@100")
	secret := w.login("amina")
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.AuthenticateSession(ctx, secret); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("uncached", func(b *testing.B) {
		for b.Loop() {
			w.clock.pass(2 * time.Second) // what was remembered is over
			if _, err := w.AuthenticateSession(ctx, secret); err != nil {
				b.StopTimer()
				secret = w.login("amina")
				b.StartTimer()
			}
		}
	})
	b.Run("refused", func(b *testing.B) {
		bad := secret[:len(secret)-1] + "!"
		guess := secret[:20] + secret[21:] + "a"
		for b.Loop() {
			for _, s := range []string{bad, guess} {
				if _, err := w.AuthenticateSession(ctx, s); err == nil {
					b.Fatal("taken")
				}
			}
		}
	})
	b.Run("form", func(b *testing.B) {
		token := w.FormToken(secret)
		for b.Loop() {
			if !w.CheckForm(secret, token) {
				b.Fatal("refused")
			}
		}
	})
}

func BenchmarkTokenCheck(b *testing.B) {
	w := newWorld(b)
	w.person("amina", "contributor@orti", "reviewer@100")
	secret, _, err := w.CreateToken(ctx, w.actor("amina"), auth.NewToken{Person: "amina", Grants: grants("reviewer@100"), Life: auth.MaxTokenLife})
	w.must(err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.AuthenticateToken(ctx, secret); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLogin is all that a login does here once the provider has answered:
// one in 64 at a time is a new session of a person who was here before.
func BenchmarkLogin(b *testing.B) {
	w := newWorld(b)
	w.Auth = auth.New(audit.New(w.store, nil), auth.Options{})
	for i := range 64 {
		_, err := w.SignIn(ctx, login(fmt.Sprint(i), "", false), "")
		w.must(err)
	}
	var n atomic.Int64
	begin := processor()
	b.SetParallelism(32) // 64 goroutines on two processors
	b.RunParallel(func(pb *testing.PB) {
		me := fmt.Sprint(n.Add(1) % 64)
		var last string
		for pb.Next() {
			p, err := w.SignIn(ctx, login(me, "", false), "")
			if err == nil {
				last, _, err = w.StartSession(ctx, auth.NewSession{Person: p.ID, Provider: "spid", Issuer: "https://id.example", Subject: me,
					IDToken: "header.claims.signature", Address: "192.0.2.7", Replaces: last})
			}
			if err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
	b.ReportMetric(float64((processor()-begin).Microseconds())/float64(b.N), "cpu-µs/login")
}

// processor gives the processor time this process has used: what other work on
// the machine does not change.
func processor() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
