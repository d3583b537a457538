/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package native

import (
	"net/http"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// Front lets in users whom somebody else has authenticated.
type Front interface {
	// ClientCA are the authorities of the certificates by which such requests are known, named to clients that connect.
	ClientCA() dynamiccertificates.CAContentProvider
	// Authenticate and Authorize are asked instead of the server's own, which they are given for all other users.
	Authenticate(own authenticator.Request) authenticator.Request
	Authorize(own authorizer.Authorizer) authorizer.Authorizer
	// Handle wraps what answers requests that are authorized.
	Handle(next http.Handler) http.Handler
}

// admit opens the server to the users of the front.
func admit(front Front, c *genericapiserver.Config) error {
	if front == nil {
		return nil
	}
	if err := c.Authentication.ApplyClientCert(front.ClientCA(), c.SecureServing); err != nil {
		return err
	}
	c.Authentication.Authenticator = front.Authenticate(c.Authentication.Authenticator)
	c.Authorization.Authorizer = front.Authorize(c.Authorization.Authorizer)
	handle(front.Handle, c)
	return nil
}

// handle puts a wrapper around what answers requests that have been authorized.
func handle(wrap func(http.Handler) http.Handler, c *genericapiserver.Config) {
	if wrap == nil {
		return
	}
	chain := c.BuildHandlerChainFunc
	c.BuildHandlerChainFunc = func(handler http.Handler, c *genericapiserver.Config) http.Handler {
		return chain(wrap(handler), c)
	}
}
