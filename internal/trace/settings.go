package trace

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	protocol        = "http/protobuf"
	serviceName     = "service.name"
	defaultEndpoint = "http://localhost:4318"
	defaultTimeout  = 10 * time.Second
)

// settings are what the standard variables say (OpenTelemetry specification,
// "Environment Variable Specification" and "OpenTelemetry Protocol Exporter").
type settings struct {
	off      bool
	endpoint string
	headers  map[string]string // may hold secrets: never told
	timeout  time.Duration
	zip      bool
	ca       string // files
	cert     string
	key      string
	resource map[string]string
	sampler  sdk.Sampler
}

// read makes settings of the environment. Traces are off unless an exporter or an
// endpoint is named. The error names the variable that can't be used, never its
// value where that may be a secret.
func read(env func(string) (string, bool)) (settings, error) {
	get := func(name string) string {
		v, _ := env(name)
		return strings.TrimSpace(v)
	}
	of := func(name string) string { // the one for traces goes before the one for everything
		return cmp.Or(get("OTEL_EXPORTER_OTLP_TRACES_"+name), get("OTEL_EXPORTER_OTLP_"+name))
	}
	exporter := strings.ToLower(get("OTEL_TRACES_EXPORTER"))
	if strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") || exporter == "none" || exporter == "" && of("ENDPOINT") == "" {
		return settings{off: true}, nil
	}
	s := settings{
		timeout: defaultTimeout, zip: strings.EqualFold(of("COMPRESSION"), "gzip"),
		ca: of("CERTIFICATE"), cert: of("CLIENT_CERTIFICATE"), key: of("CLIENT_KEY"),
	}
	if exporter != "" && exporter != "otlp" {
		return s, fmt.Errorf("OTEL_TRACES_EXPORTER is %q; this program knows otlp and none", exporter)
	}
	if p := strings.ToLower(of("PROTOCOL")); p != "" && p != protocol {
		return s, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; this program speaks %s", p, protocol)
	}
	var err error
	if s.endpoint, err = endpoint(get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), get("OTEL_EXPORTER_OTLP_ENDPOINT")); err != nil {
		return s, err
	}
	if ms := of("TIMEOUT"); ms != "" {
		n, err := strconv.Atoi(ms)
		if err != nil || n <= 0 || n > int(time.Hour/time.Millisecond) {
			return s, errors.New("OTEL_EXPORTER_OTLP_TIMEOUT is no number of milliseconds")
		}
		s.timeout = time.Duration(n) * time.Millisecond
	}
	if s.headers, err = pairs("OTEL_EXPORTER_OTLP_HEADERS", of("HEADERS")); err != nil {
		return s, err
	}
	s.resource = map[string]string{serviceName: "imaginebridge"}
	given, err := pairs("OTEL_RESOURCE_ATTRIBUTES", get("OTEL_RESOURCE_ATTRIBUTES"))
	if err != nil {
		return s, err
	}
	maps.Copy(s.resource, given)
	s.resource[serviceName] = cmp.Or(get("OTEL_SERVICE_NAME"), s.resource[serviceName])
	s.sampler, err = samplerOf(strings.ToLower(get("OTEL_TRACES_SAMPLER")), get("OTEL_TRACES_SAMPLER_ARG"))
	return s, err
}

// endpoint is where traces go: the one for traces as it stands, the general one
// with the path of traces.
func endpoint(traces, general string) (string, error) {
	name, text := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces
	if text == "" {
		name, text = "OTEL_EXPORTER_OTLP_ENDPOINT", strings.TrimRight(cmp.Or(general, defaultEndpoint), "/")+"/v1/traces"
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%s is no address such as %s", name, defaultEndpoint)
	}
	return text, nil
}

// pairs reads "key=value,key=value", values as in URLs.
func pairs(variable, text string) (map[string]string, error) {
	out := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil {
			return nil, fmt.Errorf("%s is no list such as key=value,key=value", variable)
		}
		out[key] = value
	}
	return out, nil
}

// samplerOf decides which traces are recorded. The decision follows from the id of
// the trace alone, so that all processes agree on an event's.
func samplerOf(name, arg string) (sdk.Sampler, error) {
	ratio := 1.0
	if strings.HasSuffix(name, "traceidratio") && arg != "" {
		var err error
		if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, errors.New("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1")
		}
	}
	switch name {
	case "", "parentbased_always_on":
		return sdk.ParentBased(sdk.AlwaysSample()), nil
	case "always_on":
		return sdk.AlwaysSample(), nil
	case "always_off":
		return sdk.NeverSample(), nil
	case "parentbased_always_off":
		return sdk.ParentBased(sdk.NeverSample()), nil
	case "traceidratio":
		return sdk.TraceIDRatioBased(ratio), nil
	case "parentbased_traceidratio":
		return sdk.ParentBased(sdk.TraceIDRatioBased(ratio)), nil
	}
	return nil, fmt.Errorf("OTEL_TRACES_SAMPLER is %q, which this program does not know", name)
}

// client is what sends: its certificates are read from the files that are named.
func (s settings) client() (*http.Client, error) {
	safe := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		safe.RootCAs = x509.NewCertPool()
		if err != nil || !safe.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("OTEL_EXPORTER_OTLP_CERTIFICATE names no file of certificates")
		}
	}
	if s.cert != "" || s.key != "" {
		own, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, errors.New("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY name no certificate with its key")
		}
		safe.Certificates = []tls.Certificate{own}
	}
	return &http.Client{
		Timeout:   s.timeout,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: safe, ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: time.Minute},
	}, nil
}
