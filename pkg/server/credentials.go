/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/klog/v2"
)

// renewalCheck is how often a running server looks whether a certificate of its own is close to its end.
const renewalCheck = 12 * time.Hour

// administrator is the user of admin.kubeconfig.
const administrator = "system:admin"

// credentials are the keys and certificates that the server makes and keeps in its data directory.
type credentials struct {
	pki pki
	// hosts and ips are what clients may call the server, beside localhost.
	hosts []string
	ips   []net.IP
	// url is what admin.kubeconfig points to.
	url string
	// kubeconfig is where the administrator's kubeconfig is written.
	kubeconfig string
}

// issue makes what is missing or close to its end, and returns the administrator's credentials.
func (c credentials) issue() (ca, admin pair, err error) {
	if ca, err = c.pki.authority("ca"); err != nil {
		return ca, admin, err
	}
	if _, err = c.pki.leaf("server", ca, servingNames(c.hosts, c.ips)); err != nil {
		return ca, admin, err
	}
	front, err := c.pki.authority("front-proxy-ca")
	if err != nil {
		return ca, admin, err
	}
	if _, err = c.pki.leaf("front-proxy-client", front, clientName("front-proxy-client", "")); err != nil {
		return ca, admin, err
	}
	if _, err = c.pki.signingKey("service-account"); err != nil {
		return ca, admin, err
	}
	admin, err = c.pki.leaf("admin", ca, clientName(administrator, "system:masters"))
	return ca, admin, err
}

// apply fills the options for which the user named no file of his own.
func (c credentials) apply(o *Options) error {
	if _, _, err := c.issue(); err != nil {
		return fmt.Errorf("make certificates in %s: %w", c.pki.dir, err)
	}
	serving := &o.SecureServing.ServerCert.CertKey
	if serving.CertFile == "" && serving.KeyFile == "" {
		serving.CertFile, serving.KeyFile = c.pki.path("server.crt"), c.pki.path("server.key")
	}
	setDefault(&o.Authentication.ClientCert.ClientCA, c.pki.path("ca.crt"))
	if rh := o.Authentication.RequestHeader; rh.ClientCAFile == "" {
		rh.ClientCAFile = c.pki.path("front-proxy-ca.crt")
		rh.AllowedNames = []string{"front-proxy-client"}
		rh.UsernameHeaders, rh.UIDHeaders = []string{"X-Remote-User"}, []string{"X-Remote-Uid"}
		rh.GroupHeaders = []string{"X-Remote-Group"}
		rh.ExtraHeaderPrefixes = []string{"X-Remote-Extra-"}
	}
	if o.ProxyClientCertFile == "" && o.ProxyClientKeyFile == "" {
		o.ProxyClientCertFile, o.ProxyClientKeyFile = c.pki.path("front-proxy-client.crt"), c.pki.path("front-proxy-client.key")
	}
	sa := o.Authentication.ServiceAccounts
	if o.ServiceAccountSigningKeyFile == "" && o.ServiceAccountSigningEndpoint == "" {
		o.ServiceAccountSigningKeyFile = c.pki.path("service-account.key")
		if len(sa.KeyFiles) == 0 {
			sa.KeyFiles = []string{o.ServiceAccountSigningKeyFile}
		}
	}
	if len(sa.Issuers) == 0 || sa.Issuers[0] == "" {
		sa.Issuers = []string{"https://kubernetes.default.svc"}
	}
	return nil
}

func setDefault(s *string, v string) {
	if *s == "" {
		*s = v
	}
}

// publish writes the administrator's kubeconfig: the sign that the server is ready.
func (c credentials) publish() error {
	ca, admin, err := c.issue()
	if err != nil {
		return err
	}
	return writeKubeconfig(c.kubeconfig, c.url, ca.cert, admin)
}

// renew replaces certificates before they expire, until ctx ends. The server reloads the files by itself.
func (c credentials) renew(ctx context.Context) error {
	tick := time.NewTicker(renewalCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.publish(); err != nil {
				klog.FromContext(ctx).Error(err, "Certificates could not be renewed; the next attempt follows", "wait", renewalCheck)
			}
		}
	}
}

// unpublish takes away a kubeconfig that an earlier run left, so that its presence means "ready".
func (c credentials) unpublish() error {
	if err := os.Remove(c.kubeconfig); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// serviceName is how a host cluster calls the server that is registered with it by the names that registering proposes.
const serviceName = "manifold.manifold-system.svc"

func newCredentials(o *Options) credentials {
	host, err := os.Hostname()
	if err != nil {
		host = "" // the certificate then goes without it
	}
	bind := o.SecureServing.BindAddress
	reach := "127.0.0.1"
	if bind != nil && !bind.IsUnspecified() {
		reach = bind.String()
	}
	return credentials{
		pki:        pki{dir: filepath.Join(o.DataDir, "pki"), now: time.Now},
		hosts:      append([]string{host, o.GenericServerRunOptions.ExternalHost, serviceName}, o.ServingNames...),
		ips:        append([]net.IP{bind, o.GenericServerRunOptions.AdvertiseAddress, net.ParseIP(o.GenericServerRunOptions.ExternalHost)}, addresses(o.ServingNames)...),
		url:        "https://" + net.JoinHostPort(reach, fmt.Sprint(o.SecureServing.BindPort)),
		kubeconfig: filepath.Join(o.DataDir, "admin.kubeconfig"),
	}
}

func addresses(names []string) []net.IP {
	var ips []net.IP
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			ips = append(ips, ip)
		}
	}
	return ips
}
