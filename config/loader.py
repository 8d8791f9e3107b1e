"""Reads a settings file.

The rule of this module: a file is used whole or not at all, and every problem in it is one line
with the file, the line, the key, what is wrong and how to mend it. What no single section can
know, because two of them contradict each other, is checked here.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr, ValidationError

from config.settings import Settings, SipDesk
from config.trunks import SipTrunk
from dialer.documents import Document, problems, suggestion
from dialer.documents import Path as Place
from dialer.errors import ConfigError, ContactError

_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})
_SOCKET_PATH_BYTES = 103
"""The shortest limit of the systems in use (sockaddr_un), its final zero left out."""


def load_settings(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file, with absolute paths and the trunks' passwords read.

    Raises:
        ConfigError: the first of `settings_problems`.
    """
    settings, found = _load(path, environ)
    if settings is None or found:
        raise found[0]
    return settings


def settings_problems(path: Path, environ: Mapping[str, str] = os.environ) -> list[ConfigError]:
    """Everything that is wrong with a settings file, in the order of its lines."""
    return _load(path, environ)[1]


def _load(path: Path, environ: Mapping[str, str]) -> tuple[Settings | None, list[ConfigError]]:
    try:
        text = path.read_bytes()
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        return None, [ConfigError(str(path), what, "check its path and permissions")]
    try:
        document = Document.load(text, str(path), ConfigError)
    except ConfigError as error:
        return None, [error]
    context = {"folder": path.absolute().parent}
    try:
        settings = Settings.model_validate(document.data, context=context)
    except ValidationError as error:
        found = problems(error, document, ConfigError, Settings)
        return None, [problem for problem in found if isinstance(problem, ConfigError)]
    told = [
        ConfigError(f"{document.name}:{document.line_of(place)}", what, mend)
        for place, what, mend in _contradictions(settings)
    ]
    settings, without = _with_passwords(settings, document, environ)
    return settings, told + without


def _contradictions(settings: Settings) -> Iterator[tuple[Place, str, str]]:
    """What sections say against each other: where, what, and how to mend it."""
    socket = str(settings.control_socket)
    if len(socket.encode()) > _SOCKET_PATH_BYTES:
        what = f"control_socket: {socket} is longer than {_SOCKET_PATH_BYTES} bytes"
        yield ("control_socket",), what, "put it in a shorter path, as /run/foredial/control.sock"
    try:
        _ = settings.contact_schema
    except ContactError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        yield ("attributes",), what, error.mend
    demands = {queue.name: queue.demand for queue in settings.queues}
    for index, agent in enumerate(settings.agents):
        for place, queue in enumerate(agent.queues):
            at = ("agents", index, "queues", place)
            if queue not in demands:
                what = f"agent {agent.id!r}: there is no queue {queue!r}"
                yield at, what, suggestion(queue, demands)
            elif lacks := demands[queue].lacking(agent.languages, agent.skills):
                what = f"agent {agent.id!r}: queue {queue!r} asks for {lacks}"
                yield at, what, "give them that, or take the queue from them"
        if isinstance(settings.desk, SipDesk) and not agent.address:
            what = f"agent {agent.id!r} has no phone, and desk.kind is sip"
            yield ("agents", index), what, "add address: sip:NAME@HOST"
    trunks = [trunk for trunk in settings.trunks if isinstance(trunk, SipTrunk)]
    by_sip = bool(trunks) or isinstance(settings.desk, SipDesk)
    media = settings.media
    if by_sip and media.bind_host in _ALL_ADDRESSES and not media.advertised_host:
        what = f"media.bind_host {media.bind_host} is no place to send audio to"
        yield ("media",), what, "add media.advertised_host, our address as others see it"
    yield from _unusable_files(settings)
    yield from _caller_id_contradictions(settings, trunks)
    prompt = settings.callbacks.prompt
    if prompt and not (media.prompts_dir / f"{prompt.removesuffix('.wav')}.wav").is_file():
        what = f"callbacks.prompt: {prompt!r} is not in {media.prompts_dir}"
        yield ("callbacks", "prompt"), what, "record it as WAV, 8 kHz mono, and put it there"
    if settings.live and trunks and not isinstance(settings.desk, SipDesk):
        what = "live calls would be answered by simulated agents: nobody"
        yield ("live",), what, "set desk.kind: sip, or live: false"


def _unusable_files(settings: Settings) -> Iterator[tuple[Place, str, str]]:
    for index, trunk in enumerate(settings.trunks):
        if isinstance(trunk, SipTrunk):
            for key in ("ca_file", "certificate_file", "key_file"):
                path = getattr(trunk.tls, key)
                if path is not None and (why := _no_pem(path)):
                    what = f"trunk {trunk.name!r}: tls.{key}: {why}"
                    yield ("trunks", index, "tls", key), what, "name a PEM file that we may read"


def _no_pem(path: Path) -> str:
    """Why a file is no PEM, as far as its look tells; what it holds is read at the start."""
    try:
        found = b"-----BEGIN " in path.read_bytes()
    except OSError as error:
        return _why(error)
    return "" if found else f"{path}: not a PEM file"


def _caller_id_contradictions(
    settings: Settings, trunks: list[SipTrunk]
) -> Iterator[tuple[Place, str, str]]:
    names = [trunk.name for trunk in settings.trunks]
    for index, number in enumerate(settings.caller_ids):
        for place, name in enumerate(number.trunks):
            if name not in names:
                what = f"caller ID {number.name!r}: there is no trunk {name!r}"
                yield ("caller_ids", index, "trunks", place), what, suggestion(name, names)
    inventory = settings.caller_id_inventory.numbers
    for trunk in trunks if settings.live else ():
        if not any(number.takes(trunk.name) for number in inventory):
            what = f"trunk {trunk.name!r}: its calls would show no number, which no callee trusts"
            at = ("trunks", settings.trunks.index(trunk))
            yield at, what, "add caller_id to it, or a number under caller_ids"


def _with_passwords(
    settings: Settings, document: Document, environ: Mapping[str, str]
) -> tuple[Settings, list[ConfigError]]:
    trunks, found = [], []
    for index, trunk in enumerate(settings.trunks):
        changed = trunk
        if isinstance(trunk, SipTrunk):
            key = "password_file" if trunk.password_file else "password_env"
            try:
                password = _password(trunk, environ)
            except (OSError, UnicodeDecodeError, LookupError) as error:
                line = document.line_of(("trunks", index, key))
                what = f"trunk {trunk.name!r}: {key}: {_why(error)}"
                found.append(ConfigError(f"{document.name}:{line}", what, "provide the password"))
            else:
                changed = trunk.model_copy(update={"password": password})
        trunks.append(changed)
    return settings.model_copy(update={"trunks": tuple(trunks)}), found


def _password(trunk: SipTrunk, environ: Mapping[str, str]) -> SecretStr | None:
    if trunk.password_file is not None:
        lines = trunk.password_file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0]:
            raise LookupError(f"{trunk.password_file} is empty")
        return SecretStr(lines[0])
    if trunk.password_env:
        if not environ.get(trunk.password_env):
            raise LookupError(f"the variable {trunk.password_env} is not set")
        return SecretStr(environ[trunk.password_env])
    return trunk.password


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.args[0])
