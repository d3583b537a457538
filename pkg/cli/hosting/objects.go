/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package hosting

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/utils/ptr"

	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
)

const (
	// Namespace and Name are where things are, and what they are called, unless a user wants it otherwise.
	Namespace = "manifold-system"
	Name      = "manifold"

	// roleReader is the Role of every cluster that lets read by which certificates its API server is known.
	roleReader = "extension-apiserver-authentication-reader"
	// roleDelegator is the ClusterRole of every cluster that lets ask what its users may do.
	roleDelegator = "system:auth-delegator"

	managedBy = "app.kubernetes.io/managed-by"
	manager   = "kubectl-manifold"
)

// Registration is what a host is to know of a hub.
type Registration struct {
	// Namespace of the account, its token and, if it is made, the Service.
	Namespace string
	// Service by which the host's API server reaches the hub.
	Service apiregistrationv1.ServiceReference
	// Address is where a Service that is made leads to; nil if the Service exists.
	Address *url.URL
	// CABundle is for the hub's certificate, which has to be for [Registration.ServerName]; PEM.
	CABundle []byte
	// APIs are what the hub serves there.
	APIs []API
}

// API is a version of a group, and its place among others.
type API struct {
	schema.GroupVersion
	GroupPriority, VersionPriority int32
}

// ServerName is what the host calls the hub.
func (r Registration) ServerName() string { return r.Service.Name + "." + r.Service.Namespace + ".svc" }

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{managedBy: manager}}
}

func typed(gv schema.GroupVersion, kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: gv.String(), Kind: kind}
}

// IsOurs says whether registering has made an object.
func IsOurs(obj metav1.Object) bool { return obj.GetLabels()[managedBy] == manager }

// NamespaceObject returns the namespace.
func NamespaceObject(name string) *corev1.Namespace {
	return &corev1.Namespace{TypeMeta: typed(corev1.SchemeGroupVersion, "Namespace"), ObjectMeta: meta("", name)}
}

// Account returns the hub's account in the host, and what it may do there: read by which certificates the API server is
// known, and ask what users may do.
func (r Registration) Account() []enrol.Object {
	subject := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: r.Namespace, Name: Name}}
	return []enrol.Object{
		&corev1.ServiceAccount{TypeMeta: typed(corev1.SchemeGroupVersion, "ServiceAccount"), ObjectMeta: meta(r.Namespace, Name)},
		&rbacv1.ClusterRoleBinding{
			TypeMeta:   typed(rbacv1.SchemeGroupVersion, "ClusterRoleBinding"),
			ObjectMeta: meta("", "manifold:auth-delegator"),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: roleDelegator},
			Subjects:   subject,
		},
		&rbacv1.RoleBinding{
			TypeMeta:   typed(rbacv1.SchemeGroupVersion, "RoleBinding"),
			ObjectMeta: meta(metav1.NamespaceSystem, "manifold:authentication-reader"),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: roleReader},
			Subjects:   subject,
		},
	}
}

// TokenSecret returns the Secret that the host's token controller fills with a token of the account.
func (r Registration) TokenSecret() *corev1.Secret {
	s := &corev1.Secret{
		TypeMeta:   typed(corev1.SchemeGroupVersion, "Secret"),
		ObjectMeta: meta(r.Namespace, Name),
		Type:       corev1.SecretTypeServiceAccountToken,
	}
	s.Annotations = map[string]string{corev1.ServiceAccountNameKey: Name}
	return s
}

// ServiceObject returns the Service that leads out of the host to the address, nil if one that exists is to be used.
func (r Registration) ServiceObject() (*corev1.Service, error) {
	if r.Address == nil {
		return nil, nil
	}
	host := r.Address.Hostname()
	if r.Address.Scheme != "https" || host == "" || strings.Contains(host, ":") || strings.Trim(r.Address.Path, "/") != "" {
		return nil, fmt.Errorf("address %s: want https://HOST:PORT, where HOST is a DNS name or an IPv4 address", r.Address)
	}
	return &corev1.Service{
		TypeMeta:   typed(corev1.SchemeGroupVersion, "Service"),
		ObjectMeta: meta(r.Service.Namespace, r.Service.Name),
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeExternalName, ExternalName: host,
			Ports: []corev1.ServicePort{{Name: "https", Port: *r.Service.Port, Protocol: corev1.ProtocolTCP}},
		},
	}, nil
}

// Port returns the port of an address, 443 if it names none.
func Port(address *url.URL) (int32, error) {
	if address.Port() == "" {
		return 443, nil
	}
	port, err := strconv.ParseUint(address.Port(), 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("address %s: %q is not a port", address, address.Port())
	}
	return int32(port), nil
}

// APIServices returns what makes the host's API server pass requests on.
func (r Registration) APIServices() []enrol.Object {
	var out []enrol.Object
	for _, api := range r.APIs {
		out = append(out, &apiregistrationv1.APIService{
			TypeMeta:   typed(apiregistrationv1.SchemeGroupVersion, "APIService"),
			ObjectMeta: meta("", api.Version+"."+api.Group),
			Spec: apiregistrationv1.APIServiceSpec{
				Service: &apiregistrationv1.ServiceReference{
					Namespace: r.Service.Namespace, Name: r.Service.Name, Port: ptr.To(*r.Service.Port),
				},
				Group: api.Group, Version: api.Version, CABundle: r.CABundle,
				GroupPriorityMinimum: api.GroupPriority, VersionPriority: api.VersionPriority,
			},
		})
	}
	return out
}

// TokenRequest asks for a token of the account that expires after so many seconds.
func TokenRequest(seconds int64) *authenticationv1.TokenRequest {
	return &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
}

// APIServiceKind is the kind of an APIService.
var APIServiceKind = apiregistrationv1.SchemeGroupVersion.WithKind("APIService")

// Selector selects what registering has made.
const Selector = managedBy + "=" + manager
