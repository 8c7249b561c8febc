"""Every error Urbanclear raises on purpose.

UrbanclearError            says in one sentence what is wrong and what to do next
├── ConfigurationError     a setting or an argument does not fit
├── StartError             a part of the stack could not be started
│   ├── JavaNotFound
│   └── JarsUnavailable
├── SourceError            a feed's input cannot be read
└── InvalidEvent           one message cannot be accepted; carries the dead letter's reason

The command prints the sentence and exits with 1; anything else is a bug and keeps its traceback.
"""


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


class InvalidEvent(UrbanclearError):
    """One message cannot be accepted.

    `reason` is a short stable word (`undecodable`, `invalid`, `naive_time`, `future_time`, `too_old`) that
    becomes a header of the dead letter and a metric's label.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
