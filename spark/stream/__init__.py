"""Anomalies while they happen: `urbanclear spark stream`."""
