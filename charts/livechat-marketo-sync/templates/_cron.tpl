{{/*
How far apart a cron schedule's starts are, as JSON: {"shortest": …, "longest": …} in seconds, `longest` 0 where the days of
a month decide; {} where Kubernetes would not take it. It takes what Kubernetes takes (github.com/robfig/cron, ParseStandard):
lists, ranges, steps, names of months and days, ? for *, and @hourly to @yearly; Sunday is 0, and 7 is refused.
Between two starts lie minutes of one hour, or hours of one day, or days of one week: no more has to be looked at.
*/}}
{{- define "lcm.cron" -}}
{{- $known := dict "@hourly" "0 * * * *" "@daily" "0 0 * * *" "@midnight" "0 0 * * *" "@weekly" "0 0 * * 0" "@monthly" "0 0 1 * *" "@yearly" "0 0 1 1 *" "@annually" "0 0 1 1 *" -}}
{{- $fields := get $known . | default . | lower | splitList " " -}}
{{- $gaps := dict -}}
{{- if eq (len $fields) 5 -}}
{{- $minutes := include "lcm.cron.field" (dict "text" (index $fields 0) "from" 0 "to" 59) | fromJsonArray -}}
{{- $hours := include "lcm.cron.field" (dict "text" (index $fields 1) "from" 0 "to" 23) | fromJsonArray -}}
{{- $days := include "lcm.cron.field" (dict "text" (index $fields 2) "from" 1 "to" 31) | fromJsonArray -}}
{{- $months := include "lcm.cron.field" (dict "text" (index $fields 3) "from" 1 "to" 12 "names" (list "jan" "feb" "mar" "apr" "may" "jun" "jul" "aug" "sep" "oct" "nov" "dec")) | fromJsonArray -}}
{{- $weekdays := include "lcm.cron.field" (dict "text" (index $fields 4) "from" 0 "to" 6 "names" (list "sun" "mon" "tue" "wed" "thu" "fri" "sat")) | fromJsonArray -}}
{{- if and $minutes $hours $days $months $weekdays -}}
{{- $hour := sub (first $minutes) (last $minutes) -}}
{{- $day := add (mul 60 (sub (first $hours) (last $hours))) $hour -}}
{{- $everyDay := and (has (index $fields 2) (list "*" "?")) (has (index $fields 3) (list "*" "?")) -}}
{{- $between := include "lcm.cron.steps" $minutes | fromJsonArray -}}
{{- range include "lcm.cron.steps" $hours | fromJsonArray }}{{ $between = append $between (add (mul 60 .) $hour) }}{{ end -}}
{{- if $everyDay -}}
{{- range include "lcm.cron.steps" (append $weekdays (add 7 (first $weekdays))) | fromJsonArray }}{{ $between = append $between (add (mul 1440 .) $day) }}{{ end -}}
{{- else -}}
{{- $between = append $between (add 1440 $day) -}}
{{- end -}}
{{- range $between -}}
{{- $_ := set $gaps "shortest" (min (mul 60 .) ($gaps.shortest | default (mul 60 .))) -}}
{{- $_ := set $gaps "longest" (ternary (max (mul 60 .) ($gaps.longest | default 0)) 0 $everyDay) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $gaps | toJson -}}
{{- end -}}

{{/* What one field names, in order, as JSON; [] where it is none. */}}
{{- define "lcm.cron.field" -}}
{{- $text := .text -}}
{{- range $i, $name := .names }}{{ $text = replace $name (add $i $.from | toString) $text }}{{ end -}}
{{- $ranges := list -}}
{{- $holds := true -}}
{{- range splitList "," $text -}}
{{- if regexMatch "^(\\*|\\?|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{1,2})?$" . -}}
{{- $parts := splitList "/" . -}}
{{- $ends := index $parts 0 | replace "?" "*" | splitList "-" -}}
{{- /* atoi, because int64 takes 08 for an octal number, which it is none of. */ -}}
{{- $step := ternary (last $parts) "1" (gt (len $parts) 1) | atoi -}}
{{- $first := ternary $.from (first $ends | atoi) (eq (first $ends) "*") -}}
{{- /* 5/15 is 5-59/15. */ -}}
{{- $last := ternary $.to (last $ends | atoi) (or (eq (first $ends) "*") (and (eq (len $ends) 1) (gt (len $parts) 1))) -}}
{{- if or (lt (int64 $step) 1) (lt (int64 $first) (int64 $.from)) (gt (int64 $last) (int64 $.to)) (gt (int64 $first) (int64 $last)) }}{{ $holds = false }}{{ end -}}
{{- $ranges = append $ranges (dict "first" $first "last" $last "step" $step) -}}
{{- else }}{{ $holds = false }}{{ end -}}
{{- end -}}
{{- $named := list -}}
{{- if $holds -}}
{{- range $n := untilStep (int .from) (int .to | add1 | int) 1 -}}
{{- $isNamed := false -}}
{{- range $ranges }}{{ if and (ge (int64 $n) (int64 .first)) (le (int64 $n) (int64 .last)) (eq (mod (sub $n .first) .step) 0) }}{{ $isNamed = true }}{{ end }}{{ end -}}
{{- if $isNamed }}{{ $named = append $named $n }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $named | toJson -}}
{{- end -}}

{{/* The steps from one number of a list to the next, as JSON. */}}
{{- define "lcm.cron.steps" -}}
{{- $numbers := . -}}
{{- $steps := list -}}
{{- range $i, $n := rest $numbers }}{{ $steps = append $steps (sub $n (index $numbers $i)) }}{{ end -}}
{{- $steps | toJson -}}
{{- end -}}

{{/* Seconds as a duration that people read: 3600 is 1h. */}}
{{- define "lcm.cron.duration" -}}
{{- $seconds := int64 . -}}
{{- $text := printf "%ds" $seconds -}}
{{- range $unit, $long := dict "m" 60 "h" 3600 "d" 86400 -}}
{{- if and (eq (mod $seconds $long) 0) (lt (len (printf "%d%s" (div $seconds $long) $unit)) (len $text)) }}{{ $text = printf "%d%s" (div $seconds $long) $unit }}{{ end -}}
{{- end -}}
{{- $text -}}
{{- end -}}
