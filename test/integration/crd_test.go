/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	workv1alpha2 "github.com/manifold-k8s/manifold/apis/work/v1alpha2"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// kindCame is how long something may take that waits for a kind to be served. On an idle machine it takes 1 or 2 s.
const kindCame = 20 * time.Second

// gadget is a kind of custom resources that only one test has.
type gadget struct{ group string }

func newGadget() gadget { return gadget{unique("g") + ".example.com"} }

func (g gadget) name() string     { return "gadgets." + g.group } // of the definition, and as kubectl takes it
func (g gadget) selector() string { return fmt.Sprintf("{apiVersion: %s/v1, kind: Gadget}", g.group) }

func (g gadget) definition() string {
	return fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {kind: Gadget, listKind: GadgetList, plural: gadgets, singular: gadget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}`, g.group)
}

func (g gadget) object(name string) string {
	return fmt.Sprintf("{apiVersion: %s/v1, kind: Gadget, metadata: {name: %s}, spec: {size: 1}}", g.group, name)
}

// define makes the kind known to an API server until the end of the test, and waits until it can be used.
func (g gadget) define(t *testing.T, api *apitest.API) {
	t.Helper()
	api.Create(t, "", g.definition())
	t.Cleanup(func() {
		client, err := api.Objects("customresourcedefinitions", "")
		if err == nil {
			err = client.Delete(contextAfter(), g.name(), metav1.DeleteOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	})
	g.awaitServed(t, api)
}

func (g gadget) awaitServed(t *testing.T, api *apitest.API) {
	t.Helper()
	apitest.Eventually(t, func() error {
		client, err := api.Objects(g.name(), "")
		if err == nil {
			_, err = client.List(t.Context(), listOptions)
		}
		return err
	})
}

// A custom resource waits for its definition, whether that comes by hand or from the hub itself, and whatever of policy,
// object and definition is there first.
func TestCustomResourceBeforeItsDefinition(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	g := newGadget()
	hub.Create(t, ns, policy("gadgets", g.selector(), on("member1", "member2")))
	g.define(t, hub.API)
	hub.Create(t, ns, g.object("a"))
	expectCondition(t, ns, "a", "Gadget", workv1alpha2.Scheduled, metav1.ConditionFalse, "NoClusterFit")
	expectEvent(t, ns, "a", "ScheduleBindingFailed", "does not serve "+g.group+"/v1 Gadget")
	hub.Create(t, "", clusterPolicy(g.name(), byName("CustomResourceDefinition", g.name()), on("member1", "member2")))
	t.Cleanup(func() { deleteAfter(t, "clusterpropagationpolicies", g.name()) })
	d := apitest.Within(t, kindCame, func() error { return isOn(t.Context(), g.name(), ns, "a", "member1", "member2") })
	t.Logf("the object followed its definition after %v", d)
	expectGadgets(t, ns, "a")
}

// Policies may come before the kinds that they select: a ClusterPropagationPolicy sends the definition, a
// PropagationPolicy the custom resources, as soon as the definition exists.
func TestPoliciesBeforeTheDefinition(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	g := newGadget()
	hub.Create(t, ns, docs(
		policy("gadgets", g.selector(), on("member1", "member2")),
		clusterPolicy(g.name(), byName("CustomResourceDefinition", g.name()), on("member1", "member2"))))
	t.Cleanup(func() { deleteAfter(t, "clusterpropagationpolicies", g.name()) })
	g.define(t, hub.API)
	hub.Create(t, ns, g.object("a"))
	d := apitest.Within(t, kindCame, func() error { return isOn(t.Context(), g.name(), ns, "a", "member1", "member2") })
	t.Logf("the object was in the members %v after it could be made", d)
	claimedBy(t, g.name(), ns, "a", byPolicy, "gadgets")
	expectGadgets(t, ns, "a")

	hub.Patch(t, g.name(), ns, "a", `spec: {size: 2}`)
	apitest.Eventually(t, func() error {
		u, err := fleet[1].Get(t.Context(), g.name(), ns, "a")
		if err == nil && field(u, "spec", "size") != int64(2) {
			err = fmt.Errorf("the object is %v", u)
		}
		return err
	})
	hub.Delete(t, g.name(), ns, "a")
	expectOn(t, g.name(), ns, "a")
	hub.Delete(t, "customresourcedefinitions", "", g.name())
	expectOn(t, "customresourcedefinitions", "", g.name())
}

// expectGadgets waits until the hub says that these are where they should be.
func expectGadgets(t *testing.T, ns string, names ...string) {
	t.Helper()
	for _, name := range names {
		apitest.Eventually(t, func() error {
			b, err := binding(t.Context(), hub, ns, name, "Gadget")
			if err == nil {
				err = says(b.Status.Conditions, workv1alpha2.FullyApplied, metav1.ConditionTrue, "FullyAppliedSuccess", "")
			}
			return err
		})
	}
}

// When a kind vanishes from a member, that is said; what was there comes back with it. What has to go then is gone.
func TestKindVanishesFromMember(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	g := newGadget()
	m := fleet[0]
	g.define(t, hub.API)
	g.define(t, m.API)
	hub.Create(t, ns, docs(policy("gadgets", g.selector(), on(m.Name)), g.object("a"), g.object("b")))
	for _, name := range []string{"a", "b"} {
		apitest.Within(t, kindCame, func() error { return m.Has(t.Context(), g.name(), ns, name) })
	}
	m.Delete(t, "customresourcedefinitions", "", g.name())
	expectFailure(t, ns, "a", "Gadget", m.Name, "the cluster does not serve "+g.group+"/v1 Gadget", "CustomResourceDefinition")
	expectEvent(t, ns, "a", "SyncFailed", "does not serve")
	// What is deleted meanwhile does not hang.
	hub.Delete(t, g.name(), ns, "b")
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, "b-gadget") })

	m.Create(t, "", g.definition())
	d := apitest.Within(t, kindCame, func() error { return m.Has(t.Context(), g.name(), ns, "a") })
	t.Logf("the object came back after %v", d)
	expectGadgets(t, ns, "a")
	if err := m.Lacks(t.Context(), g.name(), ns, "b"); err != nil {
		t.Error(err)
	}
}

// Deleting a kind on the hub deletes its objects there, and so their copies, but not the members' definitions. It can come back.
func TestKindVanishesFromHub(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	g := newGadget()
	m := fleet[1]
	g.define(t, hub.API)
	g.define(t, m.API)
	hub.Create(t, ns, docs(policy("gadgets", g.selector(), on(m.Name)), g.object("a")))
	apitest.Within(t, kindCame, func() error { return m.Has(t.Context(), g.name(), ns, "a") })
	expectGadgets(t, ns, "a")
	hub.Delete(t, "customresourcedefinitions", "", g.name())
	apitest.Eventually(t, func() error { return m.Lacks(t.Context(), g.name(), ns, "a") })
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "resourcebindings", ns, "a-gadget") })
	apitest.Eventually(t, func() error { return hub.Lacks(t.Context(), "customresourcedefinitions", "", g.name()) })
	apitest.Eventually(t, func() error { return logged(hub, `A kind is not served any more.*`+regexp.QuoteMeta(g.group)) })
	apitest.Always(t, quiet, func() error { return quietAbout(hub, g.group) })

	hub.Create(t, "", g.definition())
	g.awaitServed(t, hub.API)
	hub.Create(t, ns, g.object("a"))
	apitest.Within(t, kindCame, func() error { return m.Has(t.Context(), g.name(), ns, "a") })
	expectGadgets(t, ns, "a")
}

// logged returns an error unless a line of the hub's log matches.
func logged(h *apitest.Hub, pattern string) error {
	data, err := os.ReadFile(h.Log)
	if err == nil && !regexp.MustCompile(pattern).Match(data) {
		err = fmt.Errorf("the log has no line like %q", pattern)
	}
	return err
}

// federation are the source files of the hub's own loops and of the watches that they rest on.
var federation = regexp.MustCompile(`^E.* (reflector|loop|template|calm|member|controller)\.go:`)

// quietAbout returns an error if the hub's own loops have logged an error that contains a word.
func quietAbout(h *apitest.Hub, word string) error {
	data, err := os.ReadFile(h.Log)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, word) && federation.MatchString(line) {
			return fmt.Errorf("logged as an error: %s", line)
		}
	}
	return nil
}
