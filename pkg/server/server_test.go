/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package server

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"
)

// One server uses a directory at a time, and who comes second is told what to do.
func TestLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unlock, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = lock(dir)
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("second lock: %v", err)
	}
	unlock()
	unlock, err = lock(dir)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	unlock()
	if _, err := lock(dir + "/missing"); err == nil {
		t.Error("a directory that is not there was locked")
	}
}

func TestValidateReportsEveryMistake(t *testing.T) {
	t.Parallel()
	if err := NewOptions().validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	o := NewOptions()
	o.DataDir, o.MemberQPS, o.MemberBurst = "", 0, 0
	o.MemberListTimeout, o.MemberCacheIdle = 0, time.Second
	o.ServingNames = []string{"good.example", "10.0.0.1", "::1", "https://bad", "two words", "host:1"}
	o.SecureServing.BindPort = 70000
	o.Host.Mapping.UserPrefix, o.Host.Mapping.GroupPrefix = "system:", "bare"
	err := o.validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"--data-dir", "--member-api-qps", "--member-api-burst", "--member-list-timeout", "--member-cache-idle", `"https://bad"`, `"two words"`,
		`"host:1"`, "--secure-port", `--host-user-prefix, --host-group-prefix: user prefix "system:"`, `group prefix "bare"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not in %v", want, err)
		}
	}
	for _, good := range []string{"good.example", "10.0.0.1", "::1"} {
		if strings.Contains(err.Error(), good) {
			t.Errorf("%s is refused: %v", good, err)
		}
	}
}

// The manifests start the server with flags that it has.
func TestDeployedFlags(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../deploy/host/statefulset.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var set appsv1.StatefulSet
	if err := yaml.UnmarshalStrict(data, &set); err != nil {
		t.Fatal(err)
	}
	args := set.Spec.Template.Spec.Containers[0].Args
	if len(args) < 2 || args[0] != "server" {
		t.Fatalf("the command is %q", args)
	}
	o := NewOptions()
	fs := pflag.NewFlagSet("server", pflag.ContinueOnError)
	for _, set := range o.Flags().FlagSets {
		fs.AddFlagSet(set)
	}
	if err := fs.Parse(args[1:]); err != nil {
		t.Fatal(err)
	}
	if o.Host.Kubeconfig == "" || o.validate() != nil {
		t.Errorf("host %q: %v", o.Host.Kubeconfig, o.validate())
	}
}

func TestEmbedsEtcd(t *testing.T) {
	t.Parallel()
	o := NewOptions()
	if !o.embedsEtcd() {
		t.Error("by default there is no store")
	}
	if err := o.Flags().FlagSet("etcd").Parse([]string{"--etcd-servers=https://127.0.0.1:2379"}); err != nil {
		t.Fatal(err)
	}
	if o.embedsEtcd() {
		t.Error("a store beside the one that was named")
	}
}

// Users who may look at a namespace see what becomes of their objects; nobody but the system writes that.
func TestClusterRoles(t *testing.T) {
	t.Parallel()
	for _, role := range clusterRoles() {
		verbs := sets.New[string]()
		for _, rule := range role.Rules {
			verbs.Insert(rule.Verbs...)
			bindings := slices.ContainsFunc(rule.Resources, func(r string) bool { return strings.HasPrefix(r, "resourcebindings") })
			if writes := !sets.New("get", "list", "watch").HasAll(rule.Verbs...); bindings && writes {
				t.Errorf("%s may %v bindings", role.Name, rule.Verbs)
			}
			explains := slices.Equal(rule.Resources, []string{"*/explain"}) && slices.Equal(rule.Verbs, []string{"get"}) // asks for the object's own rights
			if slices.Contains(rule.Resources, "*") || slices.Contains(rule.APIGroups, "*") && !explains || slices.Contains(rule.Verbs, "*") {
				t.Errorf("%s: %v", role.Name, rule)
			}
		}
		reads := role.Labels["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
		if reads && verbs.HasAny("create", "update", "patch", "delete", "deletecollection") {
			t.Errorf("%s goes to viewers and may %v", role.Name, sets.List(verbs))
		}
		writes := role.Labels["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
		works := slices.ContainsFunc(role.Rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "works") })
		switch {
		case works && (reads || writes): // they show Secrets, and bring anything into a cluster
			t.Errorf("%s: Works to viewers %v, to editors %v", role.Name, reads, writes)
		case !works && writes == reads:
			t.Errorf("%s: to viewers %v, to editors %v", role.Name, reads, writes)
		}
	}
	if len(clusterRoles()) != 6 {
		t.Errorf("%d roles", len(clusterRoles()))
	}
}
