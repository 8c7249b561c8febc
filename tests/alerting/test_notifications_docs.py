"""What docs/notifications.md shows works as it says."""

import ast
import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from alerting.channels.webhook.payloads import payload
from alerting.channels.webhook.signature import sign
from alerting.templates.environment import BUILT_IN
from alerting.templates.view import view
from schema.alerting.addresses import PUSH, SMS
from schema.alerting.routing import Contact
from tests.alerting.channels.conftest import outgoing
from tests.alerting.commands import said
from tests.alerting.outbox import found, message, webhook

TEXT = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()


def block(language: str, part: str) -> str:
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return next(text for text in blocks if part in text)


def test_the_contacts_shown_are_contacts() -> None:
    contacts = [Contact.model_validate(one) for one in yaml.safe_load(block("yaml", "contacts:"))["contacts"]]
    assert [contact.name for contact in contacts] == ["operations", "duty-officer", "pager"]
    assert {channel.kind for contact in contacts for channel in contact.channels} == {
        "email", "slack", "webhook", "sms", "push",
    }  # fmt: skip


def test_the_check_of_a_signature_knows_ours_and_no_other() -> None:
    shown: dict[str, Any] = {}
    exec(block("python", "is_genuine"), shown)  # noqa: S102 – it is our own page
    is_genuine = shown["is_genuine"]
    now = int(time.time())
    assert is_genuine(sign("wild horses", b"{}", now), b"{}", "wild horses")
    assert not is_genuine(sign("wild horses", b"{}", now), b"{ }", "wild horses")
    assert not is_genuine(sign("tame horses", b"{}", now), b"{}", "wild horses")
    assert not is_genuine(sign("wild horses", b"{}", now - 3_600), b"{}", "wild horses")


def test_the_payload_shown_has_the_fields_of_a_payload() -> None:
    shown = json.loads(block("json", '"version"'))
    sent = json.loads(payload(outgoing(webhook("https://example.com/"), message=message()), None))
    assert shown.keys() == sent.keys()
    assert shown["alerts"][0].keys() == sent["alerts"][0].keys()


async def test_the_incident_shown_is_told_to_the_contacts_shown(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "contacts.yaml").write_text(block("yaml", "contacts:"))
    assert (await said(database_url, "apply", str(tmp_path))).exit_code == 0
    script = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        block("python", "send_incident_alert"),
        env={**os.environ, "URBANCLEAR_DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await script.communicate()
    assert script.returncode == 0
    keys = ast.literal_eval(printed.decode())
    assert {"operations"} == {row["contact"] for row in found(database_url).values()}
    assert sorted(keys) == sorted(found(database_url))


def test_every_service_template_and_word_is_named() -> None:
    named = set(re.findall(r"`([^`\n]+)`", TEXT))
    services = {name.removesuffix("s") if name.removesuffix("s") in SMS | PUSH else name for name in SMS | PUSH}
    assert [name for name in services if not named & {name, f"{name}(s)"}] == []
    assert [file.name for file in BUILT_IN.iterdir() if file.name not in named] == []
    words = view(message(), "UTC", None)
    assert [word for word in [*words, *words["alerts"][0]] if word not in named] == []
