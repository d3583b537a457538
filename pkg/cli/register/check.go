/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package register

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/hosting"
)

var (
	namespaces   = corev1.Resource("namespaces")
	roles        = schema.GroupResource{Group: rbacv1.GroupName, Resource: "clusterroles"}
	bindings     = schema.GroupResource{Group: rbacv1.GroupName, Resource: "clusterrolebindings"}
	roleBindings = schema.GroupResource{Group: rbacv1.GroupName, Resource: "rolebindings"}
	apiServices  = schema.GroupResource{Group: apiregistrationv1.GroupName, Resource: "apiservices"}
	everything   = schema.GroupResource{Group: rbacv1.APIGroupAll, Resource: rbacv1.ResourceAll}
)

// dialTimeout bounds the look at the hub's certificate.
const dialTimeout = 5 * time.Second

// checkRights returns an [access.MissingError] unless the user may do all that registering takes, in the host and on the
// hub.
func (o *options) checkRights(ctx context.Context, hub *access.Hub, host *access.Server) error {
	missing, err := access.Missing(ctx, host.Kube, o.rights())
	if err != nil {
		return err
	}
	grant, err := missingToGrant(ctx, host)
	if err != nil {
		return err
	}
	if missing = append(missing, grant...); len(missing) > 0 {
		return &access.MissingError{Server: "host cluster", Host: host.Host, Missing: missing}
	}
	onHub := append(access.Rights("list", apiServices, ""), access.Right{Verb: "get", Resource: namespaces, Name: metav1.NamespaceSystem})
	if missing, err = access.Missing(ctx, hub.Kube, onHub); err != nil {
		return err
	}
	if len(missing) > 0 {
		return &access.MissingError{Server: "hub", Host: hub.Host, Missing: missing}
	}
	return nil
}

// check returns an error unless registering will do, as far as can be told without changing anything.
func (o *options) check(ctx context.Context, host *access.Server, r hosting.Registration, streams genericiooptions.IOStreams) error {
	if err := checkFrontProxy(ctx, host, streams); err != nil {
		return err
	}
	if err := checkForeign(ctx, host, r); err != nil {
		return err
	}
	if o.service != "" {
		return checkService(ctx, host, r)
	}
	return checkCertificate(ctx, r, streams)
}

func (o *options) rights() []access.Right {
	var account []access.Right
	if o.access != "" {
		account = slices.Concat(
			access.Rights("get create patch", corev1.Resource("serviceaccounts"), o.namespace),
			access.Rights("get create patch", bindings, ""),
			access.Rights("get create patch", roleBindings, metav1.NamespaceSystem),
		)
		token := access.Rights("get create patch watch delete", corev1.Resource("secrets"), o.namespace)
		if o.duration > 0 {
			token = access.Rights("create", corev1.Resource("serviceaccounts/token"), o.namespace)
		}
		account = append(account, token...)
	}
	return slices.Concat(
		[]access.Right{
			{Verb: "get", Resource: namespaces, Name: metav1.NamespaceSystem},
			{Verb: "get", Resource: corev1.Resource("configmaps"), Namespace: metav1.NamespaceSystem, Name: "extension-apiserver-authentication"},
		},
		access.Rights("get create", namespaces, ""),
		account,
		access.Rights("get create patch", corev1.Resource("services"), o.namespace),
		access.Rights("get create patch", roles, ""),
		access.Rights("get create patch", apiServices, ""),
	)
}

// missingToGrant returns what the user lacks for making roles and giving them to others: either to be allowed everything,
// or to be exempt from the rule that nobody grants what they do not have.
func missingToGrant(ctx context.Context, host *access.Server) ([]access.Right, error) {
	missing, err := access.Missing(ctx, host.Kube, access.Rights(rbacv1.VerbAll, everything, ""))
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	return access.Missing(ctx, host.Kube, slices.Concat(access.Rights("escalate bind", roles, ""),
		access.Rights("bind", schema.GroupResource{Group: rbacv1.GroupName, Resource: "roles"}, metav1.NamespaceSystem)))
}

// checkFrontProxy looks whether the host's API server says by which certificate other servers know it.
func checkFrontProxy(ctx context.Context, host *access.Server, streams genericiooptions.IOStreams) error {
	const name = "extension-apiserver-authentication"
	published, err := host.Kube.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read by which certificate the host's API server is known: %w", err)
	}
	authority := published.Data["requestheader-client-ca-file"]
	if authority == "" {
		return fmt.Errorf("the API server of the host is not set up for servers behind it: ConfigMap %s/%s has no "+
			"requestheader-client-ca-file; start it with --requestheader-client-ca-file and --proxy-client-cert-file", metav1.NamespaceSystem, name)
	}
	anyName := published.Data["requestheader-allowed-names"] == "" || published.Data["requestheader-allowed-names"] == "[]"
	if anyName && authority == published.Data["client-ca-file"] {
		return errors.New("the host's API server takes the same authority for its users' certificates and its own as a front proxy, " +
			"with any name: each of its users could pass for any other; start it with --requestheader-allowed-names or another --requestheader-client-ca-file")
	}
	if anyName {
		fmt.Fprintln(streams.ErrOut, "warning: the host's API server allows any name in front-proxy certificates (--requestheader-allowed-names); "+
			"whoever has a certificate of that authority can pass for any of its users")
	}
	return nil
}

// checkForeign returns an error when something that registering would write is there and was made by somebody else.
func checkForeign(ctx context.Context, host *access.Server, r hosting.Registration) error {
	objects := append(r.APIServices(), hosting.Roles(r.APIs)...)
	service, err := r.ServiceObject()
	if err != nil {
		return err
	}
	if service != nil {
		objects = append(objects, service)
	}
	var errs []error
	for _, want := range objects {
		kind := want.GetObjectKind().GroupVersionKind()
		have, err := host.Resource(kind, want.GetNamespace()).Get(ctx, want.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && hosting.IsOurs(have):
		case err != nil:
			errs = append(errs, fmt.Errorf("read %s %s: %w", strings.ToLower(kind.Kind), want.GetName(), err))
		case kind.Kind == "APIService":
			errs = append(errs, fmt.Errorf("the host serves %s already, and not by a registration: remove apiservice %s, or what made it, first",
				strings.Join(strings.SplitN(want.GetName(), ".", 2), " of "), want.GetName()))
		default:
			errs = append(errs, fmt.Errorf("the host has a %s %s that was not made by a registration: remove it first", strings.ToLower(kind.Kind), want.GetName()))
		}
	}
	return errors.Join(errs...)
}

// checkService looks whether the Service is there, with that port.
func checkService(ctx context.Context, host *access.Server, r hosting.Registration) error {
	s, err := host.Kube.CoreV1().Services(r.Service.Namespace).Get(ctx, r.Service.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("--service: %w", err)
	}
	if s.Spec.Type != corev1.ServiceTypeExternalName && !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == *r.Service.Port }) {
		return fmt.Errorf("--service: %s/%s has no port %d", s.Namespace, s.Name, *r.Service.Port)
	}
	return nil
}

// checkCertificate looks whether the certificate at the address is what the host will expect there. An address that cannot
// be reached from here is only warned of: it is the host that has to reach it.
func checkCertificate(ctx context.Context, r hosting.Registration, streams genericiooptions.IOStreams) error {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(r.CABundle) {
		return errors.New("kubeconfig of the hub: its certificate authority is not in PEM form")
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: r.ServerName(), MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(r.Address.Hostname(), strconv.Itoa(int(*r.Service.Port))))
	var untrusted *tls.CertificateVerificationError
	switch {
	case err == nil:
		return conn.Close()
	case errors.As(err, &untrusted):
		return fmt.Errorf("the certificate at %s will not do for the host, which calls the hub %s: %w; start the hub with --serving-names %s",
			r.Address, r.ServerName(), untrusted.Err, r.ServerName())
	}
	fmt.Fprintf(streams.ErrOut, "warning: %s cannot be reached from here (%v); the host has to reach it\n", r.Address, err)
	return nil
}

// groups are the domains of our API groups.
var groups = []string{".karmada.io", ".manifold-k8s.io"}

// served returns what of our API groups the hub serves itself, in its order.
func served(ctx context.Context, hub *access.Server) ([]hosting.API, error) {
	list, err := hub.Resource(hosting.APIServiceKind, "").List(ctx, metav1.ListOptions{LabelSelector: "kube-aggregator.kubernetes.io/automanaged=onstart"})
	if err != nil {
		return nil, fmt.Errorf("list what the hub serves: %w", err)
	}
	var out []hosting.API
	for i := range list.Items {
		var s apiregistrationv1.APIService
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &s); err != nil {
			return nil, fmt.Errorf("read apiservice %s of the hub: %w", list.Items[i].GetName(), err)
		}
		if s.Spec.Service != nil || !slices.ContainsFunc(groups, func(domain string) bool { return strings.HasSuffix(s.Spec.Group, domain) }) {
			continue
		}
		out = append(out, hosting.API{
			GroupVersion:  schema.GroupVersion{Group: s.Spec.Group, Version: s.Spec.Version},
			GroupPriority: s.Spec.GroupPriorityMinimum, VersionPriority: s.Spec.VersionPriority,
		})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("hub: %s serves none of the groups that are to be registered", hub.Host)
	}
	return out, nil
}

// parseService reads NAMESPACE/NAME or NAMESPACE/NAME:PORT.
func parseService(s string) (apiregistrationv1.ServiceReference, error) {
	path, port, given := strings.Cut(s, ":")
	namespace, name, ok := strings.Cut(path, "/")
	number := uint64(443)
	var err error
	if given {
		number, err = strconv.ParseUint(port, 10, 16)
	}
	if !ok || namespace == "" || name == "" || err != nil || number == 0 {
		return apiregistrationv1.ServiceReference{}, fmt.Errorf("invalid --service %q: want NAMESPACE/NAME or NAMESPACE/NAME:PORT", s)
	}
	p := int32(number)
	return apiregistrationv1.ServiceReference{Namespace: namespace, Name: name, Port: &p}, nil
}
