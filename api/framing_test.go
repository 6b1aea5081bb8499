package api

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// talk sends bytes on a connection of its own and gives all that comes back
// until the server hangs up.
func talk(t *testing.T, conn net.Conn, text string) string {
	t.Helper()
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, text) // the server may hang up before the end
	data, err := io.ReadAll(conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%.200q: the connection is left open\n%.300s", text, data)
	}
	return string(data)
}

// answersIn parts what came back into answers.
func answersIn(t *testing.T, text string) []*http.Response {
	t.Helper()
	var out []*http.Response
	for r := bufio.NewReader(strings.NewReader(text)); ; {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			if rest, _ := io.ReadAll(r); len(bytes.TrimSpace(rest)) > 0 {
				t.Errorf("something after the last answer: %.200q", rest)
			}
			return out
		}
		_, _ = io.Copy(io.Discard, res.Body)
		out = append(out, res)
	}
}

// TestFraming sends requests whose end, or whose addressee, two programs may see
// in different places, each with another request hidden behind. However the first
// one is answered, the hidden one is not, and the connection ends.
func TestFraming(t *testing.T) {
	const hidden = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	const post, get = "POST /auth/logout HTTP/1.1\r\nHost: x\r\n", "GET /api/v1 HTTP/1.1\r\nHost: x\r\n"
	const any = 0
	w := newWorld(t, func(o *Options) {
		o.Limits.Read, o.Limits.ReadHeader, o.Limits.Idle = time.Second, time.Second, 500*time.Millisecond
	})
	preview := "POST /api/v1/manage/preview HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " + w.tokens["edo"] + "\r\n"
	chunks := preview + "Transfer-Encoding: chunked\r\n\r\n"
	for name, c := range map[string]struct {
		status int // of the one answer; any: a success, as the connection closes after it
		text   string
	}{
		"chunks and a length":              {any, post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		"a length and chunks, that differ": {any, post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + hidden},
		"chunks":                           {any, post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		"chunks on GET":                    {any, get + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		"a body on GET":                    {any, get + "Content-Length: 3\r\n\r\nabc" + hidden},
		"a body on HEAD":                   {any, "HEAD /api/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + hidden},
		"two lengths":                      {400, post + "Content-Length: 5\r\nContent-Length: 0\r\n\r\n" + hidden},
		"two lengths in one":               {400, post + "Content-Length: 0, 5\r\n\r\n" + hidden},
		"a length with a sign":             {400, post + "Content-Length: +0\r\n\r\n" + hidden},
		"a negative length":                {400, post + "Content-Length: -1\r\n\r\n" + hidden},
		"a length in hexadecimal":          {400, post + "Content-Length: 0x0\r\n\r\n" + hidden},
		"a length that overflows":          {400, post + "Content-Length: 18446744073709551616\r\n\r\n" + hidden},
		"an empty length":                  {400, post + "Content-Length: \r\n\r\n" + hidden},
		"xchunked":                         {501, post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden},
		"chunked, identity":                {501, post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden},
		"identity":                         {501, post + "Transfer-Encoding: identity\r\n\r\n" + hidden},
		"gzip, chunked":                    {501, post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden},
		"chunked twice":                    {501, post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		"chunked and a space":              {any, post + "Transfer-Encoding: chunked \r\n\r\n0\r\n\r\n" + hidden},
		"chunked after a tab":              {any, post + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + hidden},
		"chunked after a vertical tab":     {400, post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + hidden},
		"chunked in quotes":                {501, post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + hidden},
		"chunked on the next line":         {any, post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden},
		"chunks of HTTP/1.0":               {any, "POST /auth/logout HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + hidden},
		"HTTP/1.0 that stays":              {any, "GET /api/v1 HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n" + hidden},
		"a space before the colon":         {400, post + "Content-Length : 5\r\n\r\n" + hidden},
		"a space before the name":          {400, "POST /auth/logout HTTP/1.1\r\n Host: x\r\n\r\n" + hidden},
		"a tab in the name":                {400, post + "Content\tLength: 5\r\n\r\n" + hidden},
		"NUL in the name":                  {400, post + "Content-Length\x00: 5\r\n\r\n" + hidden},
		"NUL in a value":                   {400, get + "X-A: a\x00b\r\n\r\n" + hidden},
		"CR in a value":                    {400, get + "X-A: a\rContent-Length: 5\r\n\r\n" + hidden},
		"CR in a name":                     {400, get + "X-A\rB: a\r\n\r\n" + hidden},
		"a line without a colon":           {400, get + "Content-Length\r\n\r\n" + hidden},
		"a chunk that is too large":        {400, chunks + "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n" + hidden},
		"a negative chunk":                 {400, chunks + "-2\r\n{}\r\n0\r\n\r\n" + hidden},
		"a chunk in 0x":                    {400, chunks + "0x2\r\n{}\r\n0\r\n\r\n" + hidden},
		"a chunk's line that ends with LF": {400, chunks + "2\n{}\r\n0\r\n\r\n" + hidden},
		"a chunk longer than it says":      {400, chunks + "2\r\n{}xx\r\n0\r\n\r\n" + hidden},
		"chunk extensions without end":     {400, chunks + "2;" + strings.Repeat("a", 70<<10) + "\r\n{}\r\n0\r\n\r\n" + hidden},
		"a chunk extension with LF":        {400, chunks + "2;a\n{}\r\n0\r\n\r\n" + hidden},
		"a request behind a trailer":       {any, post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden},
		"another server's address":         {any, "GET http://evil.example/api/v1 HTTP/1.1\r\nHost: x\r\n\r\n" + hidden},
		"CONNECT":                          {404, "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n" + hidden},
		"two hosts":                        {400, "GET /api/v1 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + hidden},
		"no host":                          {400, "GET /api/v1 HTTP/1.1\r\n\r\n" + hidden},
		"a host with a space":              {400, "GET /api/v1 HTTP/1.1\r\nHost: x y\r\n\r\n" + hidden},
		"a long line":                      {431, get + "X-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n" + hidden},
		"many lines":                       {431, get + strings.Repeat("X-A: a\r\n", 8<<10) + "\r\n" + hidden},
		"a long address":                   {431, "GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n" + hidden},
		"no version":                       {400, "GET /api/v1\r\nHost: x\r\n\r\n" + hidden},
		"a version that is not":            {505, "GET /api/v1 HTTP/3.7\r\nHost: x\r\n\r\n" + hidden},
		"the preface of HTTP/2":            {404, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden},
		"an odd expectation":               {417, post + "Expect: 200-maybe\r\nContent-Length: 0\r\n\r\n" + hidden},
		"spaces in the request line":       {400, "GET /api/v1 a HTTP/1.1\r\nHost: x\r\n\r\n" + hidden},
		"a method that is none":            {400, "G@T /api/v1 HTTP/1.1\r\nHost: x\r\n\r\n" + hidden},
		"nothing but rubbish":              {400, "\x16\x03\x01\x02\x00\r\n\r\n" + hidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
			w.must(err)
			answers := answersIn(t, talk(t, conn, c.text))
			switch {
			case len(answers) != 1:
				t.Fatalf("%d answers", len(answers))
			case c.status == any && answers[0].StatusCode >= 500, c.status != any && answers[0].StatusCode != c.status:
				t.Errorf("%s, want %d", answers[0].Status, c.status)
			case !answers[0].Close:
				t.Error("the answer does not say that the connection ends")
			}
		})
	}
}

// TestOddButWhole: what is odd and yet has one end only is answered as it should,
// and the next request too.
func TestOddButWhole(t *testing.T) {
	w := newWorld(t)
	const next = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for name, c := range map[string]struct {
		text   string
		status [2]int
	}{
		"two in a row":                {"GET /api/v1 HTTP/1.1\r\nHost: x\r\n\r\n" + next, [2]int{200, 200}},
		"a body":                      {"POST /auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 38\r\n\r\n" + "GET /smuggled HTTP/1.1\r\nHost: x\r\nA: b\r\n" + next, [2]int{200, 200}},
		"the same length twice":       {"POST /auth/logout HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc" + next, [2]int{200, 200}},
		"a folded value":              {"GET /api/v1 HTTP/1.1\r\nHost: x\r\nX-A: a\r\n Content-Length: 99\r\n\r\n" + next, [2]int{200, 200}},
		"lines that end with LF only": {"GET /api/v1 HTTP/1.1\nHost: x\n\n" + next, [2]int{200, 200}},
		"a refused encoding":          {"POST /api/v1/manage/preview HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.tokens["edo"] + "\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}" + next, [2]int{415, 200}},
		"OPTIONS of everything":       {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + next, [2]int{404, 200}},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
			w.must(err)
			answers := answersIn(t, talk(t, conn, c.text))
			if len(answers) != 2 || answers[0].StatusCode != c.status[0] || answers[1].StatusCode != c.status[1] {
				for _, a := range answers {
					t.Error(a.Status)
				}
			}
		})
	}
}

// TestManySlowClients: those who hold connections open without a request are
// hung up on, and meanwhile others are answered.
func TestManySlowClients(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.ReadHeader, o.Limits.Idle = 300*time.Millisecond, 300*time.Millisecond })
	var slow []net.Conn
	for i := range 100 {
		conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
		w.must(err)
		defer conn.Close()
		_, err = io.WriteString(conn, []string{"", "G", "GET / HTTP/1.1\r\nHost: x\r\nX-A: ", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"}[i%4])
		w.must(err)
		slow = append(slow, conn)
	}
	w.send("", "GET", "/livez", "").want(t, 200)
	begun := time.Now()
	for _, conn := range slow {
		w.must(conn.SetReadDeadline(begun.Add(10 * time.Second)))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a connection is left open")
		}
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("after %v", took)
	}
}
