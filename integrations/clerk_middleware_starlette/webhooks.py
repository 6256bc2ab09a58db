"""`WebhookReceiver`, as an endpoint."""

# FastAPI reads the annotations of endpoints at run time: they must not be strings.
from contextlib import aclosing

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from clerk_middleware.webhooks.asgi_receiver import ASGIWebhookReceiver


class WebhookReceiver(ASGIWebhookReceiver):
    """Takes Clerk's webhooks in, verifies them, and has each handled once::

        webhooks = WebhookReceiver()

        @webhooks.on("user.created")
        async def welcome(event: UserEvent) -> None: ...

        app = Starlette(routes=[Route("/webhooks/clerk", webhooks.endpoint, methods=["POST"])])

    Below `ClerkMiddleware` its path must be none that needs a session. A `Mount` would redirect to the path
    with a slash at its end, and Clerk does not follow.

    :param signing_secret: ``whsec_…`` of the endpoint; several while it is rotated; or a function that
        returns them. Default: the configuration's ``webhook_signing_secret``, or the environment's
        ``CLERK_WEBHOOK_SIGNING_SECRET`` where it has none.

    The other parameters are those of `clerk_middleware.WebhookReceiver`.
    """

    async def endpoint(self, request: Request) -> Response:
        """Receives one webhook of Clerk's: the function of a `Route`."""
        async with aclosing(request.stream()) as body:
            try:
                answer = await self.answer_to(request.scope, body)
            except ClientDisconnect:
                return Response(status_code=400)  # which nobody sees
        return Response(answer.body or None, answer.status, dict(answer.headers))
