/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package fault

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Rule says which requests fail, and how.
type Rule struct {
	// Match selects requests; nil selects all.
	Match Match
	// Share is which part of the selected requests is hit, from 0 to 1; 0 means all of them.
	Share float64
	// Count is how many requests are hit at most; 0 means any number.
	Count int64
	// Effect is what becomes of them.
	Effect Effect
}

// Match selects requests.
type Match func(r *http.Request) bool

// Under selects requests to paths below a prefix.
func Under(prefix string) Match {
	return func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, prefix) }
}

// InNamespace selects requests about objects in a namespace, of whatever kind.
func InNamespace(name string) Match {
	return func(r *http.Request) bool { return strings.Contains(r.URL.Path+"/", "/namespaces/"+name+"/") }
}

// Named selects requests about objects of one of those names.
func Named(names ...string) Match {
	return func(r *http.Request) bool { return slices.Contains(names, path.Base(r.URL.Path)) }
}

// Method selects requests of one of those HTTP methods.
func Method(methods ...string) Match {
	return func(r *http.Request) bool { return slices.Contains(methods, r.Method) }
}

// IsWatch selects watches.
func IsWatch(r *http.Request) bool {
	watch, err := strconv.ParseBool(r.URL.Query().Get("watch"))
	return err == nil && watch
}

// All selects what all of those select.
func All(ms ...Match) Match {
	return func(r *http.Request) bool {
		return !slices.ContainsFunc(ms, func(m Match) bool { return !m(r) })
	}
}

// Effect is what becomes of a request.
type Effect func(p *Proxy, w http.ResponseWriter, r *http.Request)

// Answer answers with an error, as an API server words it. A retryAfter above 0 is sent along, in whole seconds.
func Answer(code int, retryAfter time.Duration) Effect {
	return func(_ *Proxy, w http.ResponseWriter, _ *http.Request) {
		status := metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
			Status:   metav1.StatusFailure, Code: int32(code), Message: fmt.Sprintf("injected fault: %s", http.StatusText(code)),
		}
		switch code {
		case http.StatusTooManyRequests:
			status.Reason = metav1.StatusReasonTooManyRequests
		case http.StatusInternalServerError:
			status.Reason = metav1.StatusReasonInternalError
		}
		if retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retryAfter.Seconds()))))
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(status) // an error means that the client has gone
	}
}

// Hang never answers. The request is not passed on.
func Hang() Effect {
	return func(_ *Proxy, _ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// Reset breaks the connection before the request is passed on.
func Reset() Effect {
	return func(_ *Proxy, _ http.ResponseWriter, r *http.Request) { reset(r) }
}

// LoseAnswer passes the request on, and breaks the connection in place of the answer.
func LoseAnswer() Effect {
	return func(p *Proxy, _ http.ResponseWriter, r *http.Request) {
		p.forward.ServeHTTP(discard{}, r)
		reset(r)
	}
}

// Slow passes the request on after d.
func Slow(d time.Duration) Effect {
	return func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		pause(r.Context(), d)
		p.forward.ServeHTTP(w, r)
	}
}

// discard takes an answer that nobody gets.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) WriteHeader(int)             {}
func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Active is a rule in force.
type Active struct {
	rule  Rule
	proxy *Proxy
	hits  atomic.Int64
}

// Hits is how many requests it has hit.
func (a *Active) Hits() int64 { return a.hits.Load() }

// Remove takes the rule out of force. What has been hit stays so: a request that hangs goes on hanging.
func (a *Active) Remove() {
	a.proxy.mu.Lock()
	defer a.proxy.mu.Unlock()
	a.proxy.rules = slices.DeleteFunc(a.proxy.rules, func(b *Active) bool { return a == b })
}

// Add puts a rule into force, after those there are.
func (p *Proxy) Add(r Rule) *Active {
	a := &Active{rule: r, proxy: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, a)
	return a
}

// take returns what the first rule says that applies, nil without one.
func (p *Proxy) take(r *http.Request) Effect {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.rules {
		switch {
		case a.rule.Match != nil && !a.rule.Match(r):
		case a.rule.Count > 0 && a.hits.Load() >= a.rule.Count:
		case a.rule.Share > 0 && p.random.Float64() >= a.rule.Share:
		default:
			a.hits.Add(1)
			return a.rule.Effect
		}
	}
	return nil
}
