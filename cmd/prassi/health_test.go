package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
)

// TestHealth: the check finds the server however its address is written, says no
// where there is none, and does not leave this machine for its answer.
func TestHealth(t *testing.T) {
	r := start(t, "--data", t.TempDir())
	_, port, err := net.SplitHostPort(strings.TrimPrefix(r.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(address string) (int, string) {
		var out, complaints bytes.Buffer
		code := Main(context.Background(), []string{"health", "--addr", address}, strings.NewReader(""), &out, &complaints)
		return code, complaints.String()
	}
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", ""} {
		if code, said := ask(host + ":" + port); code != 0 {
			t.Errorf("%q: %d %s", host, code, said)
		}
	}
	for _, address := range []string{"127.0.0.1:1", "127.0.0.1", "169.254.169.254:" + port} {
		if code, said := ask(address); code != 1 || said == "" {
			t.Errorf("%q: %d %s", address, code, said)
		}
	}
}

// TestServeRefusesWrongLists before it opens anything.
func TestServeRefusesWrongLists(t *testing.T) {
	for _, args := range [][]string{
		{"--trusted-proxies", "proxy.example"}, {"--metrics-allow", "10.0.0.0/99"}, {"--rates", "read=many"},
	} {
		var out, complaints bytes.Buffer
		code := Main(context.Background(), append([]string{"serve", "--addr", "127.0.0.1:0", "--data", t.TempDir()}, args...), strings.NewReader(""), &out, &complaints)
		if code != 1 || !strings.Contains(complaints.String(), strings.TrimPrefix(args[0], "--")) {
			t.Errorf("%v: %d %s", args, code, complaints.String())
		}
	}
}
