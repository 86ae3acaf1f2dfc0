{{/* Names, labels, and the pod that every role is made of. A role: a dict of root, role (its name), of (its values). */}}

{{- define "vigil.name" -}}
{{- printf "%s-%s" .root.Release.Name .role | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "vigil.selector" -}}
app.kubernetes.io/name: vigil
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "vigil.labels" -}}
{{ include "vigil.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: vigil
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "vigil.metadata" -}}
name: {{ include "vigil.name" . }}
namespace: {{ .root.Release.Namespace | quote }}
labels: {{- include "vigil.labels" . | nindent 2 }}
{{- end -}}

{{/* The role's user on Kafka, and the secret with its password or certificate. */}}
{{- define "vigil.user" -}}
{{- .of.kafkaUser.name | default (printf "%s-%s" .root.Values.appId .principal) -}}
{{- end -}}
{{- define "vigil.userSecret" -}}
{{- $name := .of.kafkaUser.secret | default (include "vigil.user" .) -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" $name) -}}
{{- fail (printf "%s.kafkaUser.secret: %s, the name of its user, can be the name of no secret" .role $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* How many workers there can be: those beyond the partitions would do nothing. */}}
{{- define "vigil.workersAtMost" -}}
{{- if .Values.worker.autoscaling.enabled -}}
{{- .Values.worker.autoscaling.maxReplicas -}}
{{- else -}}
{{- .Values.worker.replicas -}}
{{- end -}}
{{- end -}}

{{/* A value as the text of a setting. Numbers of values are floating, and would be written with an exponent. */}}
{{- define "vigil.text" -}}
{{- if and (kindIs "float64" .) (eq (float64 (int64 .)) .) -}}
{{- int64 . | quote -}}
{{- else -}}
{{- quote . -}}
{{- end -}}
{{- end -}}

{{- define "vigil.environment" -}}
{{- $values := .root.Values -}}
{{- $kafka := $values.kafka -}}
- {name: VIGIL_BOOTSTRAP_SERVERS, value: {{ $kafka.bootstrapServers | quote }}}
- {name: VIGIL_APP_ID, value: {{ $values.appId | quote }}}
- {name: VIGIL_PARTITIONS, value: {{ $values.partitions | quote }}}
- {name: VIGIL_REPLICATION_FACTOR, value: {{ $values.replicationFactor | quote }}}
{{- if eq (int $values.replicationFactor) 1 }}
- {name: VIGIL_ENV, value: dev}
{{- end }}
- {name: VIGIL_SECURITY_PROTOCOL, value: {{ $kafka.securityProtocol }}}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
- {name: VIGIL_SASL_MECHANISM, value: {{ $kafka.saslMechanism }}}
- {name: VIGIL_SASL_USERNAME, value: {{ include "vigil.user" . | quote }}}
- {name: VIGIL_SASL_PASSWORD_FILE, value: /run/secrets/kafka/password}
{{- end }}
{{- if and (hasSuffix "SSL" $kafka.securityProtocol) $kafka.caSecret.name }}
- {name: VIGIL_TLS_CA_FILE, value: /run/secrets/kafka-ca/{{ $kafka.caSecret.key }}}
{{- end }}
{{- if eq $kafka.securityProtocol "SSL" }}
- {name: VIGIL_TLS_CERT_FILE, value: /run/secrets/kafka/{{ $kafka.certKey }}}
- {name: VIGIL_TLS_KEY_FILE, value: /run/secrets/kafka/{{ $kafka.keyKey }}}
{{- end }}
{{- if ne $values.listenOn "0.0.0.0" }}
- {name: VIGIL_METRICS_HOST, value: {{ $values.listenOn | quote }}}
{{- end }}
{{- range $name, $value := mergeOverwrite (deepCopy ($values.settings | default dict)) (.of.settings | default dict) }}
- {name: {{ $name }}, value: {{ include "vigil.text" $value }}}
{{- end }}
{{- with .environment }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "vigil.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if and (not .once) (or .root.Values.policies.files .root.Values.policies.configMap) }}
- {name: policies, mountPath: /etc/vigil/policies, readOnly: true}
{{- end }}
{{- if ne .root.Values.kafka.securityProtocol "PLAINTEXT" }}
{{- if .root.Values.kafka.caSecret.name }}
- {name: kafka-ca, mountPath: /run/secrets/kafka-ca, readOnly: true}
{{- end }}
- {name: kafka, mountPath: /run/secrets/kafka, readOnly: true}
{{- end }}
{{- if .of.urlSecret }}
- {name: database, mountPath: /run/secrets/database, readOnly: true}
{{- end }}
{{- range $number, $secret := .of.secrets }}
- {name: secret-{{ $number }}, mountPath: /run/secrets/{{ $secret }}, readOnly: true}
{{- end }}
{{- if .file }}
- {name: configuration, mountPath: /etc/vigil/{{ .role }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "vigil.volumes" -}}
{{- /* 0440: the group is fsGroup. */ -}}
{{- $readable := 288 -}}
- name: tmp
  {{- /* A backtest of the console sorts in files what it does not hold in memory. */}}
  emptyDir: {sizeLimit: {{ if eq .role "console" }}1Gi{{ else }}64Mi{{ end }}}
{{- if and (not .once) (or .root.Values.policies.files .root.Values.policies.configMap) }}
- name: policies
  configMap: {name: {{ .root.Values.policies.configMap | default (include "vigil.name" (dict "root" .root "role" "policies")) | quote }}}
{{- end }}
{{- if ne .root.Values.kafka.securityProtocol "PLAINTEXT" }}
{{- if .root.Values.kafka.caSecret.name }}
- name: kafka-ca
  secret: {secretName: {{ .root.Values.kafka.caSecret.name | quote }}, defaultMode: {{ $readable }}}
{{- end }}
- name: kafka
  secret: {secretName: {{ include "vigil.userSecret" . | quote }}, defaultMode: {{ $readable }}}
{{- end }}
{{- if .of.urlSecret }}
- name: database
  secret: {secretName: {{ required (printf "%s.urlSecret.name: a secret with the database's URL" .role) .of.urlSecret.name | quote }}, defaultMode: {{ $readable }}}
{{- end }}
{{- range $number, $secret := .of.secrets }}
- name: secret-{{ $number }}  # a volume's name takes less than a secret's
  secret: {secretName: {{ $secret | quote }}, defaultMode: {{ $readable }}}
{{- end }}
{{- if .file }}
- name: configuration
  configMap: {name: {{ include "vigil.name" . }}}
{{- end }}
{{- end -}}

{{/* Also of the role: principal, arguments, port, ready and live (paths), startSeconds, grace (seconds to stop),
environment and file (texts), account (has a service account), once (ends by itself, before the chart's own
objects are there). */}}
{{- define "vigil.pod" -}}
metadata:
  labels: {{- include "vigil.labels" . | nindent 4 }}
  annotations:
    checksum/configuration: {{ printf "%v%v" .root.Values.policies.files .file | sha256sum }}
spec:
  {{- if .account }}
  serviceAccountName: {{ include "vigil.name" . }}
  {{- end }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{- range . }}
    - name: {{ . | quote }}{{ end }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .grace }}
  {{- if .once }}
  restartPolicy: OnFailure
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  {{- with .of.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .of.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .of.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if not .once }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "vigil.selector" . | nindent 10 }}
  {{- end }}
  containers:
    - name: {{ .role }}
      image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: {{ toJson .arguments }}
      env: {{- include "vigil.environment" . | nindent 8 }}
      {{- if .port }}
      ports:
        - {name: http, containerPort: {{ .port }}}
      startupProbe:
        httpGet: {path: {{ .live }}, port: http}
        periodSeconds: 5
        failureThreshold: {{ div (add .startSeconds 64) 5 }}
      readinessProbe:
        httpGet: {path: {{ .ready }}, port: http}
        periodSeconds: 5
        timeoutSeconds: 3
      livenessProbe:
        httpGet: {path: {{ .live }}, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      {{- end }}
      {{- if .of.service }}
      lifecycle:
        # Who sends here hears of its end only seconds later: until then it goes on.
        preStop: {exec: {command: [sleep, "5"]}}
      {{- end }}
      resources: {{- toYaml .of.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts: {{- include "vigil.mounts" . | nindent 8 }}
  volumes: {{- include "vigil.volumes" . | nindent 4 }}
{{- end -}}

{{- define "vigil.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata: {{- include "vigil.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{- define "vigil.disruption" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "vigil.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "vigil.selector" . | nindent 6 }}
{{- end -}}

{{- define "vigil.autoscaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{- include "vigil.metadata" . | nindent 2 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "vigil.name" . }}}
  minReplicas: {{ .of.autoscaling.minReplicas }}
  maxReplicas: {{ .of.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ .of.autoscaling.cpuPercent }}}}
  {{- if eq .role "worker" }}
  behavior: {{- include "vigil.scaling" . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Of workers, whose every step is a rebalance: up soon and by few, down late and one at a time. */}}
{{- define "vigil.scaling" -}}
scaleUp:
  stabilizationWindowSeconds: 60
  policies: [{type: Pods, value: 2, periodSeconds: 120}]
scaleDown:
  stabilizationWindowSeconds: 600
  policies: [{type: Pods, value: 1, periodSeconds: 300}]
{{- end -}}

{{- define "vigil.podMonitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  {{- include "vigil.metadata" . | nindent 2 }}
    {{- with .root.Values.monitoring.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels: {{- include "vigil.selector" . | nindent 6 }}
  podMetricsEndpoints:
    - {port: http, path: /metrics, interval: {{ .root.Values.monitoring.interval }}}
{{- end -}}

{{/* Ingress to the port of metrics and probes: of `only` (peers), whose pages are on that port, and of the scrapers
that are named. Egress to DNS, Kafka (where its bootstrap servers answer, and kafkaPorts), and the ports of
`reaches`. */}}
{{- define "vigil.networkPolicy" -}}
{{- $policy := .root.Values.networkPolicy -}}
{{- $ports := list -}}
{{- range splitList "," .root.Values.kafka.bootstrapServers -}}
{{- $ports = append $ports (splitList ":" . | last | int) -}}
{{- end -}}
{{- range concat $policy.kafkaPorts (.reaches | default list) -}}
{{- $ports = append $ports (int .) -}}
{{- end -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "vigil.metadata" . | nindent 2 }}
  {{- if .once }}
  annotations:  # there before the job, and gone with it
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-1"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
  {{- end }}
spec:
  podSelector:
    matchLabels: {{- include "vigil.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- if .port }}
  ingress:
    {{- if .only }}
    - ports: [{port: http}]
      from: {{- toYaml (concat .only $policy.metricsFrom) | nindent 8 }}
    {{- else }}
    - ports: [{port: http}]
      from: {{- toYaml (default (list (dict "podSelector" dict)) $policy.metricsFrom) | nindent 8 }}
    {{- end }}
    {{- if .open }}
    - ports: [{port: http}]
      {{- with $policy.intakeFrom }}
      from: {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
  {{- end }}
  egress:
    # DNS; its pods answer at 5353 on OpenShift, and policies are about pods.
    - ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}, {port: 5353, protocol: UDP}, {port: 5353, protocol: TCP}]
    - ports:
        {{- range uniq $ports }}
        - {port: {{ . }}, protocol: TCP}
        {{- end }}
{{- end -}}
