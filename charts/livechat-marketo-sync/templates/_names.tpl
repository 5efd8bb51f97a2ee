{{- define "lcm.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/*
At most 40 characters, because a CronJob's name may have 52 and gets a part behind it. What is longer is cut, and the
checksum of the whole keeps two releases apart that begin alike.
*/}}
{{- define "lcm.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- end -}}
{{- if gt (len $full) 40 -}}
{{- printf "%s-%s" ($full | trunc 31 | trimSuffix "-") ($full | sha256sum | trunc 8) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{/* Quoted, as all that is a name: a release may be called 123, or on, which YAML takes for something else. */}}
{{- define "lcm.selectorLabels" -}}
app.kubernetes.io/name: {{ include "lcm.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end -}}

{{/*
Of objects; `more` are the user's, which may stand in place of ours. The chart's version is not among the selector's, which
can never change.
*/}}
{{- define "lcm.labels" -}}
{{- $labels := include "lcm.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $labels "app.kubernetes.io/version" .root.Chart.AppVersion -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $labels "app.kubernetes.io/part-of" .root.Chart.Name -}}
{{- toYaml (mergeOverwrite $labels (.more | default dict)) -}}
{{- end -}}

{{/* Of pods: without what changes with each release of the chart, or every upgrade would start them again. */}}
{{- define "lcm.podLabels" -}}
{{ include "lcm.selectorLabels" . }}
{{- with .root.Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "lcm.serviceAccount.jobs" -}}
{{- .Values.serviceAccount.name | default (ternary (include "lcm.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "lcm.serviceAccount.status" -}}
{{- .Values.serviceAccount.statusName | default (ternary (printf "%s-status" (include "lcm.fullname" .)) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "lcm.image" -}}
{{- with .Values.image -}}
{{- $name := ternary (printf "%s/%s" .registry .repository) .repository (not (empty .registry)) -}}
{{- if .digest -}}
{{- printf "%s@%s" $name .digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end -}}
