"""Several browsers, an attacker and a user's other devices, all at once, in any order."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from sessions.config.options import SessionOptions
from sessions.lifecycle.open import load_at_first_use
from sessions.request_session import RequestSession
from tests.fake_clock import FakeClock
from tests.sessions_machine.action import Action, handlers
from tests.sessions_machine.browser import Browser
from tests.sessions_machine.interleaving import AnyStore
from tests.sessions_machine.lineage import Fate, Ticket
from tests.sessions_machine.request import Phase, Request
from tests.sessions_machine.revocation import Revocation
from tests.sessions_machine.view import told
from tests.sessions_machine.world import World

MOST_UNDER_WAY = 6
SECRETS = ["first secret, of thirty-two bytes at least", "second secret, of as many bytes or more"]
KEYS = [b"k" * 32, b"o" * 32]

_numbers = itertools.count()
_index = st.integers(0, 30)
_few = st.integers(0, 3)
_browser = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
_steps = st.integers(0, 5)


@st.composite
def options(draw: st.DrawFn) -> SessionOptions:
    """A site's options: short lives, and everything that may be turned on."""
    idle, lifetime = draw(
        st.sampled_from([(600, 1_500), (120, 300), (120, 120), (3_600, 43_200)]), label="life"
    )
    return {
        "idle": idle,
        "lifetime": lifetime,
        "strict": draw(st.booleans(), label="strict"),
        "secret": draw(st.sampled_from([None, SECRETS]), label="secret"),
        "encryption": draw(st.sampled_from([None, KEYS]), label="encryption"),
        "on_revoked": draw(st.sampled_from(["ignore", "raise"]), label="on_revoked"),
        "persistent": draw(st.booleans(), label="persistent"),
    }


class Sessions(RuleBasedStateMachine):
    """What happens at a site; a store is to be given by ``new_store``."""

    world: World

    def new_store(self, clock: FakeClock, strict_revocation: bool) -> AnyStore:
        """A store on this clock."""
        raise NotImplementedError

    def is_exact(self, strict_revocation: bool) -> bool:
        """Whether a user's sessions are listed without any lag."""
        return strict_revocation

    @initialize(given=options(), browsers=st.integers(2, 4), strict_revocation=st.booleans())
    def start(self, given: SessionOptions, browsers: int, strict_revocation: bool) -> None:
        clock = FakeClock()
        store = self.new_store(clock, strict_revocation)
        number = next(_numbers)
        users = tuple(f"user-{number}-{name}" for name in "xyz")
        exact = self.is_exact(strict_revocation)
        self.world = World(store, clock, given, users, exact=exact)
        self.model = self.world.model
        self.life = (given["idle"], given["lifetime"])
        name = self.world.config.cookie.name
        self.browsers = [Browser(clock, name) for _ in range(browsers)]
        self.under_way: list[Request | Revocation] = []
        self.answered: list[Request] = []
        # Somebody is logged in at once, and somebody is not: less to find for each play.
        self.visit(0, [Action("set", "a", {}), Action("login", value=0)])
        self.visit(1, [Action("set", "a", {})])

    def has_room(self) -> bool:
        return len(self.under_way) < MOST_UNDER_WAY

    @rule(browser=_browser, handler=handlers)
    def visit(self, browser: int, handler: list[Action]) -> None:
        """A request from its beginning to its end, with nothing in between."""
        request = self.request(browser, handler)
        self.finish(request)
        request.deliver()

    @rule(browser=_browser, handler=handlers, other=handlers, steps=_steps, is_late=st.booleans())
    def overlap(
        self,
        browser: int,
        handler: list[Action],
        other: list[Action],
        steps: int,
        is_late: bool,
    ) -> None:
        """While one request is under way, another one of the same browser comes and goes."""
        request = self.request(browser, handler)
        self.interrupt(request, steps, self.request(browser, other), is_late)

    @rule(browser=_browser, handler=handlers, steps=_steps, is_one=st.booleans())
    def revoke_meanwhile(
        self, browser: int, handler: list[Action], steps: int, is_one: bool
    ) -> None:
        """While a user's sessions are ended, one of them is used."""
        ticket = self.ticket_of(browser)
        if ticket is not None and ticket.lineage.owner is not None:
            one = ticket.followed() if is_one else None
            revocation = Revocation(self.world, ticket.lineage.owner, one=one)
            self.interrupt(revocation, steps, self.request(browser, handler), True)

    @precondition(has_room)
    @rule(browser=_browser, handler=handlers, steps=_steps)
    def begin(self, browser: int, handler: list[Action], steps: int) -> None:
        self.under_way.append(self.request(browser, handler))
        self.go(self.under_way[-1], steps)
        self.settle()

    @precondition(lambda self: self.under_way)
    @rule(index=_index, steps=st.integers(1, 3))
    def go_on(self, index: int, steps: int) -> None:
        self.go(self.under_way[index % len(self.under_way)], steps)
        self.settle()

    @precondition(lambda self: self.under_way)
    @rule(index=_index)
    def come_to_its_end(self, index: int) -> None:
        self.finish(self.under_way[index % len(self.under_way)])
        self.settle()

    @precondition(lambda self: self.under_way)
    @rule(index=_index)
    def die(self, index: int) -> None:
        self.under_way.pop(index % len(self.under_way)).task.abandon()

    @precondition(lambda self: self.answered)
    @rule(index=_index, is_lost=st.sampled_from([False, False, True]))
    def arrive(self, index: int, is_lost: bool) -> None:
        request = self.answered.pop(index % len(self.answered))
        if not is_lost:
            request.deliver()

    @rule(seconds=st.sampled_from([1, 5, 19, 20, 21, 59, 60, 61]))
    def moments_pass(self, seconds: int) -> None:
        self.pass_time(seconds)

    @rule(part=st.sampled_from([0.5, 0.5, 0.9, 1.0]), of=st.integers(0, 1), off=_few)
    def hours_pass(self, part: float, of: int, off: int) -> None:
        self.pass_time(int(self.life[of] * part) - off)

    @precondition(lambda self: self.model.cookies)
    @rule(index=_index, handler=handlers)
    def replay(self, index: int, handler: list[Action]) -> None:
        """An attacker has got hold of some cookie, of now or of long ago."""
        cookies = list(self.model.cookies)
        self.finish(Request(self.world, cookies[index % len(cookies)], handler, None))

    @rule(kind=st.integers(0, 5), index=_index, handler=handlers)
    def forge(self, kind: int, index: int, handler: list[Action]) -> None:
        """An attacker makes a cookie up."""
        made_up = self.made_up(kind, index)
        if made_up in self.model.cookies:
            return
        request = Request(self.world, made_up, handler, None)
        if self.world.signs or len(made_up) != 43:
            assert request.phase is Phase.WORKING, "a forged cookie cost a read"
        while request.phase is Phase.OPENING:
            request.step()
        assert [event.what for event in request.errand.events] == ["invalid"]
        self.finish(request)

    @precondition(lambda self: self.has_room() and self.model.tickets)
    @rule(index=_index, user=st.integers(0, 4))
    def revoke(self, index: int, user: int) -> None:
        """By an id of theirs, mostly; by one of others, or of nobody, at times."""
        ticket = self.ticket(index)
        user_id = self.world.users[user] if user < 3 else ticket.lineage.owner
        self.under_way.append(Revocation(self.world, user_id or self.world.users[0], one=ticket))

    @precondition(has_room)
    @rule(user=st.integers(0, 2), spared=st.one_of(st.none(), _few))
    def revoke_user(self, user: int, spared: int | None) -> None:
        ticket = None if spared is None else self.ticket_of(spared)
        user_id = self.world.users[user]
        if ticket is not None:
            ticket = ticket.followed()
            user_id = ticket.lineage.owner or user_id
        self.under_way.append(Revocation(self.world, user_id, spared=ticket))

    @invariant()
    def what_is_served_is_what_the_model_holds(self) -> None:
        self.check_cookies()
        for user_id in self.world.users:
            self.check_list(user_id)
        self.check_rows()

    def check_cookies(self) -> None:
        """Each leads to its own session, or to none."""
        config = self.world.config
        for value, ticket in self.model.cookies.items():
            found = RequestSession(config, f"{config.cookie.name}={value}")
            load_at_first_use(found)
            self.model.seen(ticket, found.state.row is not None)
            self.model.told(ticket, found.state.replaced is not None, self.model.turn + 1)
            if found.state.row is not None:
                assert found.state.row.session_id == ticket.followed().session_id
                assert found.state.row.owner_id == ticket.lineage.owner
                assert told(found.state.data.encoded()) == ticket.lineage.data

    def check_list(self, user_id: str) -> None:
        """Each user is shown the sessions that they have."""
        now = self.model.now
        listed = self.world.store.sessions_of(user_id)
        assert [one.created_at for one in listed] == sorted(
            (one.created_at for one in listed), reverse=True
        )
        for one in listed:
            ticket = self.model.tickets[one.id]
            lineage = ticket.lineage
            assert ticket.successor is None
            assert lineage.fate(now) is not Fate.OVER
            assert (one.user_id, lineage.owner) == (user_id, user_id)
            assert (one.created_at, one.device) == (lineage.created_at, lineage.device)
            assert lineage.surely_until <= one.expires_at <= lineage.until
        found = [self.model.tickets[one.id].lineage for one in listed]
        assert len(found) == len(set(found))
        if self.world.exact:
            for lineage in self.model.lineages(user_id):
                assert lineage in found or lineage.fate(now) is Fate.UNSURE

    def check_rows(self) -> None:
        """Nothing is there that nobody has a cookie of, where the rows can be counted."""

    def teardown(self) -> None:
        if hasattr(self, "world"):
            for one in self.under_way:
                one.task.abandon()
            self.world.store.close()

    def request(self, browser: int, handler: list[Action]) -> Request:
        whose = self.browsers[browser % len(self.browsers)]
        return Request(self.world, whose.value, handler, whose)

    def interrupt(
        self, one: Request | Revocation, steps: int, other: Request, is_late: bool
    ) -> None:
        self.go(one, steps)
        self.finish(other)
        if not is_late:
            other.deliver()
        self.finish(one)
        if isinstance(one, Request):
            one.deliver()
        if is_late:
            other.deliver()

    def go(self, one: Request | Revocation, steps: int) -> None:
        for _ in range(steps):
            if not one.task.over:
                one.step()

    def finish(self, one: Request | Revocation) -> None:
        while not one.task.over:
            one.step()

    def settle(self) -> None:
        over = [one for one in self.under_way if one.task.over]
        self.under_way = [one for one in self.under_way if not one.task.over]
        self.answered += [
            one for one in over if isinstance(one, Request) and one.phase is Phase.ANSWERED
        ]

    def pass_time(self, seconds: int) -> None:
        """What is at the store gets its answers first: that takes less than a second."""
        for one in self.under_way:
            while one.is_at_the_store and not one.task.over:
                one.step()
        self.settle()
        self.world.clock.advance(seconds)

    def ticket(self, index: int) -> Ticket:
        return list(self.model.tickets.values())[index % len(self.model.tickets)]

    def ticket_of(self, browser: int) -> Ticket | None:
        value = self.browsers[browser % len(self.browsers)].value
        return None if value is None else self.model.cookies[value]

    def made_up(self, kind: int, index: int) -> str:
        tickets: list[Any] = list(self.model.tickets.values())
        cookies = list(self.model.cookies)
        made_up = ["", "x", "A" * 43, "../" * 14 + "x"]
        if tickets:
            made_up.append(tickets[index % len(tickets)].session_id)
        if cookies:
            cookie = cookies[index % len(cookies)]
            made_up.append(cookie[:-1] + ("A" if cookie[-1] != "A" else "B"))
        return made_up[kind % len(made_up)]
