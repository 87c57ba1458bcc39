"""A typed client of the service, for Python programs: `Client` waits for its answers, `AsyncClient` awaits them.

    from foretaste.client import Client

    with Client("http://127.0.0.1:8000", key="ft_…") as shop:
        shop.record([{"user": "ann", "item": "50", "kind": "view"}])
        for item in shop.recommend("ann", n=5).items:
            print(item.id, item.title)

Needs httpx (`pip install 'foretaste[client]'`), and none of what a service needs.
"""

from __future__ import annotations

from foretaste.client.awaiting import AsyncClient
from foretaste.client.errors import ServiceError
from foretaste.client.waiting import Client

__all__ = ["AsyncClient", "Client", "ServiceError"]
