"""A message in Slack's Block Kit. What comes from data is escaped, so that it can neither link nor call anybody."""

from collections.abc import Mapping
from typing import Any, Final

from alerting.templates.pages import Pages

MOST_ALERTS: Final = 10
_LONGEST_SECTION: Final = 2_900  # Slack takes 3,000
_LONGEST_HEADER: Final = 150


async def blocks(pages: Pages, context: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The part of a message that both ways of sending it share; `key` is the id of its last block."""
    escaped = _escaped(context)
    shown = escaped["alerts"][:MOST_ALERTS]
    sections = [_section(await pages.render("slack", {**escaped, "alert": alert})) for alert in shown]
    title = f"[{context['tag']}] {context['headline']}"
    head = {"type": "header", "text": {"type": "plain_text", "text": title[:_LONGEST_HEADER], "emoji": False}}
    foot = {"type": "context", "block_id": key[:255], "elements": [{"type": "mrkdwn", "text": _foot(escaped)}]}
    return {
        "text": _escape(title),
        "attachments": [{"color": context["colour"], "blocks": [head, *sections, foot]}],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text.strip()[:_LONGEST_SECTION] or "–"}}


def _foot(context: Mapping[str, Any]) -> str:
    more = context["count"] - min(context["count"], MOST_ALERTS)
    parts = [f"… and {more} more" if more else "", f"<{context['url']}|Live page>" if context["url"] else ""]
    return " · ".join([part for part in parts if part] + [f"route {context['route']}", context["made_at"]])


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return _escape(value)
    if isinstance(value, Mapping):
        return {name: _escaped(one) for name, one in value.items()}
    return [_escaped(one) for one in value] if isinstance(value, list) else value


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
