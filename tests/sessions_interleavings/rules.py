"""What holds at the end of every play, a rule each."""

from __future__ import annotations

from collections.abc import Callable

from sessions import Session
from tests.sessions_interleavings.acts import CART, ENDS, LOGINS, PLAIN
from tests.sessions_interleavings.play import Play, Told

Rule = Callable[[Play], None]


def names(play: Play) -> set[str]:
    return {told.name for told in play.told}


def only_who_changes_the_id_sets_the_cookie(play: Play) -> None:
    """Not a request that was under way at a login: it would log the user out."""
    for told in play.told:
        if told.name in PLAIN and (told.found is not None or told.was_replaced):
            assert told.cookie is None, "it set or cleared the cookie"
        if told.was_replaced and not told.name.startswith("login"):
            assert told.cookie is None, "it undid the login in the browser"


def who_logged_in_stays_logged_in(play: Play) -> None:
    """Whichever response arrives last, and with the cart."""
    done = names(play)
    if "login" not in done or done & (ENDS | (LOGINS - {"login"})) or rotated_late(play):
        return
    if one_login_may_end_another(play):
        return
    session = play.opened(play.cookie)
    assert session.state.user_id == play.users[0], "the user is logged out"
    assert CART in session.state.data, "the cart is lost"


def one_login_holds_beside_another(play: Play) -> None:
    """As somebody, and not as nobody, though two users log in at once."""
    done = names(play)
    if not {"login", "login as bob"} <= done or done & (ENDS | {"login by hand"}):
        return
    if not rotated_late(play):
        assert play.opened(play.cookie).state.user_id in play.users, "nobody is logged in"


def a_login_by_hand_holds_too(play: Play) -> None:
    done = names(play)
    if "login by hand" in done and not done & (ENDS | {"login", "login as bob"}):
        arrived = [told for told in play.told if told.name == "login by hand" and told.cookie]
        if arrived and not rotated_late(play):
            assert "user" in play.opened(play.cookie).state.data, "the login by hand is undone"


def what_was_replaced_gives_access_to_nothing(play: Play) -> None:
    logins = [told for told in play.told if told.name in LOGINS and told.found == play.first_id]
    if any(told.cookie and not told.is_revoked for told in logins):
        session = play.opened(play.first_cookie)
        assert session.state.row is None, "the id of before the login leads on"
        assert not session.state.data


def what_has_ended_stays_ended(play: Play) -> None:
    for told in play.told:
        is_logout = told.name == "logout" and told.found is not None and not told.was_replaced
        is_revocation = told.name.startswith("revoke ") and told.name != "revoke others"
        if is_logout or (is_revocation and play.owner == play.users[0]):
            session = play.opened(play.first_cookie)
            assert session.state.row is None, f"it outlived {told.name}"
        if is_logout:
            for other in play.told:
                if other.name == "rotate" and other.found == told.found and other.cookie:
                    assert play.opened(other.cookie).state.row is None, (
                        "its next id outlived a logout"
                    )
        if told.name == "revoke all":
            for other in play.told:
                if other.cookie and 0 <= other.committed_at < told.began_at:
                    session = play.opened(other.cookie)
                    assert session.state.user_id != play.users[0], "a session outlived a revocation"


def who_ends_all_others_stays(play: Play) -> None:
    done = names(play)
    if "revoke others" in done and not done & (ENDS | LOGINS) and play.owner is not None:
        assert play.opened(play.cookie).state.user_id == play.owner, "it ended its own session"


def forms_made_at_once_are_all_valid(play: Play) -> None:
    if names(play) & (ENDS | LOGINS):
        return
    session = Session(play.opened(play.cookie))
    for told in play.told:
        if told.token is not None:
            assert session.is_csrf_token(told.token), "a form is invalid"


def nothing_is_lost(play: Play) -> None:
    """Of changes that were made where the session went on."""
    done = names(play)
    if done & ENDS or done & (LOGINS - {"login"}) or one_login_may_end_another(play):
        return
    data = play.opened(play.cookie).state.data
    if not rotated_late(play):
        assert CART in data
    for key, name in (("a", "save a"), ("b", "save b")):
        kept = [told for told in play.told if told.name == name and not told.was_replaced]
        if "login" not in done and kept:
            assert key in data, f"{name} is lost"


def nobody_gets_what_is_anothers(play: Play) -> None:
    if play.owner is None:
        return
    for cookie in {told.cookie for told in play.told if told.cookie} | {play.cookie}:
        session = play.opened(cookie)
        if session.state.user_id != play.owner and session.state.row is not None:
            assert CART not in session.state.data, "a cart of another user"
        if session.state.user_id == play.users[1] and play.owner == play.users[0]:
            for key, name in (("a", "save a"), ("b", "save b")):
                savers = {told.user_id for told in play.told if told.name == name}
                assert key not in session.state.data or savers != {play.owner}, (
                    "a change of another's"
                )


def rotated_late(play: Play) -> bool:
    """Whether the response of a rotation arrived after that of a login which came after it.

    The browser then has the rotation's cookie, and no server can prevent it.
    """
    last = latest(play)
    return last is not None and last.name == "rotate"


def one_login_may_end_another(play: Play) -> bool:
    """Of two logins at once, each has a session, and may ask to end all others."""
    done = [told.name for told in play.told]
    return "revoke others" in done and done.count("login") > 1


def latest(play: Play) -> Told | None:
    """Whose cookie the browser has."""
    setting = [told for told in play.told if told.cookie is not None]
    return max(setting, key=lambda told: told.arrived_at, default=None)


RULES: tuple[Rule, ...] = (
    only_who_changes_the_id_sets_the_cookie,
    who_logged_in_stays_logged_in,
    one_login_holds_beside_another,
    a_login_by_hand_holds_too,
    what_was_replaced_gives_access_to_nothing,
    what_has_ended_stays_ended,
    who_ends_all_others_stays,
    forms_made_at_once_are_all_valid,
    nothing_is_lost,
    nobody_gets_what_is_anothers,
)


def require_rules(play: Play, names: tuple[str, ...], order: list[int]) -> None:
    """Check all of them; what broke one is told with the story."""
    for rule in RULES:
        try:
            rule(play)
        except AssertionError as broken:
            story = " - ".join(names[index] for index in order)
            raise AssertionError(
                f"{rule.__name__}: {broken}\nowner {play.owner}, {story}\n{play.told}"
            ) from broken
