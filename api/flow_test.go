package api

import "testing"

func TestFromDraftToPublic(t *testing.T) {
	w := newWorld(t)
	v := w.article("edo", "Orti condivisi")
	t.Log(v)
	w.publish("edo", v)
	a := w.send("", "GET", "/api/v1/articles/orti-condivisi", "").want(t, 200)
	t.Log(string(a.body), a.Header)
	a = w.send("", "GET", "/api/v1/articles", "").want(t, 200)
	t.Log(string(a.body), a.Header)
}
