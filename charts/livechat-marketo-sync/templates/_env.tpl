{{/* Environment of the containers: each gets what its program reads, and nothing else. */}}

{{- define "lcm.env.text" -}}
- name: {{ .name }}
  value: {{ .value | toString | quote }}
{{- end -}}

{{- define "lcm.env.secret" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: {{ .key | quote }}
{{- end -}}

{{/* A secret setting: from the user's Secret, else from the chart's, which holds what values say for trying out. */}}
{{- define "lcm.env.credential" -}}
{{- include "lcm.env.secret" (dict "name" .name "secret" (.existing | default (include "lcm.fullname" .root)) "key" (ternary .own .key (empty .existing))) -}}
{{- end -}}

{{- define "lcm.env.common" -}}
{{ include "lcm.env.text" (dict "name" "DATABASE_SCHEMA" "value" .Values.database.schema) }}
{{ include "lcm.env.text" (dict "name" "LOG_LEVEL" "value" .Values.logLevel) }}
{{- end -}}

{{- define "lcm.env.database" -}}
{{- with .Values.database -}}
{{- if .host -}}
{{- $user := .user | urlquery | replace "+" "%20" -}}
{{- $host := ternary (printf "[%s]" .host) .host (and (contains ":" .host) (not (hasPrefix "[" .host))) -}}
{{- /* A path is decoded as JavaScript's decodeURI does it, which leaves these signs encoded. */ -}}
{{- $name := .name | urlquery | replace "+" "%20" -}}
{{- range $code, $sign := dict "%24" "$" "%26" "&" "%2B" "+" "%2C" "," "%3A" ":" "%3B" ";" "%3D" "=" "%40" "@" -}}
{{- $name = $name | replace $code $sign -}}
{{- end -}}
{{ include "lcm.env.text" (dict "name" "DATABASE_URL" "value" (printf "postgres://%s@%s:%d/%s?sslmode=%s" $user $host (int .port) $name .sslMode)) }}
{{ include "lcm.env.secret" (dict "name" "PGPASSWORD" "secret" .existingSecret "key" .secretKeys.password) }}
{{- else -}}
{{ include "lcm.env.credential" (dict "root" $ "name" "DATABASE_URL" "existing" .existingSecret "key" .secretKeys.uri "own" "database-url") }}
{{- end }}
{{- end }}
{{ include "lcm.env.common" . }}
{{- end -}}

{{- define "lcm.env.migrate" -}}
{{- if .Values.migrations.existingSecret -}}
{{ include "lcm.env.secret" (dict "name" "DATABASE_URL" "secret" .Values.migrations.existingSecret "key" .Values.migrations.secretKeys.uri) }}
{{ include "lcm.env.text" (dict "name" "DATABASE_GRANT_TO" "value" (include "lcm.migrations.grantTo" .)) }}
{{ include "lcm.env.common" . }}
{{- else -}}
{{ include "lcm.env.database" . }}
{{- end }}
{{ include "lcm.env.wait" . }}
{{- end -}}

{{- define "lcm.env.wait" -}}
{{ include "lcm.env.text" (dict "name" "DATABASE_WAIT" "value" "2m") }}
{{- end -}}

{{/* What sync and doctor read alike. */}}
{{- define "lcm.env.sync" -}}
{{ include "lcm.env.database" . }}
{{- if .Values.sandbox.enabled }}
{{ include "lcm.env.text" (dict "name" "LIVECHAT_ENDPOINT" "value" (printf "http://%s-sandbox:7401" (include "lcm.fullname" .))) }}
{{ include "lcm.env.secret" (dict "name" "LIVECHAT_ACCOUNT_ID" "secret" (include "lcm.fullname" .) "key" "livechat-account-id") }}
{{ include "lcm.env.secret" (dict "name" "LIVECHAT_PAT" "secret" (include "lcm.fullname" .) "key" "livechat-pat") }}
{{ include "lcm.env.text" (dict "name" "MARKETO_ENDPOINT" "value" (printf "http://%s-sandbox:7402" (include "lcm.fullname" .))) }}
{{ include "lcm.env.secret" (dict "name" "MARKETO_CLIENT_ID" "secret" (include "lcm.fullname" .) "key" "marketo-client-id") }}
{{ include "lcm.env.secret" (dict "name" "MARKETO_CLIENT_SECRET" "secret" (include "lcm.fullname" .) "key" "marketo-client-secret") }}
{{- else }}
{{- with .Values.livechat }}
{{ include "lcm.env.text" (dict "name" "LIVECHAT_ENDPOINT" "value" .endpoint) }}
{{- if .secretKeys.accountId }}
{{ include "lcm.env.secret" (dict "name" "LIVECHAT_ACCOUNT_ID" "secret" .existingSecret "key" .secretKeys.accountId) }}
{{- else }}
{{ include "lcm.env.text" (dict "name" "LIVECHAT_ACCOUNT_ID" "value" .accountId) }}
{{- end }}
{{ include "lcm.env.credential" (dict "root" $ "name" "LIVECHAT_PAT" "existing" .existingSecret "key" .secretKeys.pat "own" "livechat-pat") }}
{{- end }}
{{- with .Values.marketo }}
{{ include "lcm.env.text" (dict "name" "MARKETO_ENDPOINT" "value" .endpoint) }}
{{- if .secretKeys.clientId }}
{{ include "lcm.env.secret" (dict "name" "MARKETO_CLIENT_ID" "secret" .existingSecret "key" .secretKeys.clientId) }}
{{- else }}
{{ include "lcm.env.text" (dict "name" "MARKETO_CLIENT_ID" "value" .clientId) }}
{{- end }}
{{ include "lcm.env.credential" (dict "root" $ "name" "MARKETO_CLIENT_SECRET" "existing" .existingSecret "key" .secretKeys.clientSecret "own" "marketo-client-secret") }}
{{- end }}
{{- end }}
{{- with .Values.marketo }}
{{ include "lcm.env.text" (dict "name" "MARKETO_PROFILE" "value" .profile) }}
{{- if .callsPerWindow }}
{{ include "lcm.env.text" (dict "name" "MARKETO_CALLS_PER_WINDOW" "value" (int .callsPerWindow)) }}
{{- end }}
{{ include "lcm.env.text" (dict "name" "MARKETO_WINDOW_SECONDS" "value" (int .windowSeconds)) }}
{{- if .concurrency }}
{{ include "lcm.env.text" (dict "name" "MARKETO_CONCURRENCY" "value" (int .concurrency)) }}
{{- end }}
{{ include "lcm.env.text" (dict "name" "MARKETO_BATCH_SIZE" "value" (int .batchSize)) }}
{{ include "lcm.env.text" (dict "name" "MARKETO_PACE" "value" .pace) }}
{{ include "lcm.env.text" (dict "name" "MARKETO_READ_TIMEOUT" "value" .readTimeout) }}
{{ include "lcm.env.text" (dict "name" "MARKETO_WRITE_TIMEOUT" "value" .writeTimeout) }}
{{ include "lcm.env.text" (dict "name" "MARKETO_DAILY_CALLS" "value" (int .dailyCalls)) }}
{{ include "lcm.env.text" (dict "name" "MARKETO_DAILY_QUOTA" "value" (int .dailyQuota)) }}
{{- end }}
{{- with include "lcm.sync.from" . }}
{{ include "lcm.env.text" (dict "name" "SYNC_FROM" "value" .) }}
{{- end }}
{{ include "lcm.env.text" (dict "name" "SYNC_INTERVAL" "value" (include "lcm.sync.interval" .)) }}
{{ include "lcm.env.text" (dict "name" "SYNC_OVERLAP" "value" .Values.sync.overlap) }}
{{ include "lcm.env.text" (dict "name" "SYNC_SETTLE" "value" (include "lcm.sync.settle" .)) }}
{{ include "lcm.env.text" (dict "name" "SYNC_PATIENCE" "value" (include "lcm.sync.patience" .)) }}
{{ include "lcm.env.text" (dict "name" "SYNC_MAX_ATTEMPTS" "value" (int .Values.sync.maxAttempts)) }}
{{- with .Values.sync.excludedDomains }}
{{ include "lcm.env.text" (dict "name" "SYNC_EXCLUDED_DOMAINS" "value" (join "," .)) }}
{{- end }}
{{ include "lcm.env.text" (dict "name" "RULES_FILE" "value" "/etc/livechat-marketo-sync/rules.yaml") }}
{{- end -}}

{{- define "lcm.env.mail" -}}
{{- if .Values.sandbox.enabled -}}
{{ include "lcm.env.text" (dict "name" "SMTP_URL" "value" (printf "smtp://%s-sandbox:7425" (include "lcm.fullname" .))) }}
{{- else -}}
{{- with .Values.smtp -}}
{{ include "lcm.env.credential" (dict "root" $ "name" "SMTP_URL" "existing" .existingSecret "key" .secretKeys.url "own" "smtp-url") }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "lcm.env.digest" -}}
{{ include "lcm.env.database" . }}
{{ include "lcm.env.mail" . }}
{{- $tryOut := .Values.sandbox.enabled }}
{{- with .Values.digest }}
{{ include "lcm.env.text" (dict "name" "DIGEST_FROM" "value" (.from | default (ternary "LiveChat to Marketo <sync@shop.example>" "" $tryOut))) }}
{{ include "lcm.env.text" (dict "name" "DIGEST_TO" "value" (join "," .to | default (ternary "you@shop.example" "" $tryOut))) }}
{{ include "lcm.env.text" (dict "name" "DIGEST_TIME_ZONE" "value" .timeZone) }}
{{ include "lcm.env.text" (dict "name" "DIGEST_HEARTBEAT" "value" (or .heartbeat $tryOut)) }}
{{- range $what, $long := .retention }}
{{ include "lcm.env.text" (dict "name" (printf "RETENTION_%s" (upper $what)) "value" $long) }}
{{- end }}
{{- end }}
{{- with .Values.status.url }}
{{ include "lcm.env.text" (dict "name" "STATUS_URL" "value" .) }}
{{- end }}
{{ include "lcm.env.text" (dict "name" "SYNC_INTERVAL" "value" (include "lcm.sync.interval" .)) }}
{{ include "lcm.env.text" (dict "name" "SYNC_OVERLAP" "value" .Values.sync.overlap) }}
{{ include "lcm.env.text" (dict "name" "MARKETO_DAILY_CALLS" "value" (int .Values.marketo.dailyCalls)) }}
{{- end -}}

{{- define "lcm.env.status" -}}
{{ include "lcm.env.database" . }}
{{ include "lcm.env.text" (dict "name" "STATUS_HOST" "value" "::") }}
{{ include "lcm.env.text" (dict "name" "STATUS_PORT" "value" "8080") }}
{{- with .Values.status.url }}
{{ include "lcm.env.text" (dict "name" "STATUS_URL" "value" .) }}
{{- end }}
{{- if or .Values.status.existingSecret .Values.status.token }}
{{ include "lcm.env.credential" (dict "root" . "name" "STATUS_TOKEN" "existing" .Values.status.existingSecret "key" .Values.status.secretKeys.token "own" "status-token") }}
{{- end }}
{{ include "lcm.env.text" (dict "name" "SYNC_INTERVAL" "value" (include "lcm.sync.interval" .)) }}
{{ include "lcm.env.text" (dict "name" "MARKETO_DAILY_CALLS" "value" (int .Values.marketo.dailyCalls)) }}
{{- $cronJobs := list (printf "%s-sync" (include "lcm.fullname" .)) -}}
{{- if .Values.digest.enabled }}
{{- $cronJobs = append $cronJobs (printf "%s-digest" (include "lcm.fullname" .)) }}
{{ include "lcm.env.text" (dict "name" "DIGEST_SCHEDULE" "value" (include "lcm.digest.schedule" .)) }}
{{ include "lcm.env.text" (dict "name" "DIGEST_TIME_ZONE" "value" .Values.digest.timeZone) }}
{{- end }}
{{ include "lcm.env.text" (dict "name" "KUBERNETES_CRONJOBS" "value" (join "," $cronJobs)) }}
{{- if .Values.status.cluster.enabled }}
{{ include "lcm.env.text" (dict "name" "KUBERNETES_RELEASE" "value" .Release.Name) }}
- name: KUBERNETES_NAMESPACE
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: metadata.namespace
{{- end }}
{{- end -}}

{{/* The name of the Job: it tells a scheduled run from one that was started by hand. */}}
{{- define "lcm.env.runName" -}}
- name: RUN_NAME
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: metadata.labels['batch.kubernetes.io/job-name']
{{- end -}}
