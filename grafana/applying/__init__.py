"""Bringing what is written in code into a Grafana: what differs is found first, and then written, or only shown."""
