"""Grafana as code: dashboards, data sources, alert rules and whom they tell; `urbanclear grafana` applies them."""
