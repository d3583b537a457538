/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package register

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"

	"github.com/manifold-k8s/manifold/pkg/cli/access"
	"github.com/manifold-k8s/manifold/pkg/cli/apply"
	"github.com/manifold-k8s/manifold/pkg/cli/enrol"
	"github.com/manifold-k8s/manifold/pkg/cli/hosting"
)

func (o *options) run(ctx context.Context, flags *access.HubFlags, streams genericiooptions.IOStreams) error {
	hostConfig, err := o.host.Load()
	if err != nil {
		return err
	}
	hub, err := flags.Connect(ctx)
	if err != nil {
		return err
	}
	host, err := hostConfig.Connect(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.Out, "host cluster at %s (%s, context %q)\nhub at %s\n", host.Host, host.Version, hostConfig.Context, hub.Host)
	if err := o.checkRights(ctx, hub, host); err != nil {
		return err
	}
	if err := differ(ctx, hub.Server, host); err != nil {
		return err
	}
	r, err := o.registration(ctx, flags, hub)
	if err != nil {
		return err
	}
	if err := o.check(ctx, host, r, streams); err != nil {
		return err
	}
	w := &apply.Writer{Where: "host", Server: host, DryRun: o.dryRun, Out: streams.Out}
	if err := w.EnsureNamespace(ctx, hosting.NamespaceObject(r.Namespace)); err != nil {
		return fmt.Errorf("prepare the host: %w", err)
	}
	if err := o.giveAccess(ctx, w, hostConfig, r); err != nil {
		return fmt.Errorf("prepare the host: %w", err)
	}
	if err := publish(ctx, w, r); err != nil {
		return fmt.Errorf("register with the host: %w", err)
	}
	o.explain(streams, hostConfig, r)
	return nil
}

// giveAccess makes the hub's account in the host, and writes the kubeconfig for it, unless none is wanted.
func (o *options) giveAccess(ctx context.Context, w *apply.Writer, host *access.HostConfig, r hosting.Registration) error {
	if o.access == "" {
		return nil
	}
	token, err := o.grant(ctx, w, r)
	if err != nil || o.dryRun {
		return err
	}
	endpoint := host.Endpoint
	if o.endpoint != "" {
		endpoint = strings.TrimSuffix(o.endpoint, "/")
	}
	if err := writeAccess(o.access, endpoint, host.Kubeconfig, token); err != nil {
		return err
	}
	fmt.Fprintf(w.Out, "wrote %s\n", o.access)
	return nil
}

// differ returns an error when both are one cluster.
func differ(ctx context.Context, hub, host *access.Server) error {
	hubID, err := hub.ID(ctx)
	if err != nil {
		return err
	}
	hostID, err := host.ID(ctx)
	if err != nil {
		return err
	}
	if hostID != "" && hostID == hubID {
		return fmt.Errorf("the kubeconfig of the host leads to the hub itself, %s; check --host-kubeconfig and --host-context", host.Host)
	}
	return nil
}

// registration puts together what the host is to know.
func (o *options) registration(ctx context.Context, flags *access.HubFlags, hub *access.Hub) (hosting.Registration, error) {
	r := hosting.Registration{Namespace: o.namespace}
	var err error
	if r.APIs, err = served(ctx, hub.Server); err != nil {
		return r, err
	}
	config, err := flags.RESTConfig()
	if err != nil {
		return r, err
	}
	if err := rest.LoadTLSFiles(config); err != nil {
		return r, fmt.Errorf("kubeconfig of the hub: %w", err)
	}
	if r.CABundle = config.CAData; len(r.CABundle) == 0 {
		return r, errors.New("kubeconfig of the hub: it names no certificate authority for the hub's certificate; " +
			"use the admin.kubeconfig in the data folder of the server, or give --certificate-authority")
	}
	if o.service != "" {
		r.Service, err = parseService(o.service)
		return r, err
	}
	address := o.address
	if address == "" {
		address = hub.Host
	}
	if r.Address, err = url.Parse(address); err != nil {
		return r, fmt.Errorf("invalid --address: %w", err)
	}
	port, err := hosting.Port(r.Address)
	if err != nil {
		return r, err
	}
	r.Service.Namespace, r.Service.Name, r.Service.Port = o.namespace, hosting.Name, &port
	_, err = r.ServiceObject()
	return r, err
}

// grant makes the hub's account in the host, and returns a token of it; none in a dry run.
func (o *options) grant(ctx context.Context, w *apply.Writer, r hosting.Registration) (string, error) {
	for _, obj := range r.Account() {
		if err := w.Apply(ctx, obj); err != nil {
			return "", err
		}
	}
	if o.duration > 0 && o.dryRun {
		return "", nil
	}
	if o.duration > 0 {
		return o.requestToken(ctx, w, r)
	}
	secret, err := w.Token(ctx, r.TokenSecret())
	if err != nil || o.dryRun {
		return "", err
	}
	return string(secret.Data["token"]), nil
}

// publish makes what brings users to the hub, when all else is there.
func publish(ctx context.Context, w *apply.Writer, r hosting.Registration) error {
	objects := hosting.Roles(r.APIs)
	service, err := r.ServiceObject()
	if err != nil {
		return err
	}
	if service != nil {
		objects = append(objects, service)
	}
	for _, obj := range append(objects, r.APIServices()...) {
		if err := w.Apply(ctx, obj); err != nil {
			return err
		}
	}
	return nil
}

// explain says what remains to be done.
func (o *options) explain(streams genericiooptions.IOStreams, host *access.HostConfig, r hosting.Registration) {
	if o.dryRun {
		fmt.Fprintln(streams.Out, "the hub can be registered; nothing has been changed (dry run)")
		return
	}
	if r.Address != nil && enrol.IsLoopback(r.Address.String()) && !enrol.IsLoopback(host.Endpoint) {
		fmt.Fprintf(streams.ErrOut, "warning: %s leads from the host to the host's own machine, not to this one; "+
			"give --address as the host reaches the hub\n", r.Address)
	}
	start := ""
	if o.access != "" {
		start = "  start the hub with      manifold server --host-kubeconfig " + o.access + "\n"
	}
	fmt.Fprintf(streams.Out, `registered

Next:
%[1]s  wait until it is there  kubectl --kubeconfig %[2]s wait apiservice --all --for=condition=Available
  let somebody in         kubectl --kubeconfig %[2]s create clusterrolebinding NAME --clusterrole=manifold-edit --user=USER
  and give them rights    kubectl create clusterrolebinding NAME --clusterrole=edit --user=host:USER     # on the hub
  what they then use      kubectl manifold kubeconfig --through-host --host-kubeconfig THEIRS
`, start, host.File)
}

// requestToken returns a token that expires.
func (o *options) requestToken(ctx context.Context, w *apply.Writer, r hosting.Registration) (string, error) {
	seconds := int64(o.duration.Seconds())
	request := hosting.TokenRequest(seconds)
	answer, err := w.Server.Kube.CoreV1().ServiceAccounts(r.Namespace).CreateToken(ctx, hosting.Name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("request a token of service account %s: %w", hosting.Name, err)
	}
	w.Say("ServiceAccount", hosting.Name, "has a token until "+answer.Status.ExpirationTimestamp.Format("2006-01-02 15:04:05 MST"))
	return answer.Status.Token, nil
}
