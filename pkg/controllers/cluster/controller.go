/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package cluster connects member clusters and reports how they are: one connection per Cluster object, its credentials
// from the Secret the object names, its state in the object's status.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/binding"
	"github.com/manifold-k8s/manifold/pkg/controllers/loop"
	"github.com/manifold-k8s/manifold/pkg/member"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

// credentialsCheck is how often a member whose credentials are missing or refused is looked at again.
const credentialsCheck = 5 * time.Second

// Writer stores a Cluster, spec and status in one write.
type Writer interface {
	Update(ctx context.Context, c *clusterv1alpha1.Cluster) (*clusterv1alpha1.Cluster, error)
}

// Bindings tells whether anything may still be in a cluster.
type Bindings interface {
	HasSynced() bool
	UsesCluster(cluster string) bool
	OnChange(f func(old, now *binding.Binding)) error
}

// Config is what a Controller needs.
type Config struct {
	Clusters cache.SharedIndexInformer
	Writer   Writer
	Secrets  corev1client.SecretsGetter
	// Namespaces makes the namespaces that are set aside for the Works of one cluster each.
	Namespaces corev1client.NamespacesGetter
	Fleet      *member.Fleet
	Bindings   Bindings
	Events     record.EventRecorder
	Clock      clock.PassiveClock
	// Telemetry learns of members here; nil: nothing is measured.
	Telemetry *telemetry.Recorder
	// QPS and Burst bound the requests to one member.
	QPS   float32
	Burst int
}

// Controller is the loop over Cluster objects.
type Controller struct {
	cfg  Config
	loop *loop.Loop[string]

	mu sync.Mutex
	// differs is since when a member has been different from what its condition Ready says.
	differs map[string]time.Time
	// spaces are the clusters whose namespace is known to have been made.
	spaces map[string]bool
}

// New returns a controller that does nothing until Run.
func New(cfg Config) (*Controller, error) {
	c := &Controller{cfg: cfg, differs: map[string]time.Time{}, spaces: map[string]bool{}}
	c.loop = loop.New(loop.Config{Name: "cluster", Workers: 4}, c.step)
	add := func(obj any) {
		if name, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
			c.loop.Add(name)
		}
	}
	_, err := cfg.Clusters.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: add, UpdateFunc: func(_, obj any) { add(obj) }, DeleteFunc: add,
	})
	if err != nil {
		return nil, err
	}
	cfg.Fleet.Listen(member.Events{State: func(m *member.Member) { c.loop.Add(m.Name) }})
	return c, cfg.Bindings.OnChange(c.bindingChanged)
}

// Waiting is how many Clusters wait for a step.
func (c *Controller) Waiting() int { return c.loop.Len() }

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	var tidying sync.WaitGroup
	defer tidying.Wait()
	tidying.Go(func() {
		if err := c.leftOver(ctx); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Namespaces of clusters that have left may stay")
		}
	})
	return c.loop.Run(ctx)
}

// bindingChanged looks again at clusters of which a binding has let go: one of them may be waiting for just that.
func (c *Controller) bindingChanged(old, now *binding.Binding) {
	if old == nil {
		return
	}
	for _, cluster := range binding.Clusters(old) {
		if now == nil || !slices.Contains(binding.Clusters(now), cluster) {
			c.loop.Add(cluster)
		}
	}
}

// get returns the Cluster, which must not be changed, or nil.
func (c *Controller) get(name string) *clusterv1alpha1.Cluster {
	obj, ok, err := c.cfg.Clusters.GetStore().GetByKey(name)
	if err != nil || !ok { // an in-memory store gives no errors
		return nil
	}
	return obj.(*clusterv1alpha1.Cluster)
}

func (c *Controller) step(ctx context.Context, name string) (time.Duration, error) {
	cl := c.get(name)
	if cl == nil {
		c.cfg.Fleet.Disconnect(name)
		c.cfg.Telemetry.Forget(name)
		c.mu.Lock()
		delete(c.differs, name)
		c.mu.Unlock()
		return 0, c.clear(ctx, name)
	}
	var state member.State
	var wait time.Duration
	m, err := c.connect(ctx, cl)
	if cl.DeletionTimestamp == nil {
		if err := c.setAside(ctx, name); err != nil { // no reason to leave the member alone
			klog.FromContext(ctx).Error(err, "The cluster cannot be given Works", "cluster", name)
			c.loop.AddAfter(name, spaceRetry)
		}
	}
	switch {
	case errors.Is(err, member.ErrUnread):
		return 0, err // says nothing about the member
	case err != nil:
		state = member.State{Probed: true, Reason: clusterv1alpha1.ReasonStatusCollectionFailed, Message: err.Error()}
		wait = credentialsCheck
	default:
		state = m.State()
		if state.Probed && !state.Reachable {
			wait = credentialsCheck // its Secret may have been changed
		}
	}
	if !state.Probed {
		return 0, nil // the probe's end brings us back
	}
	c.cfg.Telemetry.Add(name).Ready(state.Ready)
	next := cl.DeepCopy()
	now := c.cfg.Clock.Now()
	hold := observe(next, state, now, c.since(cl, state, now))
	if equality.Semantic.DeepEqual(cl, next) {
		if cl.DeletionTimestamp != nil {
			again, err := c.leave(ctx, cl)
			return shorter(again, shorter(wait, hold)), err
		}
		return shorter(wait, hold), nil
	}
	if _, err := c.cfg.Writer.Update(ctx, next); err != nil {
		return 0, fmt.Errorf("write cluster: %w", err)
	}
	c.cfg.Telemetry.Wrote(telemetry.ByCluster, telemetry.Cluster)
	c.announce(cl, next)
	return shorter(wait, hold), nil
}

// since returns since when the state has been different from what the condition Ready says. Only this process counts:
// after a restart the first observation is taken as it is.
func (c *Controller) since(cl *clusterv1alpha1.Cluster, s member.State, now time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ready := readyOf(cl)
	if ready == nil || (ready.Status == metav1.ConditionTrue) == s.Ready {
		c.differs[cl.Name] = time.Time{}
		return now
	}
	t, seen := c.differs[cl.Name]
	if !seen {
		return time.Time{}
	}
	if t.IsZero() {
		t = now
		c.differs[cl.Name] = now
	}
	return t
}

// shorter returns the shorter wait, where 0 means none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// announce tells in an event when a member becomes ready or stops being so.
func (c *Controller) announce(before, after *clusterv1alpha1.Cluster) {
	old, now := readyOf(before), readyOf(after)
	if now == nil || (old != nil && old.Status == now.Status) {
		return
	}
	kind := corev1.EventTypeNormal
	if now.Status != metav1.ConditionTrue {
		kind = corev1.EventTypeWarning
	}
	c.cfg.Events.Event(after, kind, now.Reason, now.Message)
}

// leave lets a Cluster go once nothing is left in it, or when its condition Ready says that it is away: what lies in a
// cluster that cannot be reached stays there, and the user who removes such a cluster knows it.
func (c *Controller) leave(ctx context.Context, cl *clusterv1alpha1.Cluster) (time.Duration, error) {
	i := indexOf(cl.Finalizers, clusterv1alpha1.ClusterFinalizer)
	if i < 0 {
		return 0, nil
	}
	away := !meta.IsStatusConditionTrue(cl.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	switch {
	case away:
	case !c.cfg.Bindings.HasSynced():
		return time.Second, nil // at start-up only
	case c.cfg.Bindings.UsesCluster(cl.Name):
		return 0, nil // a binding that lets go, or a change of the condition, brings us back
	}
	next := cl.DeepCopy()
	next.Finalizers = append(next.Finalizers[:i], next.Finalizers[i+1:]...)
	if _, err := c.cfg.Writer.Update(ctx, next); err != nil && !apierrors.IsNotFound(err) {
		return 0, fmt.Errorf("release cluster: %w", err)
	}
	c.cfg.Telemetry.Wrote(telemetry.ByCluster, telemetry.Cluster)
	klog.FromContext(ctx).Info("Cluster has left", "cluster", cl.Name, "away", away)
	return 0, nil
}

func indexOf(list []string, s string) int {
	for i, v := range list {
		if v == s {
			return i
		}
	}
	return -1
}

// connect makes sure that the fleet has a connection as cl describes it.
func (c *Controller) connect(ctx context.Context, cl *clusterv1alpha1.Cluster) (*member.Member, error) {
	if cl.Spec.SyncMode == clusterv1alpha1.Pull {
		return nil, errors.New("spec.syncMode Pull has no effect yet: only clusters in Push mode are connected")
	}
	cfg, fingerprint, err := member.AccessTo(ctx, c.cfg.Secrets, cl)
	if err != nil {
		return nil, err // a connection made before stays: old credentials may well be good still
	}
	cfg.QPS, cfg.Burst = c.cfg.QPS, c.cfg.Burst
	cfg.Wrap(c.cfg.Telemetry.Add(cl.Name).Transport(cl.Spec.APIEndpoint))
	return c.cfg.Fleet.Connect(cl.Name, fingerprint, cfg)
}
