{{/* The name of everything. */}}
{{- define "gateway.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{/* What selects the pods. It never changes: a Deployment's selector can't. */}}
{{- define "gateway.selector" -}}
app.kubernetes.io/name: gateway
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "gateway.labels" -}}
{{ include "gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end }}

{{/* An account's prefix: REGRU_SHOP for regru-shop. */}}
{{- define "gateway.prefix" -}}
{{- . | upper | replace "-" "_" -}}
{{- end }}
