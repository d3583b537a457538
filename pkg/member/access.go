/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package member

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"

	clusterv1alpha1 "github.com/manifold-k8s/manifold/apis/cluster/v1alpha1"
)

// requestTimeout bounds a request to a member. A watch must have begun by then, and may last.
const requestTimeout = 32 * time.Second

// userAgent is how requests that are Manifold's own name their sender.
const userAgent = "manifold"

// ErrUnread reports that a member's credentials could not be read, which says nothing about what they are.
var ErrUnread = errors.New("read credentials")

// AccessTo returns how Manifold itself reaches the API server of a member, as its Cluster and the Secret that this names
// say, and a fingerprint of all that went into it. The error says what is missing; it is ErrUnread if that is not known.
func AccessTo(ctx context.Context, secrets corev1client.SecretsGetter, cl *clusterv1alpha1.Cluster) (*rest.Config, string, error) {
	if cl.Spec.SecretRef == nil {
		return nil, "", errors.New("spec.secretRef is missing: the Secret with the keys token and caBundle is needed")
	}
	cfg, err := addressOf(ctx, secrets, cl)
	if err != nil {
		return nil, "", err
	}
	if cfg.BearerToken == "" {
		ref := cl.Spec.SecretRef
		return nil, "", fmt.Errorf("secret %s/%s has no key %q", ref.Namespace, ref.Name, clusterv1alpha1.SecretTokenKey)
	}
	return cfg, fingerprint(specHash(cl), cfg), nil
}

// impersonationOf returns how users are passed on to a member: by a token that may do nothing but act as somebody else.
func impersonationOf(ctx context.Context, secrets corev1client.SecretsGetter, cl *clusterv1alpha1.Cluster) (*rest.Config, string, error) {
	ref := cl.Spec.ImpersonatorSecretRef
	if ref == nil {
		return nil, "", errors.New("spec.impersonatorSecretRef is missing: the Secret with the token that may act as users there is needed")
	}
	cfg, err := addressOf(ctx, secrets, cl)
	if err != nil {
		return nil, "", err
	}
	secret, err := readSecret(ctx, secrets, ref)
	if err != nil {
		return nil, "", err
	}
	cfg.BearerToken = string(secret.Data[clusterv1alpha1.SecretTokenKey])
	if cfg.BearerToken == "" {
		return nil, "", fmt.Errorf("secret %s/%s has no key %q", ref.Namespace, ref.Name, clusterv1alpha1.SecretTokenKey)
	}
	return cfg, fingerprint(specHash(cl), cfg), nil
}

// addressOf is where a member is and how it is known to be the one. A token that the Secret holds is in it; without
// spec.secretRef the authorities of this machine are trusted.
func addressOf(ctx context.Context, secrets corev1client.SecretsGetter, cl *clusterv1alpha1.Cluster) (*rest.Config, error) {
	if cl.Spec.APIEndpoint == "" {
		return nil, errors.New("spec.apiEndpoint is empty: the URL of the cluster's API server is needed")
	}
	cfg := &rest.Config{Host: cl.Spec.APIEndpoint, UserAgent: userAgent, Timeout: requestTimeout}
	cfg.Insecure = cl.Spec.InsecureSkipTLSVerification
	if ref := cl.Spec.SecretRef; ref != nil {
		secret, err := readSecret(ctx, secrets, ref)
		if err != nil {
			return nil, err
		}
		cfg.BearerToken = string(secret.Data[clusterv1alpha1.SecretTokenKey])
		ca := secret.Data[clusterv1alpha1.SecretCABundleKey]
		if len(ca) == 0 && !cfg.Insecure {
			return nil, fmt.Errorf("secret %s/%s has no key %q, and spec.insecureSkipTLSVerification is not set", ref.Namespace, ref.Name, clusterv1alpha1.SecretCABundleKey)
		}
		if !cfg.Insecure { // the two exclude each other
			cfg.CAData = ca
		}
	}
	if cl.Spec.ProxyURL != "" {
		proxy, err := url.Parse(cl.Spec.ProxyURL)
		if err != nil {
			return nil, fmt.Errorf("spec.proxyURL: %w", err)
		}
		cfg.Proxy = http.ProxyURL(proxy)
		if len(cl.Spec.ProxyHeader) > 0 {
			cfg.Wrap(withProxyHeader(proxyHeader(cl.Spec.ProxyHeader)))
		}
	}
	return cfg, nil
}

// readSecret distinguishes a Secret that is not there from one that could not be read.
func readSecret(ctx context.Context, secrets corev1client.SecretsGetter, ref *clusterv1alpha1.LocalSecretReference) (*corev1.Secret, error) {
	secret, err := secrets.Secrets(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("read credentials: %w", err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnread, err)
	}
	return secret, nil
}

// specHash identifies what the spec says about the connection.
func specHash(cl *clusterv1alpha1.Cluster) string {
	spec := cl.Spec.DeepCopy()
	spec.Taints, spec.ResourceModels, spec.Zones = nil, nil, nil // nothing to do with the connection
	data, err := json.Marshal(spec)
	if err != nil {
		panic(err) // plain data
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// fingerprint identifies a configuration made from a spec.
func fingerprint(spec string, cfg *rest.Config) string {
	sum := sha256.New()
	for _, part := range [][]byte{[]byte(spec), []byte(cfg.BearerToken), cfg.CAData} {
		fmt.Fprintf(sum, "%d:", len(part))
		sum.Write(part)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// proxyHeader is what goes to the proxy with a request to connect. A value may hold several, separated by commas.
func proxyHeader(header map[string]string) http.Header {
	out := http.Header{}
	for k, v := range header {
		for one := range strings.SplitSeq(v, ",") {
			out.Add(k, strings.TrimSpace(one))
		}
	}
	return out
}

// withProxyHeader makes a transport send headers to the proxy when it opens a connection.
func withProxyHeader(header http.Header) transport.WrapperFunc {
	return func(rt http.RoundTripper) http.RoundTripper {
		t, ok := rt.(*http.Transport)
		if !ok {
			return rt
		}
		t = t.Clone()
		t.ProxyConnectHeader = header
		return t
	}
}
