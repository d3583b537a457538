/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package access

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
)

// parallelReviews bounds how many rights are asked about at once.
const parallelReviews = 8

// Right is what a user needs to be allowed to do.
type Right struct {
	Verb      string
	Resource  schema.GroupResource
	Namespace string // empty: in all of the cluster
	Name      string // empty: any object
}

func (r Right) String() string {
	var b strings.Builder
	b.WriteString(r.Verb + " " + r.Resource.String())
	if r.Name != "" {
		b.WriteString(" " + r.Name)
	}
	if r.Namespace != "" {
		b.WriteString(" in namespace " + r.Namespace)
	}
	return b.String()
}

// Rights returns a right for each of the verbs, which are separated by spaces.
func Rights(verbs string, resource schema.GroupResource, namespace string) []Right {
	var out []Right
	for verb := range strings.FieldsSeq(verbs) {
		out = append(out, Right{Verb: verb, Resource: resource, Namespace: namespace})
	}
	return out
}

// Missing returns those of the rights that the user of kube does not have, in the order given. Nothing is changed.
func Missing(ctx context.Context, kube kubernetes.Interface, rights []Right) ([]Right, error) {
	allowed := make([]bool, len(rights))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for i, r := range rights {
		g.Go(func() error {
			review := &authorizationv1.SelfSubjectAccessReview{}
			review.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
				Verb: r.Verb, Group: r.Resource.Group, Resource: r.Resource.Resource, Namespace: r.Namespace, Name: r.Name,
			}
			answer, err := kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
			if err != nil {
				return fmt.Errorf("ask for the right to %v: %w", r, err)
			}
			allowed[i] = answer.Status.Allowed
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var missing []Right
	for i, r := range rights {
		if !allowed[i] {
			missing = append(missing, r)
		}
	}
	return missing, nil
}

// MissingError tells a user which rights are missing. Nothing has been changed when it is returned.
type MissingError struct {
	Server  string // "hub" or "cluster"
	Host    string
	Missing []Right
}

func (e *MissingError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no rights on the %s %s; nothing has been changed. What is missing, for an administrator to grant:", e.Server, e.Host)
	for _, r := range e.Missing {
		fmt.Fprintf(&b, "\n  %v", r)
	}
	return b.String()
}
