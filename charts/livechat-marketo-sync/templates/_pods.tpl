{{/* What all pods have: who they are, where they go, and that they may do nothing. */}}
{{- define "lcm.pod" -}}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ quote . }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lcm.podMetadata" -}}
labels: {{ include "lcm.podLabels" . | nindent 2 }}
{{- with .root.Values.podAnnotations }}
annotations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A container of the product: name, command, env (as text), resources, rules (whether it reads them). */}}
{{- define "lcm.container" -}}
name: {{ .name }}
image: {{ include "lcm.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [{{ .command }}]
securityContext: {{ toYaml .root.Values.securityContext | nindent 2 }}
env: {{ .env | nindent 2 }}
{{- with .root.Values.extraEnv }}
{{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.extraEnvFrom }}
envFrom: {{ toYaml . | nindent 2 }}
{{- end }}
resources: {{ toYaml .resources | nindent 2 }}
{{- if or .rules .root.Values.extraVolumeMounts }}
volumeMounts:
{{- if .rules }}
  - name: rules
    mountPath: /etc/livechat-marketo-sync
    readOnly: true
{{- end }}
{{- with .root.Values.extraVolumeMounts }}
{{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The init containers of a workload: the user's, then the one that brings the schema up to date. */}}
{{- define "lcm.initContainers" -}}
{{- if or .root.Values.extraInitContainers (eq .root.Values.migrations.mode "initContainer") }}
initContainers:
{{- with .root.Values.extraInitContainers }}
{{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq .root.Values.migrations.mode "initContainer" }}
  - {{ include "lcm.container" (dict "root" .root "name" "migrate" "command" "migrate" "env" (include "lcm.env.migrate" .root) "resources" .resources) | nindent 4 | trim }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lcm.volumes" -}}
{{- if or .rules .root.Values.extraVolumes }}
volumes:
{{- if .rules }}
  - name: rules
    configMap:
      name: {{ printf "%s-rules" (include "lcm.fullname" .root) | quote }}
{{- end }}
{{- with .root.Values.extraVolumes }}
{{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Of all Jobs. */}}
{{- define "lcm.podFailurePolicy" -}}
rules:
  # Usage, a newer schema, refused credentials, configuration: trying again mends none of them. Without a container's name,
  # so that the migration counts as well.
  - action: FailJob
    onExitCodes: { operator: In, values: [64, 69, 77, 78] }
  # A drained node is not the job's failure.
  - action: Ignore
    onPodConditions: [{ type: DisruptionTarget, status: "True" }]
{{- end -}}

{{/* A CronJob of the product; the digest's and the sync's differ in what they read, and when. */}}
{{- define "lcm.cronjob" -}}
{{- $job := .job -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {{ printf "%s-%s" (include "lcm.fullname" .root) .component | quote }}
  labels: {{ include "lcm.labels" . | nindent 4 }}
spec:
  schedule: {{ .schedule | quote }}
  timeZone: {{ $job.timeZone | quote }}
  # A run started by hand is not seen by this; the lease in the database is what keeps two apart.
  concurrencyPolicy: Forbid
{{- if $job.suspend }}
  suspend: true
{{- end }}
  startingDeadlineSeconds: {{ int64 $job.startingDeadlineSeconds }}
  successfulJobsHistoryLimit: {{ int64 $job.successfulJobsHistoryLimit }}
  failedJobsHistoryLimit: {{ int64 $job.failedJobsHistoryLimit }}
  jobTemplate:
    metadata:
      # Jobs that are started by hand get these too, and no others.
      labels: {{ include "lcm.labels" . | nindent 8 }}
    spec:
      activeDeadlineSeconds: {{ int64 .deadline }}
      backoffLimit: {{ int64 $job.backoffLimit }}
      podReplacementPolicy: Failed
      ttlSecondsAfterFinished: {{ int64 $job.ttlSecondsAfterFinished }}
      podFailurePolicy: {{ include "lcm.podFailurePolicy" . | nindent 8 }}
      template:
        metadata: {{ include "lcm.podMetadata" . | nindent 10 }}
        spec:
          {{- include "lcm.pod" . | nindent 10 }}
          serviceAccountName: {{ include "lcm.serviceAccount.jobs" .root | quote }}
          automountServiceAccountToken: false
          restartPolicy: Never
          # Longer than Marketo works on a call: what is in flight is waited for, so that nothing is left in doubt.
          terminationGracePeriodSeconds: 100
          securityContext: {{ toYaml .root.Values.podSecurityContext | nindent 12 }}
          {{- include "lcm.initContainers" (dict "root" .root "resources" $job.resources) | nindent 10 }}
          containers:
            - {{ include "lcm.container" (dict "root" .root "name" .component "command" .component "env" .env "resources" $job.resources "rules" .rules) | nindent 14 | trim }}
          {{- include "lcm.volumes" . | nindent 10 }}
{{- end -}}
