/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package through

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/kubernetes/scheme"
	clientrest "k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/pkg/member"
)

const (
	// patience is how long each member may take to answer a request that goes to all of them.
	patience = 10 * time.Second
	// atOnce is how many members are asked at the same time.
	atOnce = 64
	// largest is how much of one member's answer is taken, in bytes.
	largest = 256 << 20
)

var paths = request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

// all returns the handler of a request to a path that stands for the API servers of all clusters at once.
func (c *Clusters) all(as user.Info, path string, responder rest.Responder) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		info, err := paths.NewRequestInfo(&http.Request{Method: req.Method, URL: &url.URL{Path: path, RawQuery: req.URL.RawQuery}})
		if err != nil {
			responder.Error(apierrors.NewBadRequest(err.Error()))
			return
		}
		switch {
		case climbs(path):
			responder.Error(apierrors.NewBadRequest("the path has a part that is . or .."))
		case !info.IsResourceRequest:
			c.ToHub(as, path, responder).ServeHTTP(w, req)
		case len(info.Parts) > 1:
			c.toHolder(as, path, info, responder).ServeHTTP(w, req)
		case req.Method == http.MethodGet && info.Verb == "list":
			c.list(w, req, as, path, info, responder)
		default:
			status := apierrors.NewMethodNotSupported(groupResource(info), info.Verb)
			status.ErrStatus.Message += ", over all clusters at once: name the cluster"
			responder.Error(status)
		}
	}), nil
}

func groupResource(info *request.RequestInfo) schema.GroupResource {
	return schema.GroupResource{Group: info.APIGroup, Resource: info.Parts[0]}
}

// ToHub passes a request to the hub itself, as the user.
func (c *Clusters) ToHub(as user.Info, path string, responder rest.Responder) http.Handler {
	cfg := clientrest.CopyConfig(c.hub)
	cfg.Impersonate = clientrest.ImpersonationConfig{UserName: as.GetName(), UID: as.GetUID(), Groups: as.GetGroups(), Extra: as.GetExtra()}
	endpoint, err := url.Parse(cfg.Host)
	if err != nil {
		return failure{responder, err}
	}
	rt, err := clientrest.TransportFor(cfg)
	if err != nil {
		return failure{responder, err}
	}
	return Pass(&member.Way{Cluster: All, Endpoint: endpoint, Transport: anonymous{rt}}, path, responder)
}

type failure struct {
	responder Responder
	err       error
}

func (f failure) ServeHTTP(http.ResponseWriter, *http.Request) { f.responder.Error(f.err) }

// anonymous takes out of requests who sends them, for a transport that says it.
type anonymous struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (a anonymous) RoundTrip(req *http.Request) (*http.Response, error) {
	req = utilnet.CloneRequest(req)
	member.RemoveSender(req.Header)
	return a.base.RoundTrip(req)
}

// toHolder passes a request about an object to the only cluster that has it.
func (c *Clusters) toHolder(as user.Info, path string, info *request.RequestInfo, responder rest.Responder) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		given := c.ask(req.Context(), as, objectPath(info), "", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json")
		reads := (req.Method == http.MethodGet || req.Method == http.MethodHead) && req.Header.Get("Upgrade") == ""
		holder, silent, err := onlyHolder(given, groupResource(info), info.Parts[1], reads)
		if err != nil {
			responder.Error(err)
			return
		}
		for _, a := range silent {
			warning.AddWarning(req.Context(), "", fmt.Sprintf("it is not known whether cluster %s has such an object, too: %v", a.cluster, a.err))
		}
		way, err := c.members.Impersonator(req.Context(), holder, as)
		if err != nil {
			responder.Error(err)
			return
		}
		Pass(way, path, responder).ServeHTTP(w, req)
	})
}

// objectPath is the path of the object itself.
func objectPath(info *request.RequestInfo) string {
	parts := []string{"", info.APIPrefix}
	if info.APIGroup != "" {
		parts = append(parts, info.APIGroup)
	}
	parts = append(parts, info.APIVersion)
	if info.Namespace != "" && info.Parts[0] != "namespaces" {
		parts = append(parts, "namespaces", info.Namespace)
	}
	return strings.Join(append(parts, info.Parts[0], info.Parts[1]), "/")
}

// onlyHolder picks the cluster that has the object, or explains why none can be picked. A cluster in which the user may
// not even look is none that the user means. One that does not answer may have such an object as well: that is told to
// who reads, and keeps who writes from hitting the wrong one.
func onlyHolder(given []answer, resource schema.GroupResource, name string, reads bool) (holder string, silent []answer, _ error) {
	var holders []string
	var refused error
	for _, a := range given {
		switch {
		case a.err == nil:
			holders = append(holders, a.cluster)
		case apierrors.IsForbidden(a.err):
			refused = a.err
		case !apierrors.IsNotFound(a.err):
			silent = append(silent, a)
		}
	}
	switch {
	case len(holders) > 1:
		return "", nil, apierrors.NewConflict(resource, name, fmt.Errorf("it is in several clusters, of which one has to be named: %s", strings.Join(holders, ", ")))
	case len(silent) > 0 && (len(holders) == 0 || !reads):
		return "", nil, apierrors.NewServiceUnavailable(fmt.Sprintf("it is not known whether cluster %s has %s %q; name the cluster that is meant: %v",
			silent[0].cluster, resource, name, silent[0].err))
	case len(holders) == 0 && refused != nil:
		return "", nil, refused
	case len(holders) == 0:
		return "", nil, apierrors.NewNotFound(resource, name)
	}
	return holders[0], silent, nil
}

// answer is what a cluster says to a request that goes to all.
type answer struct {
	cluster string
	body    []byte
	err     error // a Status
}

// ask sends a GET to all clusters at once, and returns their answers in the order of their names.
func (c *Clusters) ask(ctx context.Context, as user.Info, path, query, accept string) []answer {
	names := c.members.Names()
	audit.AddAuditAnnotation(ctx, ClusterAuditKey, strings.Join(names, ","))
	given := make([]answer, len(names))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, name := range names {
		g.Go(func() error {
			body, err := c.get(ctx, as, name, path, query, accept)
			given[i] = answer{name, body, err}
			return nil
		})
	}
	_ = g.Wait() // errors are among the answers
	return given
}

// get returns what a cluster answers, or as an error what keeps it from that.
func (c *Clusters) get(ctx context.Context, as user.Info, cluster, path, query, accept string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	way, err := c.members.Impersonator(ctx, cluster, as)
	if err != nil {
		return nil, err
	}
	u := *way.Endpoint
	u.Path, u.RawQuery = strings.TrimSuffix(u.Path, "/")+path, query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	req.Header.Set("Accept", accept)
	resp, err := way.Transport.RoundTrip(req)
	if err != nil {
		return nil, unanswered(cluster, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largest+1))
	switch {
	case err != nil:
		return nil, unanswered(cluster, err)
	case len(body) > largest:
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("the answer of cluster %s has more than %d bytes", cluster, largest))
	case resp.StatusCode != http.StatusOK:
		return nil, refusal(resp.StatusCode, body)
	}
	return body, nil
}

// refusal makes an error of an answer other than 200.
func refusal(code int, body []byte) error {
	if obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil); err == nil {
		if status, ok := obj.(*metav1.Status); ok {
			return apierrors.FromObject(status)
		}
	}
	return apierrors.NewGenericServerResponse(code, http.MethodGet, schema.GroupResource{}, "", string(body), 0, true)
}
