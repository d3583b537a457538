/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package through passes requests of users on to a member: whole parts of its API, and what leads into its pods. It knows
// nothing of what is in them; who may send what was decided before, or is decided by the member.
package through

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/klog/v2"

	"github.com/manifold-k8s/manifold/pkg/member"
)

// ClusterAuditKey is the annotation of an audit event that names the clusters to which the request went.
const ClusterAuditKey = "manifold-k8s.io/cluster"

// Responder answers a request with an error.
type Responder interface {
	Error(err error)
}

// Pass returns a handler that passes a request on to a path of a member's API server, whatever its method, and with its
// query: answers that go on, and changes of protocol, included. Nothing limits how long it takes once there is a
// connection.
func Pass(way *member.Way, path string, responder Responder) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if climbs(path) {
			responder.Error(apierrors.NewBadRequest("the path has a part that is . or .."))
			return
		}
		audit.AddAuditAnnotation(req.Context(), ClusterAuditKey, way.Cluster)
		location := *way.Endpoint
		location.Path, location.RawPath = strings.TrimSuffix(location.Path, "/")+"/"+strings.TrimPrefix(path, "/"), ""
		location.RawQuery = req.URL.RawQuery
		h := proxy.NewUpgradeAwareHandler(&location, answers{way.Transport}, false, false, failures{way.Cluster, responder})
		h.UpgradeTransport = way.Upgrade
		h.UseLocationHost = true
		h.FlushInterval = -1                                 // at once
		h.RejectForwardingRedirects = !leadsIntoObject(path) // a user's client must not be sent elsewhere by an API server
		h.ServeHTTP(w, req)
	})
}

// climbs reports whether a path has parts that mean another place. To the hub, and to an API server, they are names like
// any other; something on the way might see it otherwise and lead to what the user was not authorized for.
func climbs(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// leadsIntoObject reports whether it is an application that answers at a path, behind the subresource proxy of the
// member's own API. Those may redirect.
func leadsIntoObject(path string) bool {
	return strings.HasSuffix(path, "/proxy") || strings.Contains(path, "/proxy/")
}

// answers takes out of a member's answers what the hub says of each request itself.
type answers struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.base.RoundTrip(req)
	if err == nil {
		for _, name := range []string{"Audit-Id", "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid", "Strict-Transport-Security"} {
			resp.Header.Del(name)
		}
		if resp.Header.Get("Cache-Control") == "no-cache, private" { // the hub's own words
			resp.Header.Del("Cache-Control")
		}
	}
	return resp, err
}

// failures tells the user when there is no answer.
type failures struct {
	cluster   string
	responder Responder
}

// Error implements proxy.ErrorResponder.
func (f failures) Error(_ http.ResponseWriter, req *http.Request, err error) {
	if req.Context().Err() == nil { // else it is the user who has gone
		klog.FromContext(req.Context()).V(2).Info("A request has not been passed on", "member", f.cluster, "path", req.URL.Path, "err", err)
	}
	f.responder.Error(unanswered(f.cluster, err))
}

// unanswered makes a Status of the reason why a member gave no answer.
func unanswered(cluster string, err error) error {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return &apierrors.StatusError{ErrStatus: status.Status()}
	}
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return apierrors.NewTimeoutError(fmt.Sprintf("cluster %s does not answer: %v", cluster, err), 0)
	}
	return apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s does not answer: %v", cluster, err))
}
