"""From a row of the outbox to its receiver: claimed, sent, tried again, given up, and every attempt noted."""

from alerting.delivery.delivery import Delivery

__all__ = ["Delivery"]
