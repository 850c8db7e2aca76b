// Package check holds what is shipped for others to deploy against the types and schemas of those who read it. It is a module of its
// own, so that none of their libraries becomes part of the bridge. Run it with: cd deploy/check && go test ./...
package check

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// kinds are those that may be shipped.
var kinds = map[string]any{
	"v1/Namespace": corev1.Namespace{}, "v1/Service": corev1.Service{}, "v1/ConfigMap": corev1.ConfigMap{}, "v1/Secret": corev1.Secret{},
	"apps/v1/StatefulSet": appsv1.StatefulSet{}, "apps/v1/Deployment": appsv1.Deployment{},
	"policy/v1/PodDisruptionBudget": policyv1.PodDisruptionBudget{}, "networking.k8s.io/v1/NetworkPolicy": networkingv1.NetworkPolicy{},
}

// cluster is what `kubectl apply -k deploy/kubernetes` sends, by kind and name.
type cluster map[string]any

// filled is a copy of deploy/ in which somebody filled in the secrets.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("..")))
	for example, to := range map[string]string{
		"env.example": ".env", "kubernetes/secrets.example.env": "kubernetes/secrets.env", "kubernetes/nats.example.env": "kubernetes/nats.env",
	} {
		text, err := os.ReadFile(filepath.Join(dir, example))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), text, 0o600))
	}
	return dir
}

// built renders the objects and reads each by the strict rules of its own type: an unknown or misspelt field, which a cluster may drop
// in silence, is an error.
func built(t *testing.T) cluster {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(filled(t), "kubernetes"))
	require.NoError(t, err)
	out := cluster{}
	for _, r := range made.Resources() {
		raw, err := r.AsYAML()
		require.NoError(t, err)
		kind := r.GetApiVersion() + "/" + r.GetKind()
		sample, known := kinds[kind]
		require.True(t, known, "%s is of a kind that is not checked", kind)
		object := reflect.New(reflect.TypeOf(sample))
		require.NoError(t, yaml.UnmarshalStrict(raw, object.Interface()), "%s %s", kind, r.GetName())
		out[r.GetKind()+"/"+r.GetName()] = object.Interface()
	}
	return out
}

// pods are the pod templates with the labels they carry.
func (c cluster) pods() map[string]corev1.PodTemplateSpec {
	out := map[string]corev1.PodTemplateSpec{}
	for name, object := range c {
		switch o := object.(type) {
		case *appsv1.Deployment:
			out[name] = o.Spec.Template
		case *appsv1.StatefulSet:
			out[name] = o.Spec.Template
		}
	}
	return out
}

func TestKubernetesObjectsAreOfTheirTypes(t *testing.T) {
	require.Len(t, built(t).pods(), 2)
}

func TestPodsAreRestricted(t *testing.T) {
	for name, pod := range built(t).pods() {
		require.False(t, *pod.Spec.AutomountServiceAccountToken, name)
		require.True(t, *pod.Spec.SecurityContext.RunAsNonRoot, name)
		require.NotZero(t, *pod.Spec.SecurityContext.RunAsUser, name)
		require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.Spec.SecurityContext.SeccompProfile.Type, name)
		for _, c := range pod.Spec.Containers {
			require.False(t, *c.SecurityContext.AllowPrivilegeEscalation, c.Name)
			require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem, c.Name)
			require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop, c.Name)
			require.NotEmpty(t, c.Resources.Limits.Memory().String(), c.Name)
			require.NotNil(t, c.ReadinessProbe, c.Name)
			require.NotNil(t, c.LivenessProbe, c.Name)
		}
	}
}

// What one object names, another is.
func TestNamesAgree(t *testing.T) {
	c := built(t)
	for name, pod := range c.pods() {
		claimed := map[string]bool{}
		if set, ok := c[name].(*appsv1.StatefulSet); ok {
			require.Contains(t, c, "Service/"+set.Spec.ServiceName)
			for _, claim := range set.Spec.VolumeClaimTemplates {
				claimed[claim.Name] = true
			}
		}
		for _, v := range pod.Spec.Volumes {
			claimed[v.Name] = true
			if v.ConfigMap != nil {
				require.Contains(t, c, "ConfigMap/"+v.ConfigMap.Name)
			}
		}
		for _, box := range pod.Spec.Containers {
			for _, m := range box.VolumeMounts {
				require.True(t, claimed[m.Name], "%s mounts %s", name, m.Name)
			}
			for _, e := range box.EnvFrom {
				require.Contains(t, c, "Secret/"+e.SecretRef.Name)
			}
			for _, e := range box.Env {
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
					secret, ok := c["Secret/"+e.ValueFrom.SecretKeyRef.Name].(*corev1.Secret)
					require.True(t, ok, e.Name)
					require.Contains(t, secret.Data, e.ValueFrom.SecretKeyRef.Key)
				}
			}
			for _, probe := range []*corev1.Probe{box.StartupProbe, box.ReadinessProbe, box.LivenessProbe} {
				require.True(t, slices.ContainsFunc(box.Ports, func(p corev1.ContainerPort) bool { return p.Name == probe.HTTPGet.Port.StrVal }), name)
			}
		}
	}
	for name, object := range c {
		switch o := object.(type) {
		case *corev1.Service:
			require.True(t, c.somebodyIs(t, metav1.LabelSelector{MatchLabels: o.Spec.Selector}), name)
		case *policyv1.PodDisruptionBudget:
			require.True(t, c.somebodyIs(t, *o.Spec.Selector), name)
		case *networkingv1.NetworkPolicy:
			require.True(t, c.somebodyIs(t, o.Spec.PodSelector), name)
		}
	}
}

// somebodyIs reports that a selector finds a pod.
func (c cluster) somebodyIs(t *testing.T, s metav1.LabelSelector) bool {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(&s)
	require.NoError(t, err)
	for _, pod := range c.pods() {
		if selector.Matches(labels.Set(pod.Labels)) {
			return true
		}
	}
	return false
}

func TestComposeFileIsValid(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(filled(t), "compose.yaml")}, cli.WithInterpolation(true),
		cli.WithEnv([]string{"IMAGINEBRIDGE_NATS_PASSWORD=a", "SUBSCRIBER_NATS_PASSWORD=b"}))
	require.NoError(t, err)
	project, err := options.LoadProject(t.Context())
	require.NoError(t, err)
	for name, s := range project.Services {
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		for _, p := range s.Ports {
			require.Equal(t, "127.0.0.1", p.HostIP, "%s opens a port to the network", name)
		}
	}
}

func TestDockerfileIsValid(t *testing.T) {
	file, err := os.Open("../Dockerfile")
	require.NoError(t, err)
	defer file.Close()
	parsed, err := parser.Parse(file)
	require.NoError(t, err)
	stages, _, err := instructions.Parse(parsed.AST, nil)
	require.NoError(t, err)
	final := stages[len(stages)-1]
	require.Equal(t, "scratch", final.BaseName)
	user := ""
	for _, c := range final.Commands {
		if u, ok := c.(*instructions.UserCommand); ok {
			user = u.User
		}
	}
	require.Equal(t, "65532:65532", user)
}
