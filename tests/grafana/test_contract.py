"""The stand-in answers as a real Grafana did, and a real one still does where it is given."""

import pytest

from tests.grafana import stand_in
from tests.grafana.contract import Exchange, asked, recorded
from tests.grafana.given import Given


def test_the_stand_in_answers_as_the_recorded_grafana_did() -> None:
    with stand_in.running(stand_in.StandIn(viewers={"viewer"})) as url:
        answers = [asked(url, exchange, stand_in.PASSWORD) for exchange in recorded()]
    assert differing(answers) == []


def test_a_real_grafana_answers_as_the_recorded_one_did(real_grafana: Given) -> None:
    real_grafana.add_viewer()
    answers = [asked(real_grafana.url, exchange, real_grafana.password) for exchange in recorded()]
    assert [str(one) for one, other in zip(answers, recorded(), strict=True) if one.status != other.status] == []


def differing(answers: list[Exchange]) -> list[tuple[str, Exchange, Exchange]]:
    pairs = zip(answers, recorded(), strict=True)
    return [(str(one), one, other) for one, other in pairs if one != other]


@pytest.mark.parametrize("exchange", [one for one in recorded() if one.method == "GET"], ids=str)
def test_no_secret_is_in_the_recording(exchange: Exchange) -> None:
    assert "a secret" not in str(exchange.answer)
