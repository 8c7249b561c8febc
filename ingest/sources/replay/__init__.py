"""Replays recorded traffic: a file's rows become the events its feed would have published, at a chosen speed."""

from ingest.sources.replay.source import ReplaySource, parse_speed

__all__ = ["ReplaySource", "parse_speed"]
