/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

const (
	// probeEvery is how often a member that answers is asked whether it is ready.
	probeEvery = 10 * time.Second
	// probeFirst and probeLast are the first and the last wait between two attempts to reach a member that is away: it
	// must be noticed well within 15 s of its return, and a hundred dead members must not cost anything to speak of.
	probeFirst, probeLast = 250 * time.Millisecond, 4 * time.Second
	// probeTimeout is how long a member may take to answer.
	probeTimeout = 5 * time.Second
	// discoverTimeout is how long a request for the served kinds may take.
	discoverTimeout = 10 * time.Second
	// discoverEvery is how often the list of served kinds is read anew, beside when a CustomResourceDefinition changes.
	discoverEvery = 5 * time.Minute
)

// State is what is known of a member as a whole.
type State struct {
	// Reachable: the last request that could tell got an answer.
	Reachable bool
	// Probed is false until the first probe has ended.
	Probed bool
	// Ready: the health endpoint says so. Reason and Message are for the condition Ready.
	Ready           bool
	Reason, Message string
	// Version is the API server's, e.g. v1.36.3.
	Version string
	// APIs are the served kinds, sorted; nil until they are known. Complete is false when some groups did not answer.
	APIs     []clusterv1alpha1.APIEnablement
	Complete bool
	// Nodes sums up the nodes; nil until they are known.
	Nodes *NodeSummary
}

// Member is the connection to one cluster.
type Member struct {
	Name string
	// Dynamic is the client for everything sent to the member; rate-limited by the connection's configuration.
	Dynamic dynamic.Interface

	rest      rest.Interface
	streams   rest.Interface // for watches: nothing limits their rate or how long they last
	requests  rest.Interface // for what Objects does by itself; it shares Dynamic's rate
	discovery discovery.DiscoveryInterface
	events    []Events
	kick      chan struct{} // asks for a probe now
	stale     chan struct{} // asks for discovery now
	rewatch   chan struct{} // asks for a look at what is to be watched

	definitions *definitionStore
	autoscalers *autoscalers

	mu        sync.RWMutex
	state     State
	catalogue catalogue
	kinds     map[schema.GroupVersionKind]*copies
}

// clients are the ways to ask a member, over one connection.
type clients struct {
	dynamic   dynamic.Interface
	streams   rest.Interface
	requests  rest.Interface
	discovery *discovery.DiscoveryClient
}

// newClients makes the clients; cfg.Timeout bounds each request, see bounded.
func newClients(cfg *rest.Config) (c clients, err error) {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(bounded(cfg.Timeout))
	cfg.Timeout = 0
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return c, err
	}
	limited := rest.CopyConfig(cfg)
	if cfg.QPS > 0 {
		limited.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(cfg.QPS, cfg.Burst)
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(limited, client); err != nil {
		return c, err
	}
	requests := dynamic.ConfigFor(limited)
	requests.NegotiatedSerializer, requests.GroupVersion = scheme.Codecs.WithoutConversion(), nil // for errors only
	if c.requests, err = rest.UnversionedRESTClientForConfigAndClient(requests, client); err != nil {
		return c, err
	}
	watches := rest.CopyConfig(requests)
	watches.QPS, watches.RateLimiter = -1, nil
	if c.streams, err = rest.UnversionedRESTClientForConfigAndClient(watches, client); err != nil {
		return c, err
	}
	// Discovery takes no context, so its own limit bounds how long a member that hangs can hold up its disconnection.
	short := *client
	short.Timeout = discoverTimeout
	c.discovery, err = discovery.NewDiscoveryClientForConfigAndClient(cfg, &short)
	return c, err
}

func newMember(name string, cfg *rest.Config, events []Events) (*Member, error) {
	c, err := newClients(cfg)
	if err != nil {
		return nil, err
	}
	m := &Member{
		Name: name, Dynamic: c.dynamic, streams: c.streams, requests: c.requests, rest: c.discovery.RESTClient(), discovery: c.discovery, events: events,
		kick: make(chan struct{}, 1), stale: make(chan struct{}, 1), rewatch: make(chan struct{}, 1),
		catalogue: newCatalogue(nil, false, nil), kinds: map[schema.GroupVersionKind]*copies{},
	}
	m.autoscalers = newAutoscalers(func(targets []Scaled) {
		if targets == nil {
			signal(m.rewatch) // workloads wait for them
		}
		for _, e := range events {
			if e.Scaling != nil {
				e.Scaling(m, targets)
			}
		}
	})
	m.definitions = &definitionStore{changed: func() { signal(m.stale) }, items: map[string]defined{}}
	return m, nil
}

// State returns what is known of the member; its slices must not be changed.
func (m *Member) State() State {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.state
}

// Reachable reports whether the member answers.
func (m *Member) Reachable() bool { return m.State().Reachable }

// Suspect says that a request to the member has failed in a way that may mean that it is away: it is probed at once. One
// that is known to be away is probed at its own pace, however many requests fail.
func (m *Member) Suspect() {
	if s := m.State(); s.Probed && !s.Reachable {
		return
	}
	signal(m.kick)
}

// Away reports whether err, wrapped or not, may mean that the member is away, rather than that it answered with an error.
func Away(err error) bool {
	if err == nil {
		return false
	}
	var status apierrors.APIStatus
	return !errors.As(err, &status) || apierrors.IsServerTimeout(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsUnauthorized(err)
}

// update changes the state and tells the listeners, if it did change.
func (m *Member) update(f func(*State)) {
	m.mu.Lock()
	before := m.state
	f(&m.state)
	after := m.state
	returned := after.Reachable && !before.Reachable
	if returned {
		m.catalogue.complete = false // what was not there may have come meanwhile
	}
	m.mu.Unlock()
	if after.same(&before) {
		return
	}
	if returned || after.Ready && !before.Ready {
		signal(m.stale)
		signal(m.rewatch)
	}
	for _, e := range m.events {
		if e.State != nil {
			e.State(m)
		}
	}
	if returned {
		for _, e := range m.events {
			if e.Reachable != nil {
				e.Reachable(m)
			}
		}
	}
}

func (s *State) same(o *State) bool {
	return s.Reachable == o.Reachable && s.Probed == o.Probed && s.Ready == o.Ready && s.Reason == o.Reason && s.Message == o.Message &&
		s.Version == o.Version && s.Complete == o.Complete && s.Nodes.same(o.Nodes) && sameAPIs(s.APIs, o.APIs)
}

// run probes, discovers and watches until ctx ends.
func (m *Member) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { m.discover(ctx) })
	wg.Go(func() { m.watchNodes(ctx) })
	wg.Go(func() { m.watchDefinitions(ctx) })
	wg.Go(func() { m.watchKinds(ctx) })
	wait := probeFirst
	for {
		m.probe(ctx)
		next := probeEvery
		if !m.Reachable() {
			next, wait = wait, min(wait*2, probeLast)
		} else {
			wait = probeFirst
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		case <-m.kick:
		}
	}
}

// probe asks the health endpoint, and the version when the member had been away.
func (m *Member) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	code, err := m.get(ctx, "/readyz")
	if code == http.StatusNotFound {
		code, err = m.get(ctx, "/healthz")
	}
	if ctx.Err() == context.Canceled { // the member is being disconnected: says nothing about it
		return
	}
	was := m.State()
	next := State{Probed: true}
	switch {
	case code == http.StatusOK:
		next.Reachable, next.Ready = true, true
		next.Reason, next.Message = clusterv1alpha1.ReasonClusterReady, "the cluster's health endpoint answers ok"
	case code != 0:
		// It answers, so what is sent to it may well arrive.
		next.Reachable = code != http.StatusUnauthorized
		next.Reason, next.Message = clusterv1alpha1.ReasonClusterNotReachable, fmt.Sprintf("the cluster's health endpoint answers %d: %v", code, err)
	default:
		next.Reason, next.Message = clusterv1alpha1.ReasonClusterNotReachable, fmt.Sprintf("the cluster does not answer: %v", lasting(err))
	}
	if next.Reachable && (!was.Reachable || was.Version == "") {
		if v, err := m.discovery.ServerVersion(); err == nil {
			next.Version = v.GitVersion
		}
	}
	if was.Reachable != next.Reachable {
		klog.FromContext(ctx).Info("Member cluster", "reachable", next.Reachable, "message", next.Message)
	}
	m.update(func(s *State) {
		s.Reachable, s.Probed, s.Ready, s.Reason, s.Message = next.Reachable, true, next.Ready, next.Reason, next.Message
		if next.Version != "" {
			s.Version = next.Version
		}
	})
}

// lasting is err without what is different in each attempt, the local port, as it stands in a condition.
func lasting(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Source == nil {
		return err
	}
	plain := *op
	plain.Source = nil
	return &plain
}

// get returns the HTTP status of a path, or 0 with the error when there was no answer.
func (m *Member) get(ctx context.Context, path string) (int, error) {
	var code int
	err := m.rest.Get().AbsPath(path).MaxRetries(0).Do(ctx).StatusCode(&code).Error()
	if err != nil && code == 0 {
		if s, ok := err.(apierrors.APIStatus); ok {
			code = int(s.Status().Code)
		}
	}
	return code, err
}
