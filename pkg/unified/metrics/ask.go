/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package metrics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/client/clientset/versioned/scheme"

	"github.com/manifold-k8s/manifold/pkg/unified/present"
)

const (
	// clusterAuditKey is the annotation of an audit event that names the clusters to which the request went.
	clusterAuditKey = "manifold-k8s.io/cluster"

	// queryAnnotation names the cluster of an object, where clients of Karmada look for it in metrics.
	queryAnnotation = "resource.karmada.io/query-from-cluster"
)

var errImpatient = errors.New("the cluster takes too long to answer")

// fleet are the members, asked about the objects of one namespace.
type fleet struct {
	Config
	resource  *resource
	namespace string
}

// query is what one member is asked for: the object of that name, or those that are selected.
type query struct {
	name   string
	labels string
	fields string
}

// answer is one of a member, as shown on the hub.
type answer struct {
	cluster string
	items   []runtime.Object
	err     error
}

// ask asks clusters at once, each with the query for it, and returns the answers in their order.
func (f *fleet) ask(ctx context.Context, clusters []string, about func(cluster string) query) []answer {
	if len(clusters) > 0 {
		audit.AddAuditAnnotation(ctx, clusterAuditKey, strings.Join(clusters, ","))
	}
	answers := make([]answer, len(clusters))
	var wg sync.WaitGroup
	for i, cluster := range clusters {
		wg.Go(func() {
			items, err := f.askOne(ctx, cluster, about(cluster))
			answers[i] = answer{cluster: cluster, items: items, err: err}
		})
	}
	wg.Wait()
	return answers
}

func (f *fleet) askOne(ctx context.Context, cluster string, q query) ([]runtime.Object, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.Patience, errImpatient)
	defer cancel()
	client, err := f.client(ctx, cluster)
	if apierrors.IsNotFound(err) && q.name == "" {
		return nil, nil // the Cluster has just been deleted
	}
	if err != nil {
		return nil, err
	}
	req := client.Get().NamespaceIfScoped(f.namespace, f.resource.namespaced && f.namespace != metav1.NamespaceAll).
		Resource(f.resource.name).MaxRetries(0)
	if q.name != "" {
		req = req.Name(q.name)
	}
	if q.labels != "" {
		req = req.Param("labelSelector", q.labels)
	}
	if q.fields != "" {
		req = req.Param("fieldSelector", q.fields)
	}
	obj, err := req.Do(ctx).Get()
	if err != nil {
		if errors.Is(context.Cause(ctx), errImpatient) {
			err = fmt.Errorf("%w: more than %v", errImpatient, f.Patience)
		}
		return nil, err
	}
	items := []runtime.Object{obj}
	if q.name == "" {
		if items, err = meta.ExtractList(obj); err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
	}
	for _, item := range items {
		if err := show(cluster, item); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (f *fleet) client(ctx context.Context, cluster string) (*rest.RESTClient, error) {
	cfg, err := f.Members.Config(ctx, cluster)
	if err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	cfg.GroupVersion, cfg.APIPath, cfg.QPS, cfg.RateLimiter = &SchemeGroupVersion, "/apis", -1, nil
	cfg.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	cfg.ContentType = runtime.ContentTypeJSON
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON // what serves metrics may not know the first
	return rest.RESTClientFor(cfg)
}

// show changes an object of a cluster to what it looks like on the hub.
func show(cluster string, obj runtime.Object) error {
	if err := present.Object(cluster, obj, nil); err != nil {
		return err
	}
	m, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	annotations := m.GetAnnotations()
	annotations[queryAnnotation] = cluster
	m.SetAnnotations(annotations)
	return nil
}

// problem says why a list has not come.
func (a answer) problem() string {
	switch {
	case apierrors.IsNotFound(a.err):
		return fmt.Sprintf("%s does not serve %s, for which it needs metrics-server or the like", a.cluster, SchemeGroupVersion)
	case errors.Is(a.err, errImpatient):
		return a.cluster + " does not answer"
	}
	return fmt.Sprintf("%s does not answer: %v", a.cluster, a.err)
}

// explain says what is wrong with the first of the answers, and how many more there are.
func explain(failed []answer) string {
	const most = 3
	var out []string
	for i, a := range failed {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(failed)-most))
			break
		}
		out = append(out, a.problem())
	}
	return strings.Join(out, "; ")
}

// sortByName puts objects into the order of lists.
func sortByName(items []runtime.Object) {
	key := func(obj runtime.Object) (string, string) {
		m, err := meta.Accessor(obj)
		if err != nil {
			return "", ""
		}
		return m.GetNamespace(), m.GetName()
	}
	slices.SortFunc(items, func(a, b runtime.Object) int {
		aNamespace, aName := key(a)
		bNamespace, bName := key(b)
		return cmp.Or(cmp.Compare(aNamespace, bNamespace), cmp.Compare(aName, bName))
	})
}
