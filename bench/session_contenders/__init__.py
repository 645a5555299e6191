"""The same small site on each kind of session, a module for each framework.

A module's ``create`` takes a Target, whose style says which sessions: ``bare`` for none, ``ours``,
or the peer's name. It runs in an environment that has what that style needs. The pages are:
``/untouched``, ``/read`` and ``/write`` a value, ``/login`` and ``/logout``.
"""
