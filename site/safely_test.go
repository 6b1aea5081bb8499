package site

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prassi-cms/prassi/site/release"
)

// A fault of the program on one page ends neither the process nor what is on the air.
func TestAPanicIsAnErrorOfTheBuild(t *testing.T) {
	w := example(t)
	var log bytes.Buffer
	s := w.site(w.catalogue(), func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	p, err := s.newPlan(ctx, s.today())
	if err != nil {
		t.Fatal(err)
	}
	put := func(release.File, []byte) error { panic("a page with a fault") }
	if _, err := p.produce(ctx, time.Now(), put); err == nil || !strings.Contains(err.Error(), "a page with a fault") {
		t.Error(err)
	}
	p.emit = func(*job) { panic("no plan") }
	if err := p.all(); err == nil || !strings.Contains(err.Error(), "no plan") {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "safely_test.go") {
		t.Errorf("the log does not say where: %s", log.String())
	}
}
