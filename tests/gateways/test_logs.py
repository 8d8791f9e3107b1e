"""What is logged, how, and what never is."""

import io
import json
import logging
import threading
import warnings

import pytest
import structlog

from gateways.logs import LogConfig, configure_logs, mask_numbers


@pytest.fixture
def log_to():
    undos = []

    def configure(**settings):
        stream = io.StringIO()
        undos.append(configure_logs(LogConfig(**{"format": "json", **settings}), stream))
        return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]

    yield configure
    for undo in reversed(undos):
        undo()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("dialed +15550100123", "dialed +*********23"),
        ("sip:15550100123@10.0.0.1:5060", "sip:*********23@10.0.0.1:5060"),
        ("sip:+15550100123@carrier", "sip:+*********23@carrier"),
        ("tel:+1-555-010-0123;x=1", "tel:+*-***-***-**23;x=1"),
        ("call +1 (555) 010 0123 now", "call +* (***) *** **23 now"),
        ("call (555) 010-0123", "call (***) ***-**23"),
        ("+4930123456, +442079460000", "+********56, +**********00"),
    ],
)
def test_of_a_number_only_the_last_two_digits_stay(text, masked):
    assert mask_numbers(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "attempt 1234567",
        "2026-10-01 12:30:00",
        "2026-10-01T12:30:00.123456Z",
        "at 1767225600.25",
        "127.0.0.1:5060",
        "192.168.100.200",
        "12345678-9abcdef0@host",
        "z9hG4bK1234567890",
        "[2001:db8::1234]:5060",
        "version 3.11.12",
    ],
)
def test_what_is_no_number_stays_readable(text):
    shown = mask_numbers(text)
    assert shown == text


def test_numbers_are_masked_wherever_they_stand(log_to):
    lines = log_to()
    number = "+15550100123"

    class Contact:
        def __str__(self) -> str:
            return f"contact {number}"

    logger = logging.getLogger("gateways.sip")
    logger.warning(
        "refused %s", number, extra={"to": number, "more": [{"n": (number,)}, Contact()]}
    )
    try:
        raise ValueError(number)
    except ValueError:
        logger.exception("failed")
    structlog.get_logger("console").warning("refused", to=number)
    text = json.dumps(lines())
    assert len(lines()) == 3
    assert "5550100" not in text
    assert text.count("*********23") >= 6


def test_numbers_are_shown_where_the_settings_say_so(log_to):
    lines = log_to(log_numbers=True)
    logging.getLogger("x").warning("refused %s", "+15550100123")
    assert lines()[0]["event"] == "refused +15550100123"


def test_a_json_line_says_when_where_how_grave_and_the_particulars(log_to):
    lines = log_to()
    logging.getLogger("gateways.sip").error("no route", extra={"trunk": "carrier", "attempt": 7})
    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "no route",
        "level": "error",
        "logger": "gateways.sip",
        "trunk": "carrier",
        "attempt": 7,
    }


def test_below_the_level_nothing_is_said(log_to):
    lines = log_to(level="warning")
    logging.getLogger("x").info("quiet")
    structlog.get_logger("x").info("quiet")
    logging.getLogger("x").warning("loud")
    assert [line["event"] for line in lines()] == ["loud"]


def test_pykka_crashes_are_logged(log_to):
    lines = log_to()
    logging.getLogger("pykka").error("Unhandled exception in an actor")
    assert lines()[0]["logger"] == "pykka"


def test_warnings_are_logged(log_to):
    lines = log_to()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # pytest shows warnings by its own means inside a test; this is what the library does.
        logging.captureWarnings(True)
        warnings.warn("this will go away", DeprecationWarning, stacklevel=1)
    [line] = lines()
    assert line["logger"] == "py.warnings"
    assert "this will go away" in line["event"]


def test_the_failure_of_a_thread_is_logged_with_its_trace(log_to):
    lines = log_to()

    def fail():
        raise ZeroDivisionError("in the thread")

    thread = threading.Thread(target=fail, name="worker 7")
    thread.start()
    thread.join()
    [line] = lines()
    assert line["event"] == "the thread worker 7 failed"
    assert "ZeroDivisionError: in the thread" in line["exception"]


def test_the_console_form_is_for_people(log_to):
    stream = io.StringIO()
    undo = configure_logs(LogConfig(format="console"), stream)
    try:
        logging.getLogger("gateways.sip").warning("refused +15550100123", extra={"trunk": "a"})
    finally:
        undo()
    assert "refused +*********23" in stream.getvalue()
    assert "trunk=a" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()  # no colours into a file


def test_undoing_leaves_the_loggers_as_they_were():
    root = logging.getLogger()
    before = (root.handlers[:], root.level, threading.excepthook)
    configure_logs(LogConfig(level="debug"), io.StringIO())()
    assert (root.handlers[:], root.level, threading.excepthook) == before
