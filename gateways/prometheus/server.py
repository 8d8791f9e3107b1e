"""The daemon's small HTTP server: metrics and health.

The rule of this module: it only shows. Nothing can be changed through it, it names no contact,
number or agent, and a slow or broken client costs one thread of its own and no other.
"""

import json
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from dialer.errors import GatewayError

logger = logging.getLogger(__name__)

Check = Callable[[], tuple[bool, str]]
"""A condition of readiness: whether it holds, and if not, why."""

_CLIENT_TIMEOUT_S = 10.0
_HTML = "text/html; charset=utf-8"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Pages:
    """What the server shows.

    title: heading of the index page. links: more places to name there, address by text.
    checks: conditions of readiness by name; they run on the thread of the request and must not
    wait.
    """

    registry: CollectorRegistry
    checks: Mapping[str, Check] = field(default_factory=dict)
    title: str = "Foredial"
    links: Mapping[str, str] = field(default_factory=dict)


class HealthServer:
    """Serves `/metrics`, `/healthz`, `/readyz` and an index on one address.

    port: 0 takes a free one; the property `port` is the one in use.
    """

    def __init__(self, pages: Pages, host: str = "127.0.0.1", port: int = 9464) -> None:
        self._pages = pages
        self._host = host
        self._asked_port = port
        self._server: _Server | None = None
        self._thread: Thread | None = None

    def start(self) -> None:
        """Listen, and serve on a thread of its own.

        Raises:
            GatewayError: the address cannot be listened on.
        """
        try:
            self._server = _Server(self._host, self._asked_port, self._pages)
        except OSError as error:
            raise GatewayError(
                f"metrics: cannot listen on {self._host}:{self._asked_port}: {error.strerror}"
            ) from error
        self._thread = Thread(
            target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening. Requests under way get their answer or are cut."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = self._thread = None

    @property
    def port(self) -> int:
        """The port in use; as asked while not started."""
        return self._server.server_port if self._server is not None else self._asked_port

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}/"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A client that hangs must not hold up the daemon's end.
    block_on_close = False

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        self.pages = pages
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # The library's own asks the name service who we are, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.socket.getsockname()[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        logger.debug("a client of the metrics server broke off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "Foredial"
    sys_version = ""
    timeout = _CLIENT_TIMEOUT_S

    def do_GET(self) -> None:
        page = {
            "/": self._index,
            "/metrics": self._metrics,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
        }.get(urlsplit(self.path).path)
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"no such page\n")
            return
        try:
            page()
        except OSError:
            raise
        except Exception:
            logger.exception("the page %s failed", self.path)
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, _JSON, b'{"status": "failed"}\n')

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def _metrics(self) -> None:
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        self._answer(HTTPStatus.OK, content_type, encode(self.server.pages.registry))

    def _healthz(self) -> None:
        self._answer_json(HTTPStatus.OK, {"status": "alive"})

    def _readyz(self) -> None:
        checks = {name: _checked(check) for name, check in self.server.pages.checks.items()}
        reasons = {name: reason for name, (ok, reason) in checks.items() if not ok}
        body = {
            "status": "not ready" if reasons else "ready",
            "checks": {name: ok for name, (ok, _) in checks.items()},
            "reasons": reasons,
        }
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        self._answer_json(status, body)

    def _index(self) -> None:
        pages = self.server.pages
        links = {
            "/metrics": "metrics for Prometheus",
            "/healthz": "whether the daemon is alive",
            "/readyz": "whether it can dial, and if not, why",
            **pages.links,
        }
        items = "".join(
            f'<li><a href="{escape(address)}">{escape(address)}</a> {escape(text)}</li>'
            for address, text in links.items()
        )
        title = escape(pages.title)
        html = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f"</head><body><h1>{title}</h1><ul>{items}</ul></body></html>\n"
        )
        self._answer(HTTPStatus.OK, _HTML, html.encode())

    def _answer_json(self, status: HTTPStatus, body: Mapping[str, Any]) -> None:
        self._answer(status, _JSON, json.dumps(body).encode() + b"\n")

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        logger.debug("%s %s", self.address_string(), format % args)


def _checked(check: Check) -> tuple[bool, str]:
    """A check that fails is a reason, too: readiness fails closed."""
    try:
        return check()
    except Exception as error:
        logger.exception("a readiness check failed")
        return False, f"the check failed: {type(error).__name__}"
