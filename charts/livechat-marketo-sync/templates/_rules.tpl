{{/*
What is wrong with the shape of a rules file (root, text), as a JSON list of sentences: keys, lists, modes, by the schema that
editors use. Whether paths, expressions and fields hold is the programs' to say: they do not start with rules that do not.
*/}}
{{- define "lcm.rules.mistakes" -}}
{{- $rules := .text | fromYaml -}}
{{- if hasKey $rules "Error" -}}
{{- list (printf "rules is no YAML (%s): it takes the text of a rules file, --set-file rules=rules.yaml." (get $rules "Error" | replace "\n" " ")) | toJson -}}
{{- else -}}
{{- include "lcm.rules.misfits" (dict "schema" (.root.Files.Get "files/rules.schema.json" | fromJson) "value" $rules "at" "rules") -}}
{{- end -}}
{{- end -}}

{{/* What keeps a value (value, at: what it is called) from its JSON schema (schema), as a JSON list of sentences. */}}
{{- define "lcm.rules.misfits" -}}
{{- $at := .at -}}
{{- $value := .value -}}
{{- $schema := .schema -}}
{{- $wrong := list -}}
{{- /* Of several shapes it is the one whose required key is there. */ -}}
{{- $ways := list -}}
{{- range $schema.anyOf }}{{ with .required }}{{ $ways = append $ways (first .) }}{{ end }}{{ end -}}
{{- if kindIs "map" $value -}}
{{- range $schema.anyOf -}}
{{- if .required }}{{ if hasKey $value (first .required) }}{{ $schema = . }}{{ end }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if and $ways $schema.anyOf (kindIs "map" $value) -}}
{{- $wrong = append $wrong (printf "%s has none of %s." $at (join ", " $ways)) -}}
{{- else if $schema.properties -}}
{{- if kindIs "map" $value -}}
{{- range $key := $schema.required -}}
{{- if not (hasKey $value $key) }}{{ $wrong = append $wrong (printf "%s lacks %s." $at $key) }}{{ end -}}
{{- end -}}
{{- range $key := keys $value | sortAlpha -}}
{{- $of := get $schema.properties $key -}}
{{- if $of -}}
{{- $wrong = concat $wrong (include "lcm.rules.misfits" (dict "schema" $of "value" (get $value $key) "at" (printf "%s.%s" $at $key)) | fromJsonArray) -}}
{{- else -}}
{{- $wrong = append $wrong (printf "%s has %s, which is none of %s." $at $key (keys $schema.properties | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- else }}{{ $wrong = append $wrong (printf "%s is no map." $at) }}{{ end -}}
{{- else if $schema.items -}}
{{- if and (kindIs "slice" $value) $value -}}
{{- range $i, $one := $value -}}
{{- $wrong = concat $wrong (include "lcm.rules.misfits" (dict "schema" $schema.items "value" $one "at" (printf "%s[%d]" $at $i)) | fromJsonArray) -}}
{{- end -}}
{{- else if not (kindIs "slice" $value) }}{{ $wrong = append $wrong (printf "%s is no list." $at) -}}
{{- else if $schema.minItems }}{{ $wrong = append $wrong (printf "%s is empty." $at) }}{{ end -}}
{{- else if and $schema.enum (not (has $value $schema.enum)) -}}
{{- $wrong = append $wrong (printf "%s is %v, which is none of %s." $at $value (join ", " $schema.enum)) -}}
{{- else if and (hasKey $schema "const") (ne (toJson $value) (toJson $schema.const)) -}}
{{- $wrong = append $wrong (printf "%s is not %v." $at $schema.const) -}}
{{- end -}}
{{- $wrong | default list | toJson -}}
{{- end -}}
