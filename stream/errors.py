"""Errors that end a command. The user sees the message, without a traceback.

FlowgaugeError            one clear line, exit status 1
|- ConfigError            flow.yaml has mistakes: each with file, line, key, value and fix
|- SettingsError          an environment variable or option has a value that cannot be used
|- KafkaError             Kafka refuses, or a topic is not as it must be
|  `- KafkaUnreachableError   Kafka does not answer
|- InputError             a log file cannot be read
`- ServeError             the machine refuses: port taken, disk full, package missing
"""

from __future__ import annotations


class FlowgaugeError(Exception):
    """The work failed. The message says what failed, on which input, and what to do."""


class ConfigError(FlowgaugeError):
    """The configuration has mistakes."""


class SettingsError(FlowgaugeError):
    """A deployment setting cannot be used."""


class KafkaError(FlowgaugeError):
    """Kafka cannot be reached, or is not as it must be."""


class KafkaUnreachableError(KafkaError):
    """Kafka does not answer now, but it may later."""


class InputError(FlowgaugeError):
    """A log file cannot be read."""


class ServeError(FlowgaugeError):
    """The machine refuses: port taken, disk full, package missing."""
