"""Every error Urbanclear raises on purpose.

UrbanclearError            says in one sentence what is wrong and what to do next
├── ConfigurationError     a setting or an argument does not fit
├── StartError             a part of the stack could not be started
│   ├── JavaNotFound
│   └── JarsUnavailable
├── SourceError            a feed's input cannot be read
│   └── FeedError          a live feed's answer is of no use; asked again later
│       └── FeedChanged    it came, and is not of the form expected
├── ModelUnavailable       a model's file is gone, or is not what was kept
├── NotPromoted            a model has not been shown to be better than the one in place
├── RetryFenced            another retry of dead letters began, and stopped this one
├── NotDelivered           Kafka did not take what was sent to it
│   └── KafkaAway          it did not answer in time
├── NotSent                a notification was not taken by its receiver
│   ├── TryLater           it may be, later
│   └── Refused            it will never be
├── GrafanaError           Grafana could not be asked, or said no
├── LeadershipLost         another alerting process leads now
└── InvalidEvent           one message cannot be accepted; carries the dead letter's reason

The command prints the sentence and exits with 1; anything else is a bug and keeps its traceback.
"""

from datetime import timedelta


class UrbanclearError(Exception):
    """Base of all; `str()` is a sentence fit for a terminal."""


class ConfigurationError(UrbanclearError):
    """A setting or an argument does not fit."""


class StartError(UrbanclearError):
    """A part of the stack could not be started."""


class JavaNotFound(StartError):
    """No Java runtime 17 or newer was found."""


class JarsUnavailable(StartError):
    """The Java libraries could not be had or do not match their checksums."""


class SourceError(UrbanclearError):
    """A feed's input cannot be read."""


class FeedError(SourceError):
    """A live feed's answer is of no use; it is asked again later.

    `outcome` is a short stable word (`timeout`, `server_error`, …) that becomes a metric's label; `retry_after` is
    the wait that the server asked for.
    """

    def __init__(self, outcome: str, detail: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.retry_after = retry_after


class FeedChanged(FeedError):
    """A live feed's document came, and is not of the form expected."""

    def __init__(self, detail: str) -> None:
        super().__init__("changed", detail)


class ModelUnavailable(UrbanclearError):
    """A model's file is gone, or is not what was kept."""


class NotPromoted(UrbanclearError):
    """A model has not been shown to be better than the one in place."""


class RetryFenced(UrbanclearError):
    """Another retry of dead letters began, and stopped this one."""


class NotDelivered(UrbanclearError):
    """Kafka did not take what was sent to it, or only a part; all of it may be sent again."""


class KafkaAway(NotDelivered):
    """Kafka did not answer in time."""


class NotSent(UrbanclearError):
    """A notification was not taken by its receiver."""


class TryLater(NotSent):
    """It may be taken later: not before `after` has passed, where the receiver said so.

    `whole`: the trouble is the receiver's with every notification, and not this one's alone.
    """

    def __init__(self, detail: str, *, after: timedelta | None = None, whole: bool = True) -> None:
        super().__init__(detail)
        self.after = after
        self.whole = whole


class Refused(NotSent):
    """It will never be taken: the address is wrong, or the receiver said no for good."""


class GrafanaError(UrbanclearError):
    """Grafana could not be asked, or said no."""


class LeadershipLost(UrbanclearError):
    """Another alerting process leads now; this one must not go on."""


class InvalidEvent(UrbanclearError):
    """One message cannot be accepted.

    `reason` is a short stable word (`undecodable`, `invalid`, `naive_time`, `future_time`, `too_old`) that
    becomes a header of the dead letter and a metric's label.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
