/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// The ConfigMap in which every kube-apiserver publishes by which certificates and headers it can be known.
const (
	configMapNamespace = metav1.NamespaceSystem
	configMapName      = "extension-apiserver-authentication"
)

const (
	// reviewTTL is how long an answer of the host counts: what is granted or taken away there has effect here that much
	// later.
	reviewTTL = 10 * time.Second
	// reviewTimeout bounds one question to the host, so that a user of a host that hangs gets an answer.
	reviewTimeout = 4 * time.Second
	// probeInterval is how often a host that has not answered since the start is asked again.
	probeInterval = 2 * time.Second
)

// reviewBackoff is how often a question to the host is asked, when an answer gets lost.
var reviewBackoff = wait.Backoff{Duration: 200 * time.Millisecond, Factor: 1.5, Steps: 3}

// Config is what an [Access] is built from.
type Config struct {
	// REST is the connection to the host, as an account that may read the ConfigMap above and ask for SubjectAccessReviews.
	REST *rest.Config
	// Mapping names the host's users on the hub.
	Mapping Mapping
	// Groups are the API groups that users of the host may reach on the hub, as far as the host allows it.
	Groups []string
}

// Access knows the host: which front proxies it has, and, by asking, what its users may do.
type Access struct {
	mapping Mapping
	groups  sets.Set[string]
	client  kubernetes.Interface
	address string
	ca      *dynamiccertificates.ConfigMapCAController
	headers *headerrequest.RequestHeaderAuthRequestController
	reviews authorizer.Authorizer
}

// New asks the host for nothing yet.
func New(cfg Config) (*Access, error) {
	if err := cfg.Mapping.Validate(); err != nil {
		return nil, err
	}
	if len(cfg.Groups) == 0 {
		return nil, errors.New("no API groups for the users of the host")
	}
	config := rest.CopyConfig(cfg.REST)
	config.QPS, config.Burst = -1, 0 // the host protects itself; a limit here would be one for all users together
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connection to the host: %w", err)
	}
	a := &Access{mapping: cfg.Mapping, groups: sets.New(cfg.Groups...), client: client, address: config.Host}
	a.ca, err = dynamiccertificates.NewDynamicCAFromConfigMapController("host-front-proxy", configMapNamespace, configMapName, "requestheader-client-ca-file", client)
	if err != nil {
		return nil, err
	}
	a.headers = headerrequest.NewRequestHeaderAuthRequestController(configMapName, configMapNamespace, client,
		"requestheader-username-headers", "requestheader-uid-headers", "requestheader-group-headers",
		"requestheader-extra-headers-prefix", "requestheader-allowed-names")

	bounded := rest.CopyConfig(config)
	bounded.Timeout = reviewTimeout // not for the client above, whose watches it would end
	reviewer, err := kubernetes.NewForConfig(bounded)
	if err != nil {
		return nil, fmt.Errorf("connection to the host: %w", err)
	}
	a.reviews, err = authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: reviewer.AuthorizationV1(),
		AllowCacheTTL:             reviewTTL,
		DenyCacheTTL:              reviewTTL,
		WebhookRetryBackoff:       &reviewBackoff,
	}.New()
	return a, err
}

// ClientCA are the authorities of the host's front-proxy certificates, as far as the host has said.
func (a *Access) ClientCA() dynamiccertificates.CAContentProvider {
	return struct {
		dynamiccertificates.CAContentProvider
	}{a.ca} // run here, not by the server, which would wait for the host
}

// Run keeps up with what the host publishes until ctx ends. A host that does not answer is asked again until it does;
// until it has answered once, nobody comes in through it, and afterwards what it has said last counts.
func (a *Access) Run(ctx context.Context) error {
	if !a.awaitHost(ctx) {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { a.ca.Run(ctx, 1); return nil })
	g.Go(func() error { a.headers.Run(ctx, 1); return nil })
	return g.Wait()
}

// awaitHost returns true when the ConfigMap could be read, false when ctx ends. The controllers that follow it would wait
// up to half a minute between attempts.
func (a *Access) awaitHost(ctx context.Context) bool {
	logger := klog.FromContext(ctx).WithValues("host", a.address)
	said := ""
	for {
		probe, cancel := context.WithTimeout(ctx, reviewTimeout)
		_, err := a.client.CoreV1().ConfigMaps(configMapNamespace).Get(probe, configMapName, metav1.GetOptions{})
		cancel()
		if err == nil {
			logger.Info("Users of the host cluster are let in")
			return true
		}
		if text := err.Error(); text != said && ctx.Err() == nil {
			said = text
			logger.Error(err, "The host cluster cannot be read: its users are not let in until it can")
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(probeInterval):
		}
	}
}
