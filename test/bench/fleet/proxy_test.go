/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package fleet

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestProxy(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	defer server.Close()
	p, err := newProxy(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	body := strings.Repeat("x", 1<<20)
	call := func() error {
		answer, err := client.Post("http://"+p.address(), "text/plain", strings.NewReader(body))
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		got, err := io.ReadAll(answer.Body)
		if err == nil && string(got) != body {
			t.Errorf("%d bytes came back, want %d", len(got), len(body))
		}
		return err
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
	const slow = 100 * time.Millisecond
	p.setDelay(slow)
	begin := time.Now()
	if err := call(); err != nil || time.Since(begin) < slow {
		t.Errorf("slow: answered after %v, %v", time.Since(begin), err)
	}
	p.setDelay(0)
	p.setDead(true)
	if err := call(); err == nil {
		t.Error("dead: answered")
	}
	p.setDead(false)
	if err := call(); err != nil {
		t.Errorf("back: %v", err)
	}
	idle, err := net.Dial("tcp", p.address()) // must not hold up the end
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if err := p.close(); err != nil {
		t.Error(err)
	}
}
