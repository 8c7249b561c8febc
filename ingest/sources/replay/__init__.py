"""Replays recorded traffic: a file's rows become the events its feed would have published, at a chosen speed."""

from ingest.sources.replay.moving import Align
from ingest.sources.replay.pace import parse_speed
from ingest.sources.replay.source import ReplaySource, usual_speed

__all__ = ["Align", "ReplaySource", "parse_speed", "usual_speed"]
