"""A typed Python client of the service: `Client` is synchronous, `AsyncClient` is for asyncio.

    from foretaste.client import Client

    with Client("http://127.0.0.1:8000", key="ft_…") as shop:
        shop.record([{"user": "ann", "item": "50", "kind": "view"}])
        for item in shop.recommend("ann", n=5).items:
            print(item.id, item.title)

Needs httpx (`pip install 'foretaste[client]'`), but no package that only the service needs.
"""

from __future__ import annotations

from foretaste.client.async_client import AsyncClient
from foretaste.client.errors import ServiceError
from foretaste.client.sync_client import Client

__all__ = ["AsyncClient", "Client", "ServiceError"]
