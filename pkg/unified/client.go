/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package unified

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// clusterAuditKey is the annotation of an audit event that names the cluster to which the request went.
const clusterAuditKey = "manifold-k8s.io/cluster"

// clients are the connections in use. Their configurations last until forget.
type clients struct {
	mu    sync.Mutex
	known map[clientKey]*rest.RESTClient
}

type clientKey struct {
	cluster string
	version schema.GroupVersion
}

func (c *clients) get(key clientKey) *rest.RESTClient {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[key]
}

func (c *clients) put(key clientKey, client *rest.RESTClient) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[clientKey]*rest.RESTClient{}
	}
	c.known[key] = client
}

// forget makes the next request to a cluster ask anew how to reach it.
func (c *clients) forget(cluster string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.known {
		if k.cluster == cluster {
			delete(c.known, k)
		}
	}
}

// client returns a client for the native kinds of a group-version in a cluster. Nothing limits its rate, and its requests
// last as long as their contexts.
func (u *Unified) client(ctx context.Context, cluster string, version schema.GroupVersion) (*rest.RESTClient, error) {
	key := clientKey{cluster, version}
	if c := u.clients.get(key); c != nil {
		return c, nil
	}
	cfg, err := u.members().Config(ctx, cluster)
	if err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	cfg.GroupVersion, cfg.APIPath, cfg.Timeout, cfg.QPS, cfg.RateLimiter = &version, "/apis", 0, -1, nil
	if version.Group == "" {
		cfg.APIPath = "/api"
	}
	cfg.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	cfg.ContentType = runtime.ContentTypeProtobuf
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	c, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to cluster %s: %w", cluster, err)
	}
	u.clients.put(key, c)
	return c, nil
}

// call is a request to one member about one object, or a subresource of it.
type call struct {
	cluster     string
	namespace   string
	name        string // in the member
	subresource string
	patch       types.PatchType // of the body, if it is one
	options     runtime.Object  // of the query, may be nil
	body        any
}

// writePatience is how long a member may take over a change, if the hub's patience with it is not longer: its admission
// webhooks have a say in it.
const writePatience = 30 * time.Second

// send sends the call with a verb and returns what it is answered. shown is the
// object's name for messages.
func (r *resource) send(ctx context.Context, c call, verb string, shown string) (runtime.Object, error) {
	audit.AddAuditAnnotation(ctx, clusterAuditKey, c.cluster)
	return r.ask(ctx, c, verb, shown)
}

// ask is send for one of several clusters that are asked for the same, which the audit has no place for.
func (r *resource) ask(ctx context.Context, c call, verb string, shown string) (runtime.Object, error) {
	obj, err := r.do(ctx, c, verb)
	if err != nil {
		return nil, r.explain(c.cluster, shown, err)
	}
	return obj, nil
}

func (r *resource) do(ctx context.Context, c call, verb string) (runtime.Object, error) {
	limit := r.cfg.Patience
	if verb != http.MethodGet {
		limit = max(limit, writePatience)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errImpatient)
	defer cancel()
	client, err := r.client(ctx, c.cluster, r.kind.version)
	if err != nil {
		return nil, err
	}
	req := client.Verb(verb)
	if verb == http.MethodPatch {
		req = client.Patch(c.patch)
	}
	req = req.NamespaceIfScoped(c.namespace, r.kind.namespaced).Resource(r.kind.resource).Name(c.name).MaxRetries(0)
	if c.subresource != "" {
		req = req.SubResource(c.subresource)
	}
	if c.options != nil {
		req = req.VersionedParams(c.options, scheme.ParameterCodec)
	}
	if c.body != nil {
		req = req.Body(c.body)
	}
	obj, err := req.Do(ctx).Get()
	if err != nil && context.Cause(ctx) == errImpatient {
		err = fmt.Errorf("no answer within %v", limit)
	}
	if apierrors.IsUnauthorized(err) {
		r.clients.forget(c.cluster)
	}
	return obj, err
}

var errImpatient = errors.New("the member took too long")

// explain puts a member's error in the hub's terms: the object has another name here, and what went wrong between hub and
// member is no fault of the client's.
func (r *resource) explain(cluster, shown string, err error) error {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s does not answer: %v", cluster, err))
	}
	s := answer.Status()
	switch {
	case apierrors.IsNotFound(err):
		return apierrors.NewNotFound(r.groupResource(), shown)
	case apierrors.IsUnauthorized(err):
		return apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s does not accept Manifold's credentials: %s", cluster, s.Message))
	case apierrors.IsForbidden(err):
		s.Message = fmt.Sprintf("Manifold itself may not do this in cluster %s: %s", cluster, s.Message)
	}
	if s.Details != nil {
		d := *s.Details
		d.Name = shown
		d.RetryAfterSeconds = 0
		s.Details = &d
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: s.Code, Reason: s.Reason, Message: s.Message, Details: s.Details,
	}}
}
