"""Whether this process lives, and whether it may be sent work."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import text

from pavilion.kernel import migrating
from pavilion.provenance import log_queries
from pavilion.webkit.deps import Reading

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> Response:
    return JSONResponse({"alive": True})


@router.get("/readyz")
async def ready(request: Request, session: Reading) -> Response:
    """200 when the database answers with this version's schema; 503 says which of the two is missing. A public log that
    stopped itself is told beside: the saleroom goes on, but no new stone is verified until someone has looked."""
    try:
        stands = await session.scalar(text("select version_num from alembic_version"))
    except Exception:  # noqa: BLE001 - whatever the reason, this process is not ready
        return JSONResponse({"ready": False, "lacks": "database"}, 503)
    if stands != migrating.head():
        return JSONResponse({"ready": False, "lacks": "schema"}, 503)
    head = await log_queries.head(session)
    stopped = {} if head is None or head.halted is None else {"log": head.halted}
    return JSONResponse({"ready": True, "schema": stands, **stopped})
