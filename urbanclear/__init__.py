"""What all parts of Urbanclear share: settings, errors, logs, metrics, the command and the one-machine stack."""

from importlib.metadata import version

__version__ = version("urbanclear")
