"""What clients of the site see of their sessions."""

from __future__ import annotations

from typing import Any

from django.test import Client

COOKIE = "sessionid"


def seen(client: Client) -> Any:
    """What its session holds."""
    return client.get("/seen").json()


def user_of(client: Client) -> str:
    """Who is logged in, as the site says it."""
    return str(client.get("/who").content, "utf-8")


def key_of(client: Client) -> str:
    """What its cookie holds."""
    return str(client.cookies[COOKIE].value)


def copy_of(client: Client) -> Client:
    """Another client with the same cookie."""
    made = Client()
    made.cookies[COOKIE] = key_of(client)
    return made
