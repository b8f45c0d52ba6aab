"""What flowgauge tells its user when it cannot go on.

FlowgaugeError            one clear line, exit status 1
|- ConfigError            flow.yaml has mistakes: each with file, line, key, value and the mend
|- SettingsError          an environment variable or option has a value that cannot be used
|- KafkaError             Kafka refuses, or a topic is not what it must be
|  `- KafkaUnreachableError   Kafka does not answer
|- InputError             a log file cannot be read
`- ServeError             the port is taken, the disk is full: the surroundings refuse
"""

from __future__ import annotations


class FlowgaugeError(Exception):
    """The work failed; the message says what, on which input, and what to do."""


class ConfigError(FlowgaugeError):
    """The configuration has mistakes."""


class SettingsError(FlowgaugeError):
    """A deployment setting cannot be used."""


class KafkaError(FlowgaugeError):
    """Kafka cannot be reached, or is not as it must be."""


class KafkaUnreachableError(KafkaError):
    """Kafka does not answer, now; it may later."""


class InputError(FlowgaugeError):
    """A log file cannot be read."""


class ServeError(FlowgaugeError):
    """The surroundings refuse: port taken, disk full."""
