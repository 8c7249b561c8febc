"""Training that takes seconds, for towns that are easily learned."""

import pytest

from spark.forecast import network
from spark.forecast.model import Model
from spark.forecast.training import train
from tests.spark.forecast.towns import town

QUICK_BATCHES = 150


@pytest.fixture
def quick_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "BATCHES", QUICK_BATCHES)


@pytest.fixture(scope="package")
def model() -> Model:
    """Of four weeks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "BATCHES", QUICK_BATCHES)
        return train(town(28), None, "town", 1, "UTC", "DE", lambda *_: None)
