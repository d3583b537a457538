/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/test/apitest"
	"github.com/manifold-k8s/manifold/test/fault"
)

const (
	// promptly is how long the member that does not fail may take to get what was written. It is below every time-out
	// of the hub towards a member, so that nothing that waits for the failing one passes.
	promptly = 10 * time.Second
	// readable is how long it may take until a fault can be read on the hub: a hanging request takes 32 s to fail.
	readable = 75 * time.Second
)

// failure is one way for the member east to fail.
type failure struct {
	name string // also that of its namespace
	// start makes the proxy fail, for requests in the namespace or, in a failure of the whole member, for all. hits is
	// how many requests have felt it; nil when that cannot be said.
	start func(p *fault.Proxy, namespace string) (hits func() int64, end func() error)
	// tells is what the binding says of the member meanwhile, "" for anything. silent is a failure that repairs itself.
	tells  string
	silent bool
	// long is a failure that takes too long to be read for a short run, ready what the Cluster says meanwhile, if it does.
	long  bool
	ready string
}

// rule is a failure by one rule, for the namespace.
func rule(effect fault.Effect, more ...fault.Match) func(*fault.Proxy, string) (func() int64, func() error) {
	return func(p *fault.Proxy, namespace string) (func() int64, func() error) {
		return inForce(p.Add(fault.Rule{Match: fault.All(append(more, fault.InNamespace(namespace))...), Effect: effect}))
	}
}

// whole is a failure by one rule, for everything.
func whole(effect fault.Effect) func(*fault.Proxy, string) (func() int64, func() error) {
	return func(p *fault.Proxy, _ string) (func() int64, func() error) {
		p.Disconnect()
		return inForce(p.Add(fault.Rule{Effect: effect}))
	}
}

func inForce(a *fault.Active) (func() int64, func() error) {
	return a.Hits, func() error { a.Remove(); return nil }
}

// some requests fail and others do not.
func some(p *fault.Proxy, namespace string) (func() int64, func() error) {
	in := fault.InNamespace(namespace)
	a := p.Add(fault.Rule{Match: in, Share: 0.3, Effect: fault.Answer(http.StatusInternalServerError, 0)})
	b := p.Add(fault.Rule{Match: in, Share: 0.4, Effect: fault.LoseAnswer()})
	return func() int64 { return a.Hits() + b.Hits() }, func() error { a.Remove(); b.Remove(); return nil }
}

func expired(p *fault.Proxy, _ string) (func() int64, func() error) {
	p.Expire()
	return nil, func() error { p.Renew(); return nil }
}

func refused(p *fault.Proxy, _ string) (func() int64, func() error) {
	p.Refuse()
	return nil, p.Accept
}

// stalled watches say nothing more, and break off at the end without having said it.
func stalled(p *fault.Proxy, _ string) (func() int64, func() error) {
	p.Stall(fault.IsWatch)
	return nil, func() error { p.Cut(nil); p.Resume(); return nil }
}

// few are requests about two objects only: those that wait hold up a worker each.
var few = fault.Named("kept", "doomed")

// partial are failures of some requests. They happen all at the same time.
var partial = []failure{
	{name: "429", start: rule(fault.Answer(http.StatusTooManyRequests, 0)), tells: "injected fault: Too Many Requests"},
	{name: "429-retry-after", start: rule(fault.Answer(http.StatusTooManyRequests, time.Second), few), tells: "injected fault: Too Many Requests", long: true},
	{name: "500", start: rule(fault.Answer(http.StatusInternalServerError, 0)), tells: "injected fault: Internal Server Error"},
	{name: "hang", start: rule(fault.Hang(), few), tells: "context deadline exceeded", long: true},
	{name: "reset", start: rule(fault.Reset())},
	{name: "lost-answer", start: rule(fault.LoseAnswer()), silent: true},
	{name: "slow", start: rule(fault.Slow(time.Second)), silent: true},
	{name: "some", start: some, silent: true},
}

// total are failures of the member as a whole, one after the other.
var total = []failure{
	{name: "expired", start: expired, ready: "certificate has expired"},
	{name: "stalled-watches", start: stalled, silent: true},
	{name: "all-refused", start: refused, ready: "connection refused", long: true},
	{name: "all-429", start: whole(fault.Answer(http.StatusTooManyRequests, 0)), ready: "429", long: true},
	{name: "all-500", start: whole(fault.Answer(http.StatusInternalServerError, 0)), ready: "500", long: true},
	{name: "all-hang", start: whole(fault.Hang()), ready: "the cluster does not answer", long: true},
	{name: "all-reset", start: whole(fault.Reset()), ready: "the cluster does not answer", long: true},
	{name: "all-lost-answer", start: whole(fault.LoseAnswer()), ready: "the cluster does not answer", long: true},
}

// faults lets the member east fail in one way after the other while users go on writing. The other member must not feel
// it, the failure must be readable on the hub, and afterwards everything has to come right without help.
func faults(ctx context.Context, a *arena, s settings, b *board) error {
	f, err := a.found(ctx, "faults", s.seed, nil)
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	defer f.close()
	b.watch(f.hub.LogTail)
	var wg sync.WaitGroup
	errs := make(chan error, len(partial))
	for _, x := range partial {
		wg.Go(func() { errs <- f.suffer(ctx, x, s.thorough, false, b) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	for _, x := range total {
		if x.long && !s.thorough {
			continue
		}
		if err := f.suffer(ctx, x, s.thorough, true, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// suffer goes through one failure.
func (f *federation) suffer(ctx context.Context, x failure, thorough, wholly bool, b *board) error {
	n := "faults-" + x.name
	c := &sufferer{failure: x, wholly: wholly, thorough: thorough, namespace: n}
	var err error
	if c.federation, err = f.part(ctx, n); err != nil {
		return err
	}
	defer c.stop()
	begin := time.Now()
	c.prepare(ctx)
	c.violations = append(c.violations, c.settle(ctx, settleLimit, true)...)
	hits, end := x.start(f.proxies[east], n)
	c.write(ctx)
	served := c.expectServed(ctx)
	if !x.silent && (thorough || !x.long) {
		c.expectReadable(ctx)
	}
	c.expectHit(hits)
	if err := end(); err != nil {
		return err
	}
	over := time.Now()
	c.violations = append(c.violations, c.settle(ctx, settleLimit, true)...)
	note := fmt.Sprintf("the other member served after %v, all settled %v after its end",
		served.Round(time.Millisecond), time.Since(over).Round(time.Millisecond))
	b.line("faults", x.name, begin, c.acknowledged, 0, note, c.violations)
	return ctx.Err()
}

// sufferer is a federation during one failure.
type sufferer struct {
	*federation
	failure
	wholly, thorough bool
	namespace        string
	acknowledged     int
	violations       []violation
}

// expectHit waits until the failure has been felt: a machine that is busy may ask the member a moment later.
func (c *sufferer) expectHit(hits func() int64) {
	if hits == nil {
		return
	}
	if err := apitest.Await(readable, func() error {
		if hits() == 0 {
			return errors.New("the fault has hit no request")
		}
		return nil
	}); err != nil {
		c.blame("%v", err)
	}
}

func (c *sufferer) blame(format string, args ...any) {
	c.violations = append(c.violations, violation(fmt.Sprintf(format, args...)))
}

// must takes the outcome of a write, which has to be acknowledged: the hub itself does not fail.
func (c *sufferer) must(ok bool, err error) {
	switch {
	case err != nil:
		c.blame("%v", err)
	case !ok:
		c.blame("the hub did not acknowledge a write")
	default:
		c.acknowledged++
	}
}

func (c *sufferer) item(kind, name string) item { return item{kind, c.namespace, name} }

func (c *sufferer) prepare(ctx context.Context) {
	c.must(c.create(ctx, c.item(configMaps, "kept"), state{value: "v1"}, fixed))
	c.must(c.create(ctx, c.item(configMaps, "doomed"), state{value: "v1"}, "first"))
	c.must(c.create(ctx, c.item(deployments, "web"), state{replicas: 3, value: "i1"}, fixed))
	c.must(c.create(ctx, c.item(deployments, "moved"), state{replicas: 6, value: "i1"}, "second"))
}

// write does during the failure what users do.
func (c *sufferer) write(ctx context.Context) {
	c.must(c.set(ctx, c.item(configMaps, "kept"), "v2"))
	c.must(c.remove(ctx, c.item(configMaps, "doomed")))
	c.must(c.create(ctx, c.item(configMaps, "fresh"), state{value: "v2"}, fixed))
	c.must(c.scale(ctx, c.item(deployments, "web"), 9))
	c.must(c.move(ctx, policyOf(c.namespace, "second"), west, []item{c.item(deployments, "moved")}))
}

// expectServed waits until the other member is up to date, and returns how long that took.
func (c *sufferer) expectServed(ctx context.Context) time.Duration {
	begin := time.Now()
	t, err := c.read(ctx)
	if err == nil {
		err = apitest.Await(promptly, func() error {
			wrong, err := c.compare(ctx, c.members[1], t)
			if err == nil && len(wrong) > 0 {
				err = fmt.Errorf("%s", strings.Join(wrong, "\n"))
			}
			return err
		})
	}
	if err != nil {
		c.blame("the other member is not served within %v: %v", promptly, err)
	}
	return time.Since(begin)
}

// expectReadable waits until the hub says what is wrong: in the binding's status, in an event and, when the whole member
// fails, in the Cluster's condition.
func (c *sufferer) expectReadable(ctx context.Context) {
	check := func(what string, f func(context.Context) error) {
		if err := apitest.Await(readable, func() error { return f(ctx) }); err != nil {
			c.blame("the fault is not readable in %s: %v", what, err)
		}
	}
	check("the binding's status", c.inBinding)
	if !c.wholly {
		check("an event", c.inEvent)
	} else if c.thorough { // the condition follows after 30 s only
		check("the Cluster", c.inCluster)
	}
}

func (c *sufferer) inBinding(ctx context.Context) error {
	b, err := c.api.Manifold.WorkV1alpha2().ResourceBindings(c.namespace).Get(ctx, bindingName(c.item(configMaps, "kept")), metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, s := range b.Status.AggregatedStatus {
		if s.ClusterName == east && !s.Applied && s.AppliedMessage != "" && strings.Contains(s.AppliedMessage, c.tells) {
			return nil
		}
	}
	return fmt.Errorf("want %q about %s in %+v", c.tells, east, b.Status.AggregatedStatus)
}

// inEvent looks for an event about what is not updated, and one about what is not deleted.
func (c *sufferer) inEvent(ctx context.Context) error {
	list, err := c.api.Kube.CoreV1().Events(c.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	found, seen := map[string]bool{}, []string{}
	for _, e := range list.Items {
		seen = append(seen, e.InvolvedObject.Name+" "+e.Reason+": "+e.Message)
		if strings.HasPrefix(e.Message, east+": ") && strings.Contains(e.Message, c.tells) {
			found[e.InvolvedObject.Name+" "+e.Reason] = true
		}
	}
	if !found["kept SyncFailed"] || !found["doomed CleanupWorkFailed"] {
		return fmt.Errorf("want SyncFailed about kept and CleanupWorkFailed about doomed, with %q, among\n%s", c.tells, strings.Join(seen, "\n"))
	}
	return nil
}

func (c *sufferer) inCluster(ctx context.Context) error {
	cl, err := c.api.Manifold.ClusterV1alpha1().Clusters().Get(ctx, east, metav1.GetOptions{})
	if err != nil {
		return err
	}
	cond := meta.FindStatusCondition(cl.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	if cond == nil || cond.Status != metav1.ConditionFalse || !strings.Contains(cond.Message, c.ready) {
		return fmt.Errorf("condition Ready is %+v, want False with %q", cond, c.ready)
	}
	list, err := c.api.Kube.CoreV1().Events(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, e := range list.Items {
		if e.InvolvedObject.Kind == "Cluster" && e.InvolvedObject.Name == east && strings.Contains(e.Message, c.ready) {
			return nil
		}
	}
	return fmt.Errorf("no event about the Cluster %s with %q", east, c.ready)
}
