"""Rules from a file, which is read again when it changes."""

from __future__ import annotations

import errno
import logging
import os
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic_ns
from typing import Any

from ratelimit_ddb.arguments import require_function_or_none, require_seconds_ns
from ratelimit_ddb.web.rules.rule import Rule
from ratelimit_ddb.web.rules.rule_table import Functions
from ratelimit_ddb.web.rules.rules_toml import RulesError, rules_of_toml

OnReload = Callable[[tuple[Rule, ...] | RulesError], None]

_Stamp = tuple[int, ...]

_QUIET_NS = 1_000_000_000
"""For how long a file with fewer rules must have stayed as it is."""


class RulesFile:
    """The rules in a TOML file, for ``rules=``; they change when the file changes.

    At most once in ``check_seconds`` a request checks whether the file has changed, following
    symbolic links. If so, it reads the file in its own thread or event loop, which takes some
    milliseconds for a hundred rules. Other threads use the old rules until the new ones are there.
    A bucket is identified by its rule's name and its limit: while these stay, tokens that were
    taken stay taken. A changed limit starts with a full bucket.

    If the file is invalid or missing, the old rules stay in force; the error is logged once (logger
    ``ratelimit_ddb``) and passed to ``on_reload``. The next change is read again.

    A file that is cut off at the end of a rule is valid TOML with fewer rules. So a change that
    only removes rules takes effect once the file has not changed for a second, and the removed
    rules are logged by name, as a warning. To refuse every cut file, also at the start, begin it
    with the number of its rules: ``rules = 12``.

    A change is a change of the file's identity, size or times. After each change the file is read
    once more at the next check, since two writes within one tick of the file system's clock may
    look like one. A write is missed if it has the same size as another one in the same tick, and
    the tick is longer than ``check_seconds``.

    Args:
        path: the file's.
        functions: by name, those that the file may refer to as ``{ function = "name" }``.
        check_seconds: 0 to 3,600; with 0 every request looks.
        on_reload: called after a change with the rules that hold now, or with the error.
            It is called in the request that found the change; what it raises is raised there.

    Raises:
        OSError: the file can't be read, or is no regular file: a request that read a pipe would
            wait for its writer.
        RulesError: its rules can't hold.
        TypeError, ValueError: another argument is invalid.
    """

    __slots__ = (
        "__weakref__",
        "_check_ns",
        "_content",
        "_functions",
        "_given_path",
        "_held",
        "_next_check_ns",
        "_on_reload",
        "_path",
        "_refused",
        "_rules",
        "_settled",
        "_stamp",
        "_turn",
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        functions: Mapping[str, Callable[..., Any]] = {},
        check_seconds: float = 1.0,
        on_reload: OnReload | None = None,
    ) -> None:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"path {path!r}: must be a str or a path")
        self._given_path = os.fspath(path)
        # Daemons change their working directory.
        self._path = Path(path).absolute()
        self._functions = _functions_of(functions)
        self._check_ns = require_seconds_ns("check_seconds", check_seconds, 0.0, 3_600.0)
        require_function_or_none("on_reload", on_reload)
        self._on_reload = on_reload
        from ddbwire.concurrency.fork import at_fork  # here, for it brings the wire with it

        self.after_fork_in_child()
        at_fork(self)
        self._stamp: _Stamp | None = _stamp(self._path)
        self._settled = False
        self._content = self._path.read_bytes()
        self._rules = rules_of_toml(self._content, self._given_path, self._functions)
        self._refused: bytes | str | None = None
        self._held: tuple[bytes, int] | None = None
        self._next_check_ns = monotonic_ns() + self._check_ns

    def after_fork_in_child(self) -> None:
        """Renew the turn: a thread of the parent, which does not exist here, may have had it."""
        self._turn = threading.Lock()

    def current(self) -> tuple[Rule, ...]:
        """The rules that hold now: the same tuple for as long as nothing changed."""
        if monotonic_ns() >= self._next_check_ns and self._turn.acquire(blocking=False):
            try:
                self._check()
            finally:
                self._turn.release()
        return self._rules

    def _check(self) -> None:
        now_ns = monotonic_ns()
        if now_ns < self._next_check_ns:
            return  # another thread's turn ended just now
        self._next_check_ns = now_ns + self._check_ns
        try:
            # Before the reading: what is written meanwhile then differs from it at the next check.
            stamp = _stamp(self._path)
            if self._settled and stamp == self._stamp:
                return
            content = self._path.read_bytes()
        except OSError as error:
            self._stamp = None
            why = f"{self._given_path}: can't be read: {error.strerror or error}"
            if why != self._refused:
                self._refuse(why, RulesError(why, path=self._given_path))
            return
        self._settled = stamp == self._stamp
        self._stamp = stamp
        self._read(content)

    def _read(self, content: bytes) -> None:
        if content == self._refused:
            return
        if content == self._content:
            if self._refused is None:
                return
        else:
            try:
                rules = rules_of_toml(content, self._given_path, self._functions)
            except RulesError as error:
                self._refuse(content, error)
                return
            if self._may_be_cut(content, rules):
                return
            _warn_of_lost(self._given_path, self._rules, rules)
            self._rules, self._content = rules, content
        self._refused = self._held = None
        _log().info("%s: rules in force: %d", self._given_path, len(self._rules))
        if self._on_reload is not None:
            self._on_reload(self._rules)

    def _may_be_cut(self, content: bytes, rules: tuple[Rule, ...]) -> bool:
        """Whether it may be the beginning of what is being written: it has stayed for no time."""
        if not _names(rules) < _names(self._rules):
            return False
        now_ns = monotonic_ns()
        if self._held is None or self._held[0] != content:
            self._held = (content, now_ns)
        if now_ns - self._held[1] >= _QUIET_NS:
            return False
        self._settled = False  # to be read again at the next check, though nothing has changed
        return True

    def _refuse(self, what: bytes | str, error: RulesError) -> None:
        self._refused = what
        _log().error("the old rules stay: %s", error)
        if self._on_reload is not None:
            self._on_reload(error)


def _log() -> logging.Logger:
    # Not at import: logging.config disables loggers that exist before it is called.
    return logging.getLogger("ratelimit_ddb")


def _names(rules: tuple[Rule, ...]) -> set[str]:
    return {rule.name for rule in rules}


def _warn_of_lost(path: str, old: tuple[Rule, ...], new: tuple[Rule, ...]) -> None:
    there = _names(new)
    lost = [repr(rule.name) for rule in old if rule.name not in there]
    if lost:
        _log().warning("%s: rules no longer in force: %s", path, ", ".join(lost))


def _stamp(path: Path) -> _Stamp:
    found = path.stat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):  # a directory tells itself
        raise OSError(errno.EINVAL, "Not a regular file", str(path))
    # The change time too: it moves where the modification time was set back, as cp -p does.
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _functions_of(given: object) -> Functions:
    if not isinstance(given, Mapping):
        raise TypeError(f"functions {given!r}: must be a mapping of names to functions")
    for name, function in given.items():
        if not isinstance(name, str) or not callable(function):
            raise TypeError(f"functions {name!r}: {function!r}: must be a name and a function")
    return dict(given)
