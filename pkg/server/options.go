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
	"strings"
	"time"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/utils/clock"

	"github.com/manifold-k8s/manifold/pkg/admission"
	"github.com/manifold-k8s/manifold/pkg/match"
	"github.com/manifold-k8s/manifold/pkg/native"
	"github.com/manifold-k8s/manifold/pkg/telemetry"
)

// Options are the flags of `manifold server`: those of a Kubernetes API server, and a few of our own.
type Options struct {
	*native.Options
	// DataDir holds the embedded store, keys, certificates and admin.kubeconfig.
	DataDir string
	// ServingNames are further DNS names and addresses for the serving certificate.
	ServingNames []string
	// EtcdNoSync leaves out fsync in the embedded store.
	EtcdNoSync bool
	// MemberQPS and MemberBurst bound the requests to one member, per second.
	MemberQPS   float32
	MemberBurst int
	// MemberListTimeout is how long a request for what members own waits for one member. MemberCacheIdle is how long the cache
	// of such a kind is kept after the last request and watch.
	MemberListTimeout time.Duration
	MemberCacheIdle   time.Duration
	// Host is the cluster behind whose API server this one stands, if any.
	Host hostOptions
	// SkippedNamespaces are regular expressions: namespaces whose whole name fits one stay on the hub, with all that is in
	// them.
	SkippedNamespaces []string

	claim    *admission.Claim
	forecast *admission.Forecast
	origins  *telemetry.Origins
}

// NewOptions returns the defaults: a server for everybody on port 6443, with its own store under ./manifold-data.
func NewOptions() *Options {
	o := &Options{
		Options: native.NewOptions(), DataDir: "manifold-data", MemberQPS: 400, MemberBurst: 800,
		MemberListTimeout: 2 * time.Second, MemberCacheIdle: 10 * time.Minute,
		Host: newHostOptions(),
	}
	o.Etcd.StorageConfig.Prefix = "/manifold"
	o.claim = admission.NewClaim()
	o.forecast = admission.NewForecast()
	generic := o.Admission.GenericAdmission
	o.claim.Register(generic.Plugins)
	o.forecast.Register(generic.Plugins)
	admission.RegisterProtect(generic.Plugins)
	o.origins = telemetry.NewOrigins(clock.RealClock{})
	admission.NewOrigin(o.origins).Register(generic.Plugins)
	generic.RecommendedPluginOrder = append(generic.RecommendedPluginOrder, admission.ForecastPlugin, admission.OriginPlugin)
	generic.RecommendedPluginOrder = append([]string{admission.ClaimPlugin, admission.ProtectPlugin}, generic.RecommendedPluginOrder...)
	return o
}

// Flags returns the flags in named groups, the hub's own first.
func (o *Options) Flags() *cliflag.NamedFlagSets {
	all := &cliflag.NamedFlagSets{}
	fs := all.FlagSet("manifold")
	fs.StringVar(&o.DataDir, "data-dir", o.DataDir, "Directory of the embedded etcd, the server's keys and certificates, and admin.kubeconfig, which is written when the server is ready. One server may use it at a time.")
	fs.StringSliceVar(&o.ServingNames, "serving-names", o.ServingNames, "More DNS names and IP addresses by which clients reach this server, for its self-made certificate.")
	fs.BoolVar(&o.EtcdNoSync, "unsafe-etcd-no-fsync", o.EtcdNoSync, "Let the embedded etcd go without fsync: faster, but a crash of the machine may lose data. For tests.")
	fs.Float32Var(&o.MemberQPS, "member-api-qps", o.MemberQPS, "Requests per second to the API server of one member cluster.")
	fs.IntVar(&o.MemberBurst, "member-api-burst", o.MemberBurst, "Burst of requests to the API server of one member cluster.")
	fs.DurationVar(&o.MemberListTimeout, "member-list-timeout", o.MemberListTimeout, "How long a request for pods, nodes and whatever else member clusters own waits for a member. Then it is answered with what is known of it, and a warning.")
	fs.DurationVar(&o.MemberCacheIdle, "member-cache-idle", o.MemberCacheIdle, "How long what member clusters own stays cached, kind by kind, after the last request and watch.")
	fs.StringSliceVar(&o.SkippedNamespaces, "skipped-propagating-namespaces", o.SkippedNamespaces, "Regular expressions for the names of namespaces that stay on the hub with all that is in them, besides kube-.*, karmada-system, karmada-cluster and karmada-es-.*, which always do.")
	o.Host.addFlags(all.FlagSet("host cluster"))
	o.AddFlags(all)
	explain(all.FlagSet("etcd"), "etcd-servers", "External etcd servers (scheme://ip:port), comma separated. Without this flag the server runs its own etcd in --data-dir.")
	explain(all.FlagSet("authorization"), "authorization-mode", "Ordered list of the authorizers to ask: AlwaysAllow, AlwaysDeny, ABAC, Webhook, RBAC.")
	explain(all.FlagSet("authentication"), "anonymous-auth", "Treat requests without credentials as user system:anonymous everywhere. Without it they may only ask /livez, /readyz and /healthz.")
	for _, name := range inapplicable {
		if f := all.FlagSet("misc").Lookup(name); f != nil {
			f.Hidden = true
		}
	}
	return all
}

// inapplicable are flags of Kubernetes' that work, and that have no use in a hub.
var inapplicable = []string{
	"enable-logs-handler", "peer-ca-file", "peer-advertise-ip", "peer-advertise-port", "coordinated-leadership-lease-duration",
	"coordinated-leadership-renew-deadline", "coordinated-leadership-retry-period",
}

// explain replaces the help text of a flag that means something else here.
func explain(fs *pflag.FlagSet, name, usage string) {
	if f := fs.Lookup(name); f != nil {
		f.Usage = usage
	}
}

// embedsEtcd says whether the server runs its own store.
func (o *Options) embedsEtcd() bool { return len(o.Etcd.StorageConfig.Transport.ServerList) == 0 }

// validate reports every mistake in the flags, not only the first. It may run before the store does.
func (o *Options) validate() error {
	var errs []error
	if o.DataDir == "" {
		errs = append(errs, errors.New("--data-dir: must not be empty"))
	}
	if o.MemberQPS <= 0 {
		errs = append(errs, fmt.Errorf("--member-api-qps: must be greater than 0, is %v", o.MemberQPS))
	}
	if o.MemberBurst < 1 {
		errs = append(errs, fmt.Errorf("--member-api-burst: must be at least 1, is %d", o.MemberBurst))
	}
	if o.MemberListTimeout <= 0 {
		errs = append(errs, fmt.Errorf("--member-list-timeout: must be greater than 0, is %v", o.MemberListTimeout))
	}
	if o.MemberCacheIdle < time.Minute {
		errs = append(errs, fmt.Errorf("--member-cache-idle: must be at least 1m, is %v", o.MemberCacheIdle))
	}
	if _, err := match.ParseNamespaces(o.SkippedNamespaces); err != nil {
		errs = append(errs, fmt.Errorf("--skipped-propagating-namespaces: %w", err))
	}
	errs = append(errs, o.Host.validate()...)
	for _, n := range o.ServingNames {
		if strings.ContainsAny(n, " /:") && net.ParseIP(n) == nil {
			errs = append(errs, fmt.Errorf("--serving-names: %q is neither a DNS name nor an IP address", n))
		}
	}
	if o.SecureServing.BindPort < 1 || o.SecureServing.BindPort > 65535 {
		errs = append(errs, fmt.Errorf("--secure-port: must be between 1 and 65535, is %d", o.SecureServing.BindPort))
	}
	return utilerrors.NewAggregate(errs)
}

// complete fills what depends on the machine, and hands the rest to Kubernetes. The store's endpoint must be known.
func (o *Options) complete(ctx context.Context, creds credentials) (native.CompletedOptions, error) {
	if err := creds.apply(o); err != nil {
		return native.CompletedOptions{}, err
	}
	done, err := o.Complete(ctx, nil, nil)
	if err != nil {
		return done, err
	}
	return done, utilerrors.NewAggregate(done.Validate())
}

// resolveAddresses settles under which address the server advertises itself: the one it binds to, else that of the
// default route, else loopback. Guessing wrong only affects what is published, never who can connect.
func (o *Options) resolveAddresses() error {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return err
	}
	o.DataDir = dir
	run := o.GenericServerRunOptions
	if run.AdvertiseAddress == nil || run.AdvertiseAddress.IsUnspecified() {
		run.AdvertiseAddress = o.SecureServing.BindAddress
		if run.AdvertiseAddress == nil || run.AdvertiseAddress.IsUnspecified() {
			ip, err := utilnet.ResolveBindAddress(run.AdvertiseAddress)
			if err != nil {
				ip = net.IPv4(127, 0, 0, 1)
			}
			run.AdvertiseAddress = ip
		}
	}
	return os.MkdirAll(o.DataDir, 0o700)
}
