"""What is no HTTP is refused before any application sees it: in few words, with one quiet line in the log.

aiohttp answers it itself, with its name and version, repeats what was sent and logs an error with its traceback:
anybody could fill the log, with query strings in it.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from libs.shared.errors import Malformed
from libs.shared.http.faults import json_response, kubernetes_status, status_of

NO_HTTP = Malformed("http", "the request can't be read: it is no HTTP/1.1, or its head is too large")


class Unnamed(web.Response):
    """Without the software's name, which `on_response_prepare` can't take away: no route was reached."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.pop("Server", None)


class Refusing(RequestHandler):
    """One client's connection. `handle_error` is called for what the parser refuses (400), and for what no handler has
    caught (500, 504), which is our own mistake and stays in the log.
    """

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer, after which the connection is closed."""
        if status != HTTPStatus.BAD_REQUEST:
            return super().handle_error(request, status, exc, message)
        self.logger.debug("refused what is no HTTP from %s: %s", request.remote, type(exc).__name__)
        told = json_response(kubernetes_status(NO_HTTP, {}, *status_of(NO_HTTP)), status)
        response = Unnamed(body=told.body, status=status, headers=told.headers)
        response.force_close()
        return response


class Server(web.Server):
    """Makes the connections."""

    def __call__(self) -> RequestHandler:
        """One more."""
        return Refusing(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Serves an application by such a server: aiohttp lets nobody give it one, so what it made is made again."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Server(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,  # noqa: SLF001  # what the application and the runner have set
        )
