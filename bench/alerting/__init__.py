"""Alerting, measured: what watching costs, and how soon people are told."""
