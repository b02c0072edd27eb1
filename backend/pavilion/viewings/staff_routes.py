"""The pages of an office's staff under one roof: the day, the door and the desk."""

from fastapi import APIRouter

from pavilion.viewings import capacity_routes, day_routes, desk_routes, door_routes

router = APIRouter()
for part in (day_routes, door_routes, desk_routes, capacity_routes):
    router.include_router(part.router)
