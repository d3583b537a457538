/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

// Package deregister is the command that takes a hub away from behind the API server of a host cluster. It removes what
// registering has made there, and nothing else.
package deregister

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
	"github.com/manifold-k8s/manifold/pkg/cli/hosting"
)

const long = `Take the hub away from behind the API server of a host cluster.

What registering has made in the host is removed: APIServices, roles for users, the hub's account with
its token, the Service, and the namespace if nothing else is in it. The users of the host no longer
reach the hub. Nothing changes on the hub; start it without --host-kubeconfig.`

// options is what the command line says.
type options struct {
	host      access.HostFlags
	namespace string
}

// NewCommand returns the command.
func NewCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:     "deregister --host-kubeconfig FILE",
		Short:   "Take the hub away from behind the API server of a host cluster",
		Long:    long,
		Example: "  kubectl manifold deregister --host-kubeconfig ~/.kube/host.config",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := o.host.Load()
			if err != nil {
				return err
			}
			host, err := config.Connect(cmd.Context())
			if err != nil {
				return err
			}
			return (&hostSide{server: host, namespace: o.namespace, streams: streams}).clear(cmd.Context())
		},
	}
	o.host.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.namespace, "host-namespace", hosting.Namespace, "Namespace in the host that the hub was registered with.")
	return cmd
}

// hostSide takes from a host what registering made there.
type hostSide struct {
	server    *access.Server
	namespace string
	streams   genericiooptions.IOStreams
}

func (h *hostSide) say(kind, name, outcome string) {
	fmt.Fprintf(h.streams.Out, "host     %s/%s %s\n", strings.ToLower(kind), name, outcome)
}

// clear removes first what brings users to the hub, then the rights, so that an interruption leaves nothing that is
// powerful, and the namespace last.
func (h *hostSide) clear(ctx context.Context) error {
	missing, err := access.Missing(ctx, h.server.Kube, rights(h.namespace))
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return &access.MissingError{Server: "host cluster", Host: h.server.Host, Missing: missing}
	}
	apis, err := h.registered(ctx)
	if err != nil {
		return err
	}
	r := hosting.Registration{Namespace: h.namespace, APIs: apis}
	r.Service.Namespace, r.Service.Name, r.Service.Port = h.namespace, hosting.Name, new(int32)
	objects := append(r.APIServices(), hosting.Roles(apis)...)
	objects = append(objects, reversed(r.Account())...)
	objects = append(objects, r.TokenSecret(), &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: hosting.Name},
	})
	for _, obj := range objects {
		if err := h.delete(ctx, obj); err != nil {
			return err
		}
	}
	return h.clearNamespace(ctx)
}

func rights(namespace string) []access.Right {
	out := access.Rights("list", schema.GroupResource{Group: "apiregistration.k8s.io", Resource: "apiservices"}, "")
	out = append(out, access.Rights("get delete", corev1.Resource("namespaces"), "")...)
	for _, r := range []struct{ group, resource, namespace string }{
		{"apiregistration.k8s.io", "apiservices", ""},
		{rbacv1.GroupName, "clusterroles", ""},
		{rbacv1.GroupName, "clusterrolebindings", ""},
		{rbacv1.GroupName, "rolebindings", metav1.NamespaceSystem},
		{"", "serviceaccounts", namespace},
		{"", "secrets", namespace},
		{"", "services", namespace},
	} {
		out = append(out, access.Rights("get delete", schema.GroupResource{Group: r.group, Resource: r.resource}, r.namespace)...)
	}
	return out
}

// registered returns the APIs that registering has made known.
func (h *hostSide) registered(ctx context.Context) ([]hosting.API, error) {
	list, err := h.server.Resource(hosting.APIServiceKind, "").List(ctx, metav1.ListOptions{LabelSelector: hosting.Selector})
	if err != nil {
		return nil, fmt.Errorf("list what the host passes on: %w", err)
	}
	var out []hosting.API
	for i := range list.Items {
		version, group, ok := strings.Cut(list.Items[i].GetName(), ".")
		if !ok {
			return nil, fmt.Errorf("apiservice %s: the name is not VERSION.GROUP", list.Items[i].GetName())
		}
		out = append(out, hosting.API{GroupVersion: schema.GroupVersion{Group: group, Version: version}})
	}
	return out, nil
}

func reversed(objects []enrol.Object) []enrol.Object {
	var out []enrol.Object
	for i := range objects {
		out = append(out, objects[len(objects)-1-i])
	}
	return out
}

// delete deletes the object that has the kind and name of want, if registering made it.
func (h *hostSide) delete(ctx context.Context, want enrol.Object) error {
	kind, name := want.GetObjectKind().GroupVersionKind(), want.GetName()
	client := h.server.Resource(kind, want.GetNamespace())
	obj, err := client.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read %s %s: %w", strings.ToLower(kind.Kind), name, err)
	case !hosting.IsOurs(obj):
		h.say(kind.Kind, name, "left behind: it was not made by registering")
		return nil
	}
	err = client.Delete(ctx, name, *metav1.NewPreconditionDeleteOptions(string(obj.GetUID())))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s %s: %w", strings.ToLower(kind.Kind), name, err)
	}
	h.say(kind.Kind, name, "deleted")
	return nil
}

// clearNamespace deletes the namespace if registering made it and nothing is left in it, and says so if it stays.
func (h *hostSide) clearNamespace(ctx context.Context) error {
	ns, err := h.server.Namespace(ctx, h.namespace)
	if err != nil || ns == nil || ns.DeletionTimestamp != nil {
		return err
	}
	if !hosting.IsOurs(ns) {
		h.say("Namespace", ns.Name, "left behind: it was not made by registering")
		return nil
	}
	content, err := h.server.Content(ctx, h.namespace)
	if len(content) > 0 {
		err = errors.New("it still holds " + strings.Join(content, ", "))
	}
	if err != nil {
		h.say("Namespace", ns.Name, "left behind: "+err.Error())
		return nil
	}
	err = h.server.Kube.CoreV1().Namespaces().Delete(ctx, ns.Name, *metav1.NewPreconditionDeleteOptions(string(ns.UID)))
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete namespace %s: %w", ns.Name, err)
	}
	h.say("Namespace", ns.Name, "deleted")
	return nil
}
