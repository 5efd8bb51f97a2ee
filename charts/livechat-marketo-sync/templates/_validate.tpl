{{/*
What a schema cannot say: values that contradict each other, or lack each other. Everything at once, each with a sentence.
It is here and not only in the schema, because `helm template --skip-schema-validation` exists.
*/}}
{{- define "lcm.validate" -}}
{{- $wrong := list -}}
{{- range list "release" "database" "credentials" "mail" "times" "durations" "modes" "accounts" "status" "monitoring" "rules" "environment" -}}
{{- $wrong = concat $wrong (include (printf "lcm.validate.%s" .) $ | fromYamlArray) -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n\nThe values do not hold:\n- %s\n" (join "\n- " $wrong)) -}}
{{- end -}}
{{- end -}}

{{- define "lcm.validate.release" -}}
{{- if contains "." .Release.Name }}
- {{ printf "The release is called %s; a Service’s name takes no dots: give it another name." .Release.Name | quote }}
{{- end }}
{{- if not (include "lcm.fullname" . | regexMatch "^[a-z]") }}
- {{ printf "The release’s objects would be called %s; a Service’s name begins with a letter: give the release another name, or say one in fullnameOverride." (include "lcm.fullname" .) | quote }}
{{- end }}
{{- range $label := keys (dict "root" . "component" "" | include "lcm.selectorLabels" | fromYaml) | sortAlpha }}
{{- if hasKey ($.Values.podLabels | default dict) $label }}
- {{ printf "podLabels sets %s, by which the chart finds its pods: leave it out." $label | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lcm.validate.database" -}}
{{- with .Values.database }}
{{- $ways := list -}}
{{- if .url }}{{ $ways = append $ways "database.url" }}{{ end -}}
{{- if .host }}{{ $ways = append $ways "database.host" }}{{ end -}}
{{- if and .existingSecret (not .host) }}{{ $ways = append $ways "database.existingSecret" }}{{ end -}}
{{- if $.Values.postgresql.enabled }}{{ $ways = append $ways "postgresql.enabled" }}{{ end -}}
{{- if not $ways }}
- "There is no database: name a Secret with its URL in database.existingSecret, or its parts in database.host and the values beside it; for trying out, set postgresql.enabled=true."
{{- else if gt (len $ways) 1 }}
- {{ printf "There are several databases, %s: keep one of them." (join " and " $ways) | quote }}
{{- end }}
{{- if and .host (not (and .name .user .existingSecret)) }}
- "database.host needs database.name, database.user and, for the password, database.existingSecret."
{{- end }}
{{- if not .host }}
{{- range $name, $isSet := dict "name" .name "user" .user "port" (ne (int .port) 5432) "sslMode" (ne .sslMode "verify-full") }}
{{- if $isSet }}
- {{ printf "database.%s is a part that goes with database.host, which is not set: the URL says it instead." $name | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lcm.validate.credentials" -}}
{{- if and .Values.postgresql.enabled (not (or .Values.postgresql.password .Values.sandbox.enabled)) }}
- "postgresql.enabled without the sandbox needs postgresql.password: the one made up from the release’s name is no secret."
{{- end }}
{{- with .Values.database }}
{{- if and $.Values.sandbox.enabled (or .url .host .existingSecret) (not $.Values.postgresql.enabled) (eq .schema "livechat_marketo") }}
- "sandbox.enabled would write its made-up visitors into a database of yours, beside real ones: set postgresql.enabled=true, or another database.schema."
{{- end }}
{{- end }}
{{- if .Values.sandbox.enabled }}
{{- with .Values }}
{{- range $name, $isSet := dict "livechat" (or .livechat.existingSecret .livechat.pat .livechat.accountId) "marketo" (or .marketo.existingSecret .marketo.clientSecret .marketo.clientId .marketo.endpoint) "smtp" (or .smtp.existingSecret .smtp.url) }}
{{- if $isSet }}
- {{ printf "sandbox.enabled stands in for LiveChat, Marketo and the mail server, and %s names a real one: keep one of them." $name | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- else }}
{{- with .Values.livechat }}
{{- if regexMatch "^https?://[^/?#]*@" .endpoint }}
- "livechat.endpoint has a user or a password in it, which the programs do not take."
{{- end }}
{{- if and .existingSecret .pat }}
- "LiveChat’s token is given twice, in livechat.existingSecret and in livechat.pat: keep the Secret."
{{- else if not (or .existingSecret .pat) }}
- "LiveChat’s personal access token is missing: name a Secret that has it in livechat.existingSecret. (To try the product without one: sandbox.enabled=true.)"
{{- end }}
{{- if and .accountId .secretKeys.accountId }}
- "LiveChat’s account id is given twice, in livechat.accountId and by livechat.secretKeys.accountId: keep one of them."
{{- else if not (or .accountId .secretKeys.accountId) }}
- "LiveChat’s account id is missing: say it in livechat.accountId, or its key in the Secret in livechat.secretKeys.accountId."
{{- else if and .secretKeys.accountId (not .existingSecret) }}
- "livechat.secretKeys.accountId is a key of livechat.existingSecret, which is not set."
{{- end }}
{{- end }}
{{- with .Values.marketo }}
{{- if not .endpoint }}
- "Marketo’s REST endpoint is missing: say it in marketo.endpoint, as https://123-ABC-456.mktorest.com."
{{- else if contains "@" .endpoint }}
- "marketo.endpoint has a user or a password in it: it ends after the host name, or with /rest."
{{- else if not (regexMatch "^https?://[^/?#]+/*((rest|identity)/*)?$" .endpoint) }}
- {{ printf "marketo.endpoint (%s) says more than the programs take: it ends after the host name, or with /rest." .endpoint | quote }}
{{- end }}
{{- if and .existingSecret .clientSecret }}
- "Marketo’s client secret is given twice, in marketo.existingSecret and in marketo.clientSecret: keep the Secret."
{{- else if not (or .existingSecret .clientSecret) }}
- "Marketo’s client secret is missing: name a Secret that has it in marketo.existingSecret. (To try the product without one: sandbox.enabled=true.)"
{{- end }}
{{- if and .clientId .secretKeys.clientId }}
- "Marketo’s client id is given twice, in marketo.clientId and by marketo.secretKeys.clientId: keep one of them."
{{- else if not (or .clientId .secretKeys.clientId) }}
- "Marketo’s client id is missing: say it in marketo.clientId, or its key in the Secret in marketo.secretKeys.clientId."
{{- else if and .secretKeys.clientId (not .existingSecret) }}
- "marketo.secretKeys.clientId is a key of marketo.existingSecret, which is not set."
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lcm.validate.mail" -}}
{{- if and .Values.smtp.existingSecret .Values.smtp.url }}
- "The mail server is given twice, in smtp.existingSecret and in smtp.url: keep the Secret."
{{- end }}
{{- if and .Values.digest.enabled (not .Values.sandbox.enabled) }}
{{- if not (or .Values.smtp.existingSecret .Values.smtp.url) }}
- "The digest needs a mail server: name a Secret with its URL in smtp.existingSecret, or set digest.enabled=false, and nobody is told of errors."
{{- end }}
{{- if not (and .Values.digest.from .Values.digest.to) }}
- "The digest needs a sender and somebody who reads it: say them in digest.from and digest.to."
{{- end }}
{{- end }}
{{- end -}}

{{- define "lcm.validate.times" -}}
{{- range $job := list "sync" "digest" -}}
{{- $schedule := include (printf "lcm.%s.schedule" $job) $ -}}
{{- $deadline := include (printf "lcm.%s.activeDeadlineSeconds" $job) $ | int64 -}}
{{- $gaps := include "lcm.cron" $schedule | fromJson -}}
{{- if contains "TZ=" $schedule }}
- {{ printf "%s.schedule has a time zone in it, which Kubernetes refuses: say it in %s.timeZone." $job $job | quote }}
{{- else if not $gaps }}
- {{ printf "%s.schedule (%s) is no schedule of fixed times: minute, hour, day of the month, month, day of the week (0 to 6), as in 7 * * * *, or @hourly, @daily, @weekly, @monthly, @yearly." $job $schedule | quote }}
{{- else if ge $deadline (int64 $gaps.shortest) }}
- {{ printf "%s.activeDeadlineSeconds (%d) is not less than what lies between two runs of %s.schedule (%s), %s at the least: a run that hangs would keep the next one from starting." $job $deadline $job $schedule (include "lcm.cron.duration" $gaps.shortest) | quote }}
{{- end }}
{{- $zone := index $.Values $job "timeZone" }}
{{- if not (regexMatch (include "lcm.validate.timeZones" $) $zone) }}
- {{ printf "%s.timeZone (%s) is no time zone of the IANA list, like Europe/Berlin or Etc/UTC." $job $zone | quote }}
{{- end }}
{{- end }}
{{- with .Values.sync.from }}
{{- /* At noon, which no time zone's summer takes away. */ -}}
{{- if ne (trunc 10 . | printf "%sT12:00:00" | toDate "2006-01-02T15:04:05" | date "2006-01-02") (trunc 10 .) }}
- {{ printf "sync.from (%s) is no day of the calendar." . | quote }}
{{- end }}
{{- end }}
{{- $deadline := include "lcm.sync.activeDeadlineSeconds" . | int64 -}}
{{- if ge (include "lcm.sync.patience" . | include "lcm.seconds" | int64) $deadline }}
- {{ printf "sync.patience (%s) is not less than sync.activeDeadlineSeconds (%d): a run that waits so long for its turn would be killed instead." .Values.sync.patience $deadline | quote }}
{{- end }}
{{- $schedule := include "lcm.sync.schedule" . -}}
{{- $gaps := include "lcm.cron" $schedule | fromJson -}}
{{- if $gaps }}
{{- $longest := int64 $gaps.longest -}}
{{- if and .Values.sync.interval $longest (ne (include "lcm.seconds" .Values.sync.interval | int64) $longest) }}
- {{ printf "sync.interval (%s) is not what sync.schedule (%s) comes to, %s between two runs at the most: alerts measure lateness in it, so they would come too early or too late. Leave it out." .Values.sync.interval $schedule (include "lcm.cron.duration" $longest) | quote }}
{{- else if and (not .Values.sync.interval) (not $longest) }}
- {{ printf "sync.schedule (%s) goes by days of the month: say in sync.interval how far apart two runs are at the most." $schedule | quote }}
{{- else if and (not $longest) (lt (include "lcm.seconds" .Values.sync.interval | int64) (int64 $gaps.shortest)) }}
- {{ printf "sync.interval (%s) is less than what lies between two runs of sync.schedule (%s), %s at the least: alerts would come too early." .Values.sync.interval $schedule (include "lcm.cron.duration" $gaps.shortest) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The shape of the names in the IANA list, whose cities are not all known here; those without a city are, and get no more. */}}
{{- define "lcm.validate.timeZones" -}}
^((Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Brazil|Canada|Chile|Etc|Europe|Indian|Mexico|Pacific|US)(/[A-Za-z0-9_+-]+)+|CET|CST6CDT|Cuba|EET|EST|EST5EDT|Egypt|Eire|GB|GB-Eire|GMT|GMT\+0|GMT-0|GMT0|Greenwich|HST|Hongkong|Iceland|Iran|Israel|Jamaica|Japan|Kwajalein|Libya|MET|MST|MST7MDT|NZ|NZ-CHAT|Navajo|PRC|PST8PDT|Poland|Portugal|ROC|ROK|Singapore|Turkey|UCT|UTC|Universal|W-SU|WET|Zulu)$
{{- end -}}

{{- define "lcm.validate.durations" -}}
{{- $longs := dict "marketo.pace" .Values.marketo.pace "marketo.readTimeout" .Values.marketo.readTimeout "marketo.writeTimeout" .Values.marketo.writeTimeout -}}
{{- range list "interval" "overlap" "settle" "patience" }}{{ $_ := set $longs (printf "sync.%s" .) (get $.Values.sync .) }}{{ end -}}
{{- range $what, $long := .Values.digest.retention }}{{ $_ := set $longs (printf "digest.retention.%s" $what) $long }}{{ end -}}
{{- range $name, $long := $longs -}}
{{- if $long }}
{{- if gt (include "lcm.seconds" $long | int64) 315360000 }}
- {{ printf "%s (%s) is more than 3650d, which is the most that the programs take." $name $long | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lcm.validate.accounts" -}}
{{- if and .Values.status.enabled .Values.status.cluster.enabled }}
{{- $status := include "lcm.serviceAccount.status" . -}}
{{- if not (or .Values.serviceAccount.create .Values.serviceAccount.statusName) }}
- "serviceAccount.create=false would give the status service’s rights to the namespace’s default account, and so to every pod that uses it: name an account in serviceAccount.statusName, or set status.cluster.enabled=false."
{{- else if eq (include "lcm.serviceAccount.jobs" .) $status }}
- {{ printf "The jobs and the status service would have one account, %s, and so the jobs the status service’s rights in the cluster: give them two, in serviceAccount.name and serviceAccount.statusName." $status | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "lcm.validate.modes" -}}
{{- if eq .Values.migrations.mode "hook" }}
{{- if .Values.postgresql.enabled }}
- "migrations.mode=hook runs before anything of the chart is there, and so before its own Postgres (postgresql.enabled): use initContainer."
{{- else if and .Values.database.url (not .Values.migrations.existingSecret) }}
- "migrations.mode=hook runs before the chart’s Secret with database.url is there: use database.existingSecret, or initContainer."
{{- end }}
{{- end }}
{{- if and .Values.migrations.existingSecret (eq .Values.migrations.mode "none") }}
- "migrations.existingSecret is for migrations, and migrations.mode=none makes none: leave one of them out."
{{- end }}
{{- if and .Values.migrations.existingSecret .Values.postgresql.enabled }}
- "migrations.existingSecret names another database than postgresql.enabled: leave one of them out."
{{- end }}
{{- if and .Values.migrations.existingSecret (not (include "lcm.migrations.grantTo" .)) }}
- "migrations.existingSecret is of another user, and the user of database may not touch what that one makes: name the latter in migrations.grantTo, so that it is granted what it needs."
{{- end }}
{{- if and .Values.migrations.grantTo (not .Values.migrations.existingSecret) }}
- "migrations.grantTo is for the user of migrations.existingSecret, which is not set: the user of database makes the tables itself, and needs no grant."
{{- end }}
{{- end -}}

{{- define "lcm.validate.status" -}}
{{- with .Values.status }}
{{- if and .existingSecret .token }}
- "The status page’s token is given twice, in status.existingSecret and in status.token: keep the Secret."
{{- end }}
{{- if and .cluster.runNow (not .cluster.enabled) }}
- "status.cluster.runNow needs status.cluster.enabled: without rights in the cluster no Job can be made."
{{- end }}
{{- if and .cluster.runNow (not (or .existingSecret .token)) }}
- "status.cluster.runNow needs a token, in status.existingSecret: or nobody could use it."
{{- end }}
{{- if and .podDisruptionBudget.enabled (lt (int .replicas) 2) }}
- "status.podDisruptionBudget is for two replicas and more (status.replicas)."
{{- end }}
{{- end }}
{{- end -}}

{{- define "lcm.validate.monitoring" -}}
{{- if not .Values.status.enabled }}
{{- range $name, $isOn := dict "metrics.serviceMonitor" .Values.metrics.serviceMonitor.enabled "metrics.prometheusRule" .Values.metrics.prometheusRule.enabled "grafana.dashboard" .Values.grafana.dashboard.enabled "grafana.alerts" .Values.grafana.alerts.enabled }}
{{- if $isOn }}
- {{ printf "%s needs the status service, which is what has the metrics: set status.enabled=true." $name | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- if and (or .Values.metrics.prometheusRule.enabled .Values.grafana.alerts.enabled) (not .Values.metrics.runbookUrl) }}
- "Alerts need metrics.runbookUrl, where docs/runbook.md is to be read: without it their links lead nowhere."
{{- end }}
{{- if and .Values.grafana.alerts.enabled (not .Values.grafana.alerts.datasourceUid) }}
- "grafana.alerts needs grafana.alerts.datasourceUid: Grafana’s own alerts ask one data source, by its uid."
{{- end }}
{{- end -}}

{{- define "lcm.validate.rules" -}}
{{- range include "lcm.rules.mistakes" (dict "root" . "text" .Values.rules) | fromJsonArray }}
- {{ quote . }}
{{- end }}
{{- end -}}

{{- define "lcm.validate.environment" -}}
{{- $ours := list "RUN_NAME" -}}
{{- range list "sync" "digest" "status" "migrate" -}}
{{- range include (printf "lcm.env.%s" .) $ | fromYamlArray -}}
{{- $ours = append $ours .name -}}
{{- end -}}
{{- end -}}
{{- range .Values.extraEnv }}
{{- if has .name $ours }}
{{- $value := include "lcm.validate.comesFrom" .name }}
- {{ printf "extraEnv sets %s, %s." .name (ternary (printf "which the chart sets itself: say it in %s" $value) "which the chart decides: leave it out" (ne $value "")) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The value that a variable comes from; "" where there is none. SYNC_MAX_ATTEMPTS is sync.maxAttempts, but for some. */}}
{{- define "lcm.validate.comesFrom" -}}
{{- $others := dict "LOG_LEVEL" "logLevel" "PGPASSWORD" "database.existingSecret" "DATABASE_GRANT_TO" "migrations.grantTo" -}}
{{- range list "DATABASE_URL" "LIVECHAT_PAT" "MARKETO_CLIENT_SECRET" "SMTP_URL" "STATUS_TOKEN" -}}
{{- $_ := set $others . (printf "%s.existingSecret" (splitList "_" . | first | lower)) -}}
{{- end -}}
{{- range list "DATABASE_WAIT" "RULES_FILE" "RUN_NAME" "STATUS_HOST" "STATUS_PORT" "KUBERNETES_NAMESPACE" "KUBERNETES_RELEASE" "KUBERNETES_CRONJOBS" -}}
{{- $_ := set $others . "" -}}
{{- end -}}
{{- $parts := splitn "_" 2 . -}}
{{- $value := $parts._1 | default "" | lower | camelcase | untitle -}}
{{- $within := ternary "digest.retention" (lower $parts._0) (eq $parts._0 "RETENTION") -}}
{{- ternary (get $others .) (printf "%s.%s" $within $value) (hasKey $others .) -}}
{{- end -}}
