"""How often a decision looks a key up in this process's memory."""

from __future__ import annotations

from collections import Counter

import pytest

from ratelimit_ddb import MemoryStore
from ratelimit_ddb.bucket.observations import Observation, ObservationCache
from ratelimit_ddb.web import Rule, everyone
from tests.web.exchange import Get, limited_wsgi

NAMES = ("a", "b", "c")


@pytest.mark.parametrize("rules", [1, 2, 3])
def test_a_key_is_looked_up_once_for_each_rule_before_its_take(
    rules: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups: Counter[str] = Counter()
    look_up = ObservationCache.get

    def counted(cache: ObservationCache[Observation], key: str) -> Observation | None:
        lookups[key] += 1
        return look_up(cache, key)

    chosen = [Rule("/*", "5/minute", by=everyone(), name=name) for name in NAMES[:rules]]
    ask = limited_wsgi(store=MemoryStore(), rules=chosen)
    ask(Get())
    monkeypatch.setattr(ObservationCache, "get", counted)
    ask(Get())
    assert lookups == {f"{name}:everyone": 1 for name in NAMES[:rules]}
