/*
Copyright 2026 The Manifold Authors.
SPDX-License-Identifier: Apache-2.0
*/

package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	hubv1alpha1 "github.com/manifold-k8s/manifold/apis/hub/v1alpha1"
	"github.com/manifold-k8s/manifold/test/apitest"
)

// explained asks for the explanation of what is at a path.
func explained(ctx context.Context, api *apitest.API, path string, params ...string) (*hubv1alpha1.Explanation, error) {
	req := api.Kube.Discovery().RESTClient().Get().AbsPath(path, "explain")
	for i := 0; i+1 < len(params); i += 2 {
		req = req.Param(params[i], params[i+1])
	}
	answer := req.Do(ctx)
	if err := answer.Error(); err != nil {
		return nil, err
	}
	body, err := answer.Raw()
	if err != nil {
		return nil, err
	}
	e := &hubv1alpha1.Explanation{}
	if err := json.Unmarshal(body, e); err != nil {
		return nil, err
	}
	if e.Kind != "Explanation" || e.APIVersion != hubv1alpha1.SchemeGroupVersion.String() {
		return nil, fmt.Errorf("%s is answered with a %s of %s", path, e.Kind, e.APIVersion)
	}
	return e, nil
}

// explain runs the command, which must print all of these.
func explain(t *testing.T, args []string, want ...string) string {
	t.Helper()
	out, err := hub.CLI(t.Context(), append([]string{"explain"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(out), " ") // columns are as wide as what is in them
	for _, w := range want {
		if !strings.Contains(flat, w) {
			t.Errorf("explain %s does not say %q:\n%s", strings.Join(args, " "), w, out)
		}
	}
	return out
}

// Who asks why a template is where it is learns which policy won and why the others did not, what each cluster gets and why,
// and what overrides change there.
func TestExplain(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(
		policy("web", byName("Deployment", "web"), on("member1", "member2")+", "+weights(1, 2)),
		policy("every", all("Deployment"), on("member3")),
		overridePolicy("registry", all("Deployment"), `{targetCluster: {clusterNames: [member2]},
			overriders: {imageOverrider: [{component: Registry, operator: add, value: registry.eu.example.com}]}}`),
		deployment("web", 3),
	))
	rollOut(t, ns, "web", 3)
	expectApplied(t, hub, ns, "web", "Deployment")
	apitest.Eventually(t, func() error {
		e, err := explained(t.Context(), hub.API, "/apis/apps/v1/namespaces/"+ns+"/deployments/web")
		if err == nil && e.State != hubv1alpha1.ExplanationPlaced {
			err = fmt.Errorf("%s: %s", e.State, e.Message)
		}
		return err
	})
	for _, args := range [][]string{{"deploy/web", "-n", ns}, {"deployments.apps", "web", "-n", ns}} {
		explain(t, args,
			"Deployment "+ns+"/web: Placed it is in 2 clusters as it should be",
			"Policy: PropagationPolicy "+ns+"/web",
			"PropagationPolicy "+ns+"/every the template is claimed by PropagationPolicy "+ns+"/web",
			"ResourceBinding "+ns+"/web-deployment: Success: 3 replicas in 2 clusters",
			"member1 1 True Healthy weight 1 of 3", "member2 2 True Healthy weight 2 of 3", "member3 - - - not in clusterNames",
			"OverridePolicy "+ns+"/registry rule 0, imageOverrider[0], in member2",
			"/spec/template/spec/containers/0/image: nginx:1.19.3 → registry.eu.example.com/nginx:1.19.3",
		)
	}
	explain(t, []string{"deploy/web", "-n", ns, "--render", "member2"}, "kind: Deployment", "replicas: 2", "image: registry.eu.example.com/nginx:1.19.3")
	explain(t, []string{"deploy/web", "-n", ns, "--diff", "member2"}, "- replicas: 3 + replicas: 2", "+ image: registry.eu.example.com/nginx:1.19.3")
	if out := explain(t, []string{"deploy/web", "-n", ns, "--diff", "member2", "--live"}); out != "" {
		t.Errorf("member2 does not have what it is sent:\n%s", out)
	}
	explain(t, []string{"deploy/web", "-n", ns, "-o", "yaml"}, "kind: Explanation", "state: Placed")
	explain(t, []string{"namespace/" + ns}, "Namespace "+ns+": Placed", "ClusterResourceBinding "+ns+"-namespace")
	for want, args := range map[string][]string{
		"nothing is sent to member3: not in clusterNames":    {"deploy/web", "-n", ns, "--render", "member3"},
		`"member9" is no cluster of the federation`:          {"deploy/web", "-n", ns, "--diff", "member9"},
		"not what member1 has of its own":                    {"pod/x.member1", "-n", ns},
		`deployments.apps "none" not found`:                  {"deploy/none", "-n", ns},
		`the server doesn't have a resource type "nonsense"`: {"nonsense/web", "-n", ns},
		"name one object":                                    {"deploy", "-n", ns},
	} {
		if out, err := hub.CLI(t.Context(), append([]string{"explain"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("explain %s: %v, want %q\n%s", strings.Join(args, " "), err, want, out)
		}
	}
}

// Why something is not there: nothing selects it, it stays on the hub, or its only selector is for something else.
func TestExplainWhatIsNotThere(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("settings", "v"), policy("others", byLabel("ConfigMap", "app", "other"), on("member1"))))
	explain(t, []string{"cm/settings", "-n", ns}, "ConfigMap "+ns+"/settings: Unselected no policy selects it",
		"PropagationPolicy "+ns+"/others it selects ConfigMap by labels that this one has not: app=other")
	explain(t, []string{"pp/others", "-n", ns}, "NotPropagated it stays on the hub: objects of this group steer the federation")
	explain(t, []string{"namespace/default"}, "Namespace default: NotPropagated")

	g := newGadget()
	g.define(t, hub.API)
	hub.Create(t, ns, docs(g.object("x"), policy("gadgets", g.selector(), on("member1"))))
	apitest.Eventually(t, func() error { // the policy has it placed
		_, err := binding(t.Context(), hub, ns, "x", "Gadget")
		return err
	})
	explain(t, []string{g.name() + "/x", "-n", ns}, "Gadget "+ns+"/x: Unscheduled", "does not serve "+g.group+"/v1 Gadget")
}

// What follows a workload says whom.
func TestExplainDependencies(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	hub.Create(t, ns, docs(configMap("settings", "v"), policy("web", byName("Deployment", "web"), on("member2"), "propagateDeps: true"), deployment("web", 1)))
	hub.Patch(t, "deployments", ns, "web", `spec: {template: {spec: {volumes: [{name: settings, configMap: {name: settings}}]}}}`)
	expectOn(t, "configmaps", ns, "settings", "member2")
	apitest.Eventually(t, func() error {
		e, err := explained(t.Context(), hub.API, "/api/v1/namespaces/"+ns+"/configmaps/settings")
		if err == nil && e.State != hubv1alpha1.ExplanationPlaced {
			err = fmt.Errorf("%s: %s", e.State, e.Message)
		}
		return err
	})
	explain(t, []string{"cm/settings", "-n", ns}, "ConfigMap "+ns+"/settings: Placed it is in 1 cluster as it should be",
		"Required by: Deployment web in member2", "member2 True Healthy required by Deployment web", "nothing that needs it is there")
	explain(t, []string{"deploy/web", "-n", ns}, "what it refers to follows it: ConfigMap settings")
}

// An explanation shows what is in the template. So it is for those who may read that.
func TestExplainNeedsTheRightToRead(t *testing.T) {
	t.Parallel()
	ns, other := namespace(t), namespace(t)
	const secret = "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: hunter2}}"
	hub.Create(t, ns, docs(configMap("settings", "v"), secret))
	hub.Create(t, other, docs(configMap("theirs", "v"), secret))
	viewer := account(t, ns, "view")
	ctx := t.Context()
	apitest.Eventually(t, func() error { // the server needs a moment to learn about a RoleBinding
		_, err := explained(ctx, viewer, "/api/v1/namespaces/"+ns+"/configmaps/settings")
		return err
	})
	editor := account(t, other, "edit")
	apitest.Eventually(t, func() error {
		_, err := explained(ctx, editor, "/api/v1/namespaces/"+other+"/secrets/s")
		return err
	})
	if _, err := explained(ctx, viewer, "/api/v1/namespaces/"+ns); err != nil {
		t.Errorf("the namespace itself: %v", err)
	}
	for what, path := range map[string]string{
		"a Secret":                "/api/v1/namespaces/" + ns + "/secrets/s",
		"a Secret that is not":    "/api/v1/namespaces/" + ns + "/secrets/none",
		"another namespace":       "/api/v1/namespaces/" + other + "/configmaps/theirs",
		"another's own":           "/api/v1/namespaces/" + other,
		"what is in no namespace": "/apis/rbac.authorization.k8s.io/v1/clusterroles/view",
	} {
		if _, err := explained(ctx, viewer, path); forbidden(err) != nil {
			t.Errorf("%s: %v", what, forbidden(err))
		}
	}
	_, err := explained(ctx, viewer, "/api/v1/namespaces/"+ns+"/configmaps/settings", "cluster", "nowhere")
	if !apierrors.IsBadRequest(err) {
		t.Errorf("a cluster that is not there: %v", err)
	}
	if _, err := explained(ctx, hub.API, "/api/v1/namespaces/"+ns+"/nonsense/x"); !apierrors.IsNotFound(err) {
		t.Errorf("a kind that is not there: %v", err)
	}
}
