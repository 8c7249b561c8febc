"""E-mails, handed to a real mail server."""

import ssl
from datetime import timedelta
from email.message import EmailMessage
from itertools import count
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from alerting.channels.contract import Sender
from alerting.channels.email.letter import Words, letter
from schema.alerting.addresses import email_address
from schema.alerting.routing import Channel
from schema.chunks import make_chunks
from schema.engines import engine_of
from tests.alerting.channels.conftest import opened, outgoing
from tests.alerting.mail import mail_server
from tests.alerting.outbox import NOW, message, told
from urbanclear.errors import ConfigurationError, Refused, TryLater

OPS = Channel(kind="email", to="ops@city.example")
PNG = b"\x89PNG"


def smtp(port: int, tls: str = "none", **fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "smtp_host": "localhost",
        "smtp_port": port,
        "smtp_tls": tls,
        "smtp_from": "Traffic <alerts@city.example>",
    }
    return {**given, **fields}


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


async def test_a_receiver_gets_text_and_html_with_a_subject_that_says_how_urgent_it_is() -> None:
    async with mail_server() as server, opened(**smtp(server.port), public_url="https://traffic.example/") as senders:
        await senders["email"].send(outgoing(OPS, "the-key"))
        [mail] = server.mails
    assert mail["Subject"] == "[HIGH] Broadway is slow"
    assert mail["From"] == "Traffic <alerts@city.example>"
    assert mail["To"] == "ops@city.example"
    assert mail["Message-ID"] == "<the-key@city.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Importance"] == "high"
    assert "12 km/h where 40 km/h are normal" in part(mail, "plain")
    html = part(mail, "html")
    assert "#c2410c" in html
    assert "https://traffic.example/" in html
    assert "<img" not in html


async def test_each_try_is_the_same_mail() -> None:
    async with mail_server() as server, opened(**smtp(server.port)) as senders:
        for _ in range(2):
            await senders["email"].send(outgoing(OPS))
        first, second = (envelope.original_content for envelope in server.envelopes)
    assert first == second


async def test_what_is_over_is_green_and_in_the_same_thread() -> None:
    async with mail_server() as server, opened(**smtp(server.port)) as senders:
        await senders["email"].send(outgoing(OPS, "one"))
        await senders["email"].send(outgoing(OPS, "two", message=message("n2", told(state="resolved"))))
        began, ended = server.mails
    assert ended["Subject"] == "[RESOLVED] Broadway is slow"
    assert "#2f7d4f" in part(ended, "html")
    assert ended["References"] == began["References"]
    assert ended["Importance"] is None


async def test_data_stay_text_in_html() -> None:
    nasty = told(summary="<script>alert(1)</script>", description="<img src=x>", runbook="javascript:alert(1)")
    async with mail_server() as server, opened(**smtp(server.port)) as senders:
        await senders["email"].send(outgoing(OPS, message=message("n1", nasty)))
        html = part(server.mails[0], "html")
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in html


async def test_tls_from_the_start(server_tls: ssl.SSLContext) -> None:
    async with mail_server(tls=server_tls) as server, opened(**smtp(server.port, "tls")) as senders:
        await senders["email"].send(outgoing(OPS))
        assert server.receivers == ["ops@city.example"]


async def test_starttls_with_a_login(server_tls: ssl.SSLContext) -> None:
    login = {"smtp_user": "urbanclear", "smtp_password": "wild horses"}
    async with mail_server(starttls=server_tls, login=("urbanclear", "wild horses")) as server:
        async with opened(**smtp(server.port, "starttls", **login)) as senders:
            await senders["email"].send(outgoing(OPS))
        assert server.receivers == ["ops@city.example"]
        wrong = login | {"smtp_password": "tame horses"}
        async with opened(**smtp(server.port, "starttls", **wrong)) as senders:
            with pytest.raises(TryLater, match="535"):
                await senders["email"].send(outgoing(OPS))


async def test_a_server_without_tls_is_not_given_mail_that_wants_it() -> None:
    async with mail_server() as server, opened(**smtp(server.port, "starttls")) as senders:
        with pytest.raises(TryLater):
            await senders["email"].send(outgoing(OPS))
        assert server.envelopes == []


@pytest.mark.parametrize(
    ("answer", "error", "whole"),
    [
        ("550 no such user", Refused, None),
        ("450 greylisted", TryLater, False),
        ("421 too many", TryLater, True),
        ("452 full", TryLater, False),
    ],
)
async def test_what_the_server_says_of_a_receiver(answer: str, error: type[Exception], whole: bool | None) -> None:
    async with mail_server() as server, opened(**smtp(server.port)) as senders:
        server.answer = lambda receiver: answer
        with pytest.raises(error, match=answer[:3]) as raised:
            await senders["email"].send(outgoing(OPS))
        assert getattr(raised.value, "whole", None) is whole
        server.answer = lambda receiver: "250 OK"
        await senders["email"].send(outgoing(OPS))


async def test_what_the_server_says_of_the_whole_mail() -> None:
    async with mail_server() as server, opened(**smtp(server.port)) as senders:
        server.end = lambda: "554 looks like spam"
        with pytest.raises(Refused, match="554"):
            await senders["email"].send(outgoing(OPS))
        server.end = lambda: "451 later"
        with pytest.raises(TryLater, match="451"):
            await senders["email"].send(outgoing(OPS))


async def test_connections_stay_open_and_are_made_anew_when_the_server_has_enough_of_them() -> None:
    turns = count(1)
    async with mail_server() as server, opened(**smtp(server.port)) as senders:
        for _ in range(5):
            await senders["email"].send(outgoing(OPS))
        assert len(server.sessions) == 1
        server.answer = lambda receiver: "421 enough" if next(turns) == 1 else "250 OK"
        await senders["email"].send(outgoing(OPS))
        assert len(server.envelopes) == 6


async def test_no_mail_server_is_told_with_the_setting() -> None:
    async with opened(smtp_host=None) as senders:
        with pytest.raises(TryLater, match="URBANCLEAR_SMTP_HOST"):
            await senders["email"].send(outgoing(OPS))
    async with opened(**smtp(9)) as senders:
        with pytest.raises(TryLater, match="the mail server"):
            await senders["email"].send(outgoing(OPS))
    with pytest.raises(ConfigurationError, match="URBANCLEAR_SMTP_FROM"):
        async with opened(smtp_from="nobody"):
            pass


async def test_the_picture_shows_the_sensor_of_the_alert_and_is_made_once_a_notice(database_url: str) -> None:
    with_speeds(database_url)
    said = message("n1", told(sensor="nyc-dot:1"))
    async with mail_server() as server, opened(database_url, **smtp(server.port)) as senders:
        for number in range(3):
            await senders["email"].send(outgoing(OPS, f"key-{number}", message=said))
        mails = server.mails
    for mail in mails:
        [picture] = [piece for piece in mail.walk() if piece.get_content_type() == "image/png"]
        assert picture["Content-ID"] == "<chart@urbanclear>"
        assert picture.get_content().startswith(PNG)
        assert 'src="cid:chart@urbanclear"' in part(mail, "html")
    assert len({mail["Message-ID"] for mail in mails}) == 3


async def test_no_picture_where_the_sensor_said_nothing(database_url: str) -> None:
    async with mail_server() as server, opened(database_url, **smtp(server.port)) as senders:
        await senders["email"].send(outgoing(OPS, message=message("n1", told(sensor="nyc-dot:9"))))
        assert "<img" not in part(server.mails[0], "html")


async def test_no_picture_and_yet_a_mail_while_the_database_is_away() -> None:
    async with mail_server() as server, opened(**smtp(server.port)) as senders:
        await senders["email"].send(outgoing(OPS, message=message("n1", told(sensor="nyc-dot:1"))))
        assert len(server.mails) == 1


async def test_a_preview_holds_the_picture_and_sends_nothing(database_url: str) -> None:
    with_speeds(database_url)
    async with opened(database_url) as senders:
        sender: Sender = senders["email"]
        shown = await sender.preview(outgoing(OPS, message=message("n1", told(sensor="nyc-dot:1"))))
    assert shown.ending == ".html"
    assert b"data:image/png;base64," in shown.content
    assert b"[HIGH] Broadway is slow" in shown.content


@pytest.mark.parametrize(
    "address",
    ["", "ops", "@city.example", "ops@", "a@b.example, c@d.example", "ops@city.example\r\nBcc: x@y.example"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        email_address(address)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@trying(max_examples=200, deadline=None)
@given(address=TEXTS, key=TEXTS, subject=TEXTS)
def test_no_text_can_begin_another_header(address: str, key: str, subject: str) -> None:
    from email import message_from_bytes, policy

    from alerting.templates.view import line

    sender = email_address("alerts@city.example")
    words = Words(line(subject) or "–", "text", "<p>html</p>", None, False)
    whole = letter(words, sender, NOW, "thread")
    try:
        receiver = email_address(f"{address}@city.example")
    except Refused:
        receiver = email_address("ops@city.example")
    mail = message_from_bytes(whole.to(receiver, key), policy=policy.default)
    assert sorted(mail.keys()) == sorted(
        ["To", "Message-ID", "From", "Subject", "Date", "References", "Auto-Submitted", "X-Auto-Response-Suppress",
         "Content-Type", "MIME-Version"]
    )  # fmt: skip
    assert len(mail["To"].addresses) == 1


def with_speeds(database_url: str) -> None:
    """Six hours of the sensor, and what is normal."""
    engine = engine_of(database_url)
    times = [NOW - timedelta(minutes=5 * number) for number in range(1, 73)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        make_chunks(connection, engine, "readings", times)
        connection.execute("INSERT INTO sensors (external_id, name) VALUES ('nyc-dot:1', 'Broadway $ _x^')")
        connection.execute(
            "INSERT INTO spark_runs (id, job, status, parameters, code_version)"
            " VALUES ('r', 'patterns', 'succeeded', '{}', '0')"
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO readings (sensor_id, time, speed_kmh) SELECT id, %s, %s FROM sensors",
                [[time, 20 + number % 9] for number, time in enumerate(times)],
            )
            cursor.executemany(
                "INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh,"
                " days, run_id) VALUES ('sensor', 'nyc-dot:1', %s, %s, 40, 30, 50, 5, 'r')",
                [[kind, minute] for kind in ("weekday", "sunday") for minute in range(0, 1440, 15)],
            )
