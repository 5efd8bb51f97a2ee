{{/* What a value comes to where it is empty: the sandbox is not waited for by the hour. */}}

{{- define "lcm.sync.schedule" -}}
{{- .Values.sync.schedule | default (ternary "* * * * *" "7 * * * *" .Values.sandbox.enabled) -}}
{{- end -}}

{{/* How far apart two runs are at the most; "" where neither the schedule nor the values say it. */}}
{{- define "lcm.sync.interval" -}}
{{- $longest := (include "lcm.sync.schedule" . | include "lcm.cron" | fromJson).longest | int64 -}}
{{- .Values.sync.interval | default (ternary (include "lcm.cron.duration" $longest) "" (gt $longest 0)) -}}
{{- end -}}

{{- define "lcm.sync.settle" -}}
{{- .Values.sync.settle | default (ternary "0s" "10m" .Values.sandbox.enabled) -}}
{{- end -}}

{{/* The sandbox's chats are of the last week; what a first run reads before that costs it nothing. */}}
{{- define "lcm.sync.from" -}}
{{- .Values.sync.from | default (ternary "2026-01-01T00:00:00Z" "" .Values.sandbox.enabled) -}}
{{- end -}}

{{- define "lcm.sync.activeDeadlineSeconds" -}}
{{- include "lcm.activeDeadlineSeconds" (dict "root" . "job" .Values.sync "usual" 3000) -}}
{{- end -}}

{{- define "lcm.digest.activeDeadlineSeconds" -}}
{{- include "lcm.activeDeadlineSeconds" (dict "root" . "job" .Values.digest "usual" 1800) -}}
{{- end -}}

{{/* Of a job: what its values say, else what is usual, else less than the minute of the sandbox's schedule. */}}
{{- define "lcm.activeDeadlineSeconds" -}}
{{- if kindIs "invalid" .job.activeDeadlineSeconds -}}
{{- ternary 55 .usual (and .root.Values.sandbox.enabled (not .job.schedule)) -}}
{{- else -}}
{{- int64 .job.activeDeadlineSeconds -}}
{{- end -}}
{{- end -}}

{{/* Half of what the run may take in all is left for its work. */}}
{{- define "lcm.sync.patience" -}}
{{- .Values.sync.patience | default (min 600 (div (include "lcm.sync.activeDeadlineSeconds" .) 2) | include "lcm.cron.duration") -}}
{{- end -}}

{{- define "lcm.digest.schedule" -}}
{{- .Values.digest.schedule | default (ternary "* * * * *" "5 7 * * *" .Values.sandbox.enabled) -}}
{{- end -}}

{{/* The user of a URL in a Secret cannot be seen here. */}}
{{- define "lcm.migrations.grantTo" -}}
{{- .Values.migrations.grantTo | default (ternary "" .Values.database.user (empty .Values.database.host)) -}}
{{- end -}}

{{/* Seconds of a duration: 90s, 10m, 24h, 7d. */}}
{{- define "lcm.seconds" -}}
{{- $unit := dict "s" 1 "m" 60 "h" 3600 "d" 86400 -}}
{{- mul (trimAll "smhd" . | atoi) (get $unit (. | trunc -1)) -}}
{{- end -}}

{{- define "lcm.postgresql.password" -}}
{{- .Values.postgresql.password | default (printf "%s/%s" .Release.Namespace .Release.Name | sha256sum | trunc 24) -}}
{{- end -}}
