"""A user's sessions are ended from elsewhere, one operation at a time."""

from __future__ import annotations

from collections.abc import Iterator

from tests.sessions_machine.interleaving import Task
from tests.sessions_machine.lineage import Fate, Lineage, Ticket
from tests.sessions_machine.world import Errand, World


class Revocation:
    """One session ended by its id, or all of a user but one.

    Args:
        world: where.
        user_id: whose.
        one: the id to end, if it is this user's; None for all.
        spared: of all, the id of the one to keep; None to keep none.
    """

    is_at_the_store = True

    def __init__(
        self, world: World, user_id: str, *, one: Ticket | None = None, spared: Ticket | None = None
    ) -> None:
        self._world = world
        self._user_id = user_id
        self._one, self._spared = one, spared
        lineages = world.model.lineages(user_id)
        self._wanted = [lineage for lineage in lineages if self._is_in(lineage)]
        if one is not None and world.model.fate(one) is Fate.OVER:
            self._wanted = []
        self.errand = Errand(self._may_end)
        self.task = Task(self._run())

    def step(self) -> None:
        """One operation."""
        with self._world.doing(self.errand):
            self.task.step()

    async def _run(self) -> None:
        store = self._world.store
        told: int
        if self._one is not None:
            told = await store.revoke_async(self._user_id, self._one.session_id)
        else:
            but = None if self._spared is None else self._spared.session_id
            told = await store.revoke_user_async(self._user_id, except_=but)
        # One that was over, and that TTL has not deleted yet, may be counted or not.
        assert self.errand.ended.count(Fate.ALIVE) <= told <= len(self.errand.ended)
        if self._world.exact or self._one is not None:
            now, spared = self._world.model.now, [one.lineage for one in self._all_spared()]
            wanted = [lineage for lineage in self._wanted if lineage not in spared]
            assert all(lineage.fate(now) is Fate.OVER for lineage in wanted), (
                "a session outlived its revocation"
            )

    def _is_in(self, lineage: Lineage) -> bool:
        if self._one is not None:
            return lineage is self._one.lineage
        return self._spared is None or lineage is not self._spared.lineage

    def _all_spared(self) -> Iterator[Ticket]:
        """The id to keep, and those that took its place."""
        asker = self._spared
        while asker is not None:
            yield asker
            # Where somebody else ended what leads on, nobody can know any more where to.
            is_gone = asker.gone_at is not None and asker.replaced_by is None
            is_theirs = asker.lineage.owner == self._user_id
            asker = None if is_gone or not is_theirs else asker.successor or asker.replaced_by

    def _may_end(self, ticket: Ticket) -> bool:
        # What it was rotated to is spared too, but not what leads to it from ids of before.
        is_spared = any(ticket is one for one in self._all_spared())
        return (
            ticket.lineage.owner == self._user_id
            and not is_spared
            and (self._one is None or self._is_in(ticket.lineage))
        )
