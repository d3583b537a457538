/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package access

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// probeTimeout is how long a server may take to say its version. It is what a user waits for an address that swallows
// packets.
const probeTimeout = 10 * time.Second

// Server is an API server that has answered.
type Server struct {
	Host     string // as a URL
	Version  string // of Kubernetes, such as v1.36.3
	Kube     kubernetes.Interface
	Dynamic  dynamic.Interface
	Metadata metadata.Interface // prints no warnings
}

// connect builds the clients for cfg and asks the server for its version. what names the server in errors; advice says
// what to do when it does not answer.
func connect(ctx context.Context, cfg *rest.Config, what, advice string) (*Server, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS, cfg.Burst = 50, 100 // the defaults of 5 and 10 are for programs that run for ever
	s := &Server{}
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: address %q: %w", what, cfg.Host, err)
	}
	s.Host = strings.TrimSuffix(base.String(), "/")
	if s.Kube, err = kubernetes.NewForConfig(cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if s.Dynamic, err = dynamic.NewForConfig(cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	quiet := rest.CopyConfig(cfg)
	quiet.WarningHandler = rest.NoWarnings{} // what is deprecated is of no interest to who only looks what is there
	if s.Metadata, err = metadata.NewForConfig(quiet); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if s.Version, err = probe(ctx, s.Kube); err != nil {
		return nil, unreachable(what, s.Host, advice, err)
	}
	return s, nil
}

func probe(ctx context.Context, kube kubernetes.Interface) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTimeout, fmt.Errorf("no answer within %v", probeTimeout))
	defer cancel()
	body, err := kube.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx).Raw()
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return "", cause
		}
		return "", err
	}
	var info version.Info
	if err := json.Unmarshal(body, &info); err != nil {
		return "", fmt.Errorf("the answer is not that of a Kubernetes API server: %w", err)
	}
	return info.GitVersion, nil
}

// unreachable says which server was tried in which way, and what to do about the kind of err.
func unreachable(what, host, advice string, err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err // without the method and address, which are said anyway
	}
	var untrusted *tls.CertificateVerificationError
	var wrongName x509.HostnameError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%s: %s refuses the credentials (GET /version: %w); %s", what, host, err, advice)
	case errors.As(err, &wrongName), errors.As(err, &untrusted):
		return fmt.Errorf("%s: certificate of %s: %w; give the kubeconfig the right certificate authority", what, host, err)
	}
	return fmt.Errorf("%s: cannot reach %s (GET /version: %w); %s", what, host, err, advice)
}

// ID returns what tells this cluster from all others: the UID of its namespace kube-system. It is empty when there is no
// such namespace.
func (s *Server) ID(ctx context.Context) (string, error) {
	ns, err := s.Kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read namespace %s of %s: %w", metav1.NamespaceSystem, s.Host, err)
	}
	return string(ns.UID), nil
}

// Namespace returns the namespace of that name, nil if there is none.
func (s *Server) Namespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	ns, err := s.Kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read namespace %s of %s: %w", name, s.Host, err)
	}
	return ns, nil
}

// Resource returns the client for the objects of a kind with a regular plural; an empty namespace is for kinds without.
func (s *Server) Resource(kind schema.GroupVersionKind, namespace string) dynamic.ResourceInterface {
	gvr, _ := meta.UnsafeGuessKindToResource(kind)
	if namespace == "" {
		return s.Dynamic.Resource(gvr)
	}
	return s.Dynamic.Resource(gvr).Namespace(namespace)
}
