"""Dashboards drawn without a Grafana: what their queries answer, in the places and colours of their panels."""
