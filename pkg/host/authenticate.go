/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package host

import (
	"net/http"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authentication/request/union"
)

// Authenticate puts the host's front proxy before the hub's own ways to authenticate. A request with its certificate is
// that of a [User], whatever other credentials it carries. On all others the headers by which the proxy names users mean
// nothing, and are gone after authentication.
func (a *Access) Authenticate(own authenticator.Request) authenticator.Request {
	names := headerrequest.StringSliceProviderFunc(a.headers.UsernameHeaders)
	uids := headerrequest.StringSliceProviderFunc(a.headers.UIDHeaders)
	groups := headerrequest.StringSliceProviderFunc(a.headers.GroupHeaders)
	extra := headerrequest.StringSliceProviderFunc(a.headers.ExtraHeaderPrefixes)
	proxy := headerrequest.NewDynamicVerifyOptionsSecure(a.ca.VerifyOptions,
		headerrequest.StringSliceProviderFunc(a.headers.AllowedClientNames), names, uids, groups, extra)
	return union.New(mapped{proxy, a.mapping}, cleaned{own, func(h http.Header) {
		headerrequest.ClearAuthenticationHeaders(h, names, uids, groups, extra)
	}})
}

// mapped makes users of the host of those whom the proxy names.
type mapped struct {
	proxy   authenticator.Request
	mapping Mapping
}

func (m mapped) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	response, ok, err := m.proxy.AuthenticateRequest(req)
	if err != nil || !ok {
		return nil, false, err
	}
	return &authenticator.Response{User: m.mapping.User(response.User), Audiences: response.Audiences}, true, nil
}

// cleaned takes headers from the requests that it authenticates.
type cleaned struct {
	authenticator.Request
	clean func(http.Header)
}

func (c cleaned) AuthenticateRequest(req *http.Request) (*authenticator.Response, bool, error) {
	response, ok, err := c.Request.AuthenticateRequest(req)
	if ok {
		c.clean(req.Header)
	}
	return response, ok, err
}
