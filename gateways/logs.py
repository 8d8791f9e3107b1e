"""Logs: the standard library's loggers, told by structlog as JSON lines or for a console.

The rule of this module: no telephone number gets into a log unless the settings say so; of what
looks like one, the last two digits stay. Contact and attempt ids, which are integers, are how a
log names people. Everything is logged through `logging.getLogger(__name__)` with particulars as
`extra={...}`; nothing crashes silently: warnings and the failures of threads are logged as well.
"""

import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

FORMATS = ("json", "console")
LEVELS = ("debug", "info", "warning", "error")

_KEPT_DIGITS = 2

# With a plus sign: E.164, however grouped. Without: eight digits and more that stand alone (not
# part of a decimal, an id with letters or dashes, or an address), and the national 3-3-4 form.
_NUMBER = re.compile(
    r"""
    \+ \d (?: [ ().-]{0,2} \d ){6,14}
    | (?<![\w.+-]) \d{8,15} (?! [\w-] | \.\d )
    | (?<![\w.+-]) \(? \d{3} \)? [ .-]{1,2} \d{3} [ .-] \d{4} (?! [\w-] | \.\d )
    """,
    re.VERBOSE,
)
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class LogConfig:
    """How to log. level: one of LEVELS. format: one of FORMATS.

    log_numbers: True shows telephone numbers in full.
    """

    level: str = "info"
    format: str = "console"
    log_numbers: bool = False


def mask_numbers(text: str) -> str:
    """A text in which of every telephone number only the last two digits stand."""
    return _NUMBER.sub(_masked, text)


def configure_logs(config: LogConfig, stream: TextIO | None = None) -> Callable[[], None]:
    """Send all logs of the process to one stream (standard error); gives what undoes it."""
    stream = stream if stream is not None else sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=_rendering(config, stream), foreign_pre_chain=_gathering()
        )
    )
    root = logging.getLogger()
    before = (root.handlers[:], root.level, threading.excepthook, sys.excepthook)
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
    # What it tells at each start is of no use to anybody but its own developers.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.captureWarnings(True)
    threading.excepthook = _thread_failed
    sys.excepthook = _process_failed
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_gathering(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )

    def undo() -> None:
        root.handlers[:], level, threading.excepthook, sys.excepthook = before
        root.setLevel(level)
        logging.captureWarnings(False)
        structlog.reset_defaults()

    return undo


def _gathering() -> list[Processor]:
    """What every line carries, wherever it comes from."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _rendering(config: LogConfig, stream: TextIO) -> list[Processor]:
    rendering: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        # Before the mask, so that a number in a traceback is masked, too.
        structlog.processors.format_exc_info,
    ]
    if not config.log_numbers:
        rendering.append(_mask_event)
    if config.format == "json":
        rendering.append(structlog.processors.JSONRenderer(default=str, ensure_ascii=False))
    else:
        rendering.append(structlog.dev.ConsoleRenderer(colors=stream.isatty()))
    return rendering


def _mask_event(_logger: Any, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if key not in {"timestamp", "level", "logger"}:
            event[key] = _mask_value(value)
    return event


def _mask_value(value: Any) -> Any:
    if isinstance(value, str):
        return mask_numbers(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {_mask_value(key): _mask_value(held) for key, held in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_mask_value(held) for held in value]
    # Any other thing is shown by its text: what that text holds is masked, too.
    return mask_numbers(str(value))


def _masked(match: re.Match[str]) -> str:
    text = match.group()
    hidden = len(_DIGIT.findall(text)) - _KEPT_DIGITS
    return _DIGIT.sub("*", text, count=hidden)


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_type is SystemExit or failure.exc_value is None:
        return
    name = failure.thread.name if failure.thread is not None else "?"
    logging.getLogger(__name__).critical("the thread %s failed", name, exc_info=failure.exc_value)


def _process_failed(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger(__name__).critical("the daemon failed", exc_info=error)
