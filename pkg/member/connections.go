/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

const (
	// credentialsAge is for how long credentials are used without a look at whether the Secret has others.
	credentialsAge = 5 * time.Minute
	// refusedAge is the same for credentials that the member has refused.
	refusedAge = time.Second
	// credentialsTimeout bounds how long reading them from the hub may take.
	credentialsTimeout = 5 * time.Second
)

// identity is whose credentials a connection has.
type identity int

const (
	manifold     identity = iota // Manifold's own, which may do everything
	impersonator                 // may only act as users
	identities
)

// ConnectionsConfig is what Connections needs.
type ConnectionsConfig struct {
	Clusters cache.SharedIndexInformer
	Secrets  corev1client.SecretsGetter
	Clock    clock.PassiveClock
	// Telemetry counts the requests to members that it knows of; nil: nothing is counted.
	Telemetry *telemetry.Recorder
}

// Connections are the ways to all members for who answers requests of users: on every replica of the server, whichever of
// them leads. Unlike a Fleet it asks members nothing by itself. Credentials are read when they are first used, and anew
// when the Cluster changes, when the member has refused them, and after five minutes.
type Connections struct {
	cfg ConnectionsConfig

	mu        sync.Mutex
	clusters  map[string]*connection
	listeners []func(cluster string)
}

// connection is what is kept of one member.
type connection struct {
	mu     sync.Mutex // held while credentials are read, so that they are read once
	logins [identities]*login
}

// login is a connection with credentials; it does not change but for its age.
type login struct {
	cluster     *clusterv1alpha1.Cluster // as it was when last compared
	spec        string                   // the hash of its spec
	fingerprint string
	as          identity
	path        path

	checked time.Time // when the credentials were last read
	refused bool
}

// NewConnections returns connections that follow the informer of Clusters.
func NewConnections(cfg ConnectionsConfig) (*Connections, error) {
	c := &Connections{cfg: cfg, clusters: map[string]*connection{}}
	_, err := cfg.Clusters.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { c.changed(obj.(*clusterv1alpha1.Cluster).Name) },
		UpdateFunc: func(old, now any) {
			before, after := old.(*clusterv1alpha1.Cluster), now.(*clusterv1alpha1.Cluster)
			if before.UID != after.UID || before.Generation != after.Generation && specHash(before) != specHash(after) {
				c.changed(after.Name)
			}
		},
		DeleteFunc: func(obj any) {
			if name, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
				c.forget(name)
				c.changed(name)
			}
		},
	})
	return c, err
}

// OnChange adds a listener for clusters that came, went (Exists is then false), or are reached in another way now. It must
// be called before Run; the listener must return quickly.
func (c *Connections) OnChange(f func(cluster string)) { c.listeners = append(c.listeners, f) }

func (c *Connections) changed(cluster string) {
	for _, f := range c.listeners {
		f(cluster)
	}
}

// HasSynced reports whether all Clusters are known.
func (c *Connections) HasSynced() bool { return c.cfg.Clusters.HasSynced() }

// Run returns when ctx has ended, and lets go of connections that are not in use.
func (c *Connections) Run(ctx context.Context) error {
	<-ctx.Done()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.clusters {
		conn.close()
	}
	return nil
}

// Names are all clusters, sorted.
func (c *Connections) Names() []string {
	names := c.cfg.Clusters.GetStore().ListKeys()
	slices.Sort(names)
	return names
}

// Exists reports whether there is a Cluster of that name.
func (c *Connections) Exists(cluster string) bool { return c.get(cluster) != nil }

// Ready reports whether the Cluster says that its member answers and is healthy, and if not, why.
func (c *Connections) Ready(cluster string) (bool, string) {
	cl := c.get(cluster)
	if cl == nil {
		return false, "there is no such cluster"
	}
	ready := meta.FindStatusCondition(cl.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	if ready == nil {
		return false, "nothing is known of it yet"
	}
	return ready.Status == "True", ready.Message
}

func (c *Connections) get(name string) *clusterv1alpha1.Cluster {
	obj, ok, err := c.cfg.Clusters.GetStore().GetByKey(name)
	if err != nil || !ok { // an in-memory store gives no errors
		return nil
	}
	return obj.(*clusterv1alpha1.Cluster)
}

// Config returns the configuration of clients that act with Manifold's own rights. All of them share their connections,
// and take up new credentials without being made anew; they fail when the Cluster says that the member is reached in
// another way than when this was called. Their rate is not limited. The error is a Status: NotFound for no such Cluster.
func (c *Connections) Config(ctx context.Context, cluster string) (*rest.Config, error) {
	l, err := c.login(ctx, cluster, manifold)
	if err != nil {
		return nil, err
	}
	cfg := &rest.Config{
		Host: l.path.endpoint.String(), UserAgent: userAgent, QPS: -1,
		Transport: &renewing{connections: c, cluster: cluster, spec: l.spec, as: manifold, via: func(l *login) http.RoundTripper { return l.path.counted }},
	}
	cfg.Wrap(bounded(requestTimeout))
	return cfg, nil
}

// login returns a connection with credentials that are as good as is known.
func (c *Connections) login(ctx context.Context, cluster string, as identity) (*login, error) {
	cl := c.get(cluster)
	if cl == nil {
		return nil, apierrors.NewNotFound(clusterv1alpha1.Resource("clusters"), cluster)
	}
	conn := c.connection(cluster)
	l, renewed, err := conn.login(cl, as, c.cfg.Clock.Now(), func() (*login, error) { return c.read(ctx, cl, as) })
	if err != nil {
		return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s cannot be asked: %v", cluster, err))
	}
	if renewed {
		c.changed(cluster)
	}
	return l, nil
}

func (c *Connections) connection(cluster string) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	conn := c.clusters[cluster]
	if conn == nil {
		conn = &connection{}
		c.clusters[cluster] = conn
	}
	return conn
}

func (c *Connections) forget(cluster string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn := c.clusters[cluster]; conn != nil {
		conn.close()
		delete(c.clusters, cluster)
	}
}

// refused notes that the member does not take the credentials: they are read anew before they are used again.
func (c *Connections) refused(cluster string, l *login) {
	conn := c.connection(cluster)
	conn.mu.Lock()
	defer conn.mu.Unlock()
	l.refused = true
}

// read makes a login from the Cluster and the Secrets as they are now.
func (c *Connections) read(ctx context.Context, cl *clusterv1alpha1.Cluster, as identity) (*login, error) {
	// Others may wait for what is read here, so it does not end with the request that came first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), credentialsTimeout)
	defer cancel()
	from := AccessTo
	if as == impersonator {
		from = impersonationOf
	}
	cfg, print, err := from(ctx, c.cfg.Secrets, cl)
	if err != nil {
		return nil, err
	}
	p, err := newPath(cl, cfg, c.cfg.Telemetry)
	if err != nil {
		return nil, err
	}
	return &login{cluster: cl, spec: specHash(cl), fingerprint: print, as: as, path: p}, nil
}

// login returns the login of an identity, read if necessary. One that serves is kept when its credentials cannot be read.
// renewed says that there was another one before.
func (conn *connection) login(cl *clusterv1alpha1.Cluster, as identity, now time.Time, read func() (*login, error)) (_ *login, renewed bool, _ error) {
	conn.mu.Lock()
	defer conn.mu.Unlock()
	old := conn.logins[as]
	if old != nil && old.of(cl) && now.Before(old.expiry()) {
		return old, false, nil
	}
	fresh, err := read()
	switch {
	case err != nil && errors.Is(err, ErrUnread) && old != nil && old.of(cl):
		return old, false, nil
	case err != nil:
		return nil, false, err
	case old != nil && old.fingerprint == fresh.fingerprint && old.cluster.UID == cl.UID:
		old.checked, old.refused = now, false
		return old, false, nil
	}
	fresh.checked = now
	conn.logins[as] = fresh
	if old != nil {
		old.path.close()
	}
	return fresh, old != nil && as == manifold, nil
}

// of reports whether the login is to what the Cluster describes.
func (l *login) of(cl *clusterv1alpha1.Cluster) bool {
	if l.cluster == cl {
		return true
	}
	if l.cluster.UID != cl.UID || l.spec != specHash(cl) {
		return false
	}
	l.cluster = cl // the next comparison is of pointers
	return true
}

// expiry is when the credentials must be looked at again.
func (l *login) expiry() time.Time {
	if l.refused {
		return l.checked.Add(refusedAge)
	}
	return l.checked.Add(credentialsAge)
}

func (conn *connection) close() {
	conn.mu.Lock()
	defer conn.mu.Unlock()
	for _, l := range conn.logins {
		if l != nil {
			l.path.close()
		}
	}
}
