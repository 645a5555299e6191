"""The site's pages, and a websocket of Channels'."""

from __future__ import annotations

from typing import Any

from channels.auth import AuthMiddlewareStack, logout
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib import admin, messages
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path


def who(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"user": request.user.get_username(), "cart": request.session.get("cart")})


def put(request: HttpRequest) -> HttpResponse:
    request.session.setdefault("cart", []).append(17)
    return HttpResponse("put")


def hear(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"messages": [str(one) for one in messages.get_messages(request)]})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("who", who),
    path("put", put),
    path("hear", hear),
]


class Chat(AsyncJsonWebsocketConsumer):
    """Tells who it is, and keeps what it is told in the session."""

    async def receive_json(self, content: Any, **_kwargs: Any) -> None:
        session = self.scope["session"]
        if "set" in content:
            await session.aset("cart", content["set"])
            try:
                await session.asave()
            except UpdateError:
                await self.send_json("ended")
                return
        if "log out" in content:
            await logout(self.scope)
        cart = await session.aget("cart")
        await self.send_json({"user": self.scope["user"].get_username(), "cart": cart})


chat = AuthMiddlewareStack(Chat.as_asgi())
