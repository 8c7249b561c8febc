"""Dashboards and alert rules as code, for operators."""
