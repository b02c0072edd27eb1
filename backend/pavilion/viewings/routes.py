"""Pages and acts of who comes to see stones."""

from fastapi import APIRouter

from pavilion.provenance import custody_models as _custody_models  # noqa: F401 - the tables of the day at the desk
from pavilion.viewings import desk_models as _desk_models  # noqa: F401
from pavilion.viewings import models as _models  # noqa: F401
from pavilion.viewings import place_models as _place_models  # noqa: F401
from pavilion.viewings import private_models as _private_models  # noqa: F401
from pavilion.viewings import stone_models as _stone_models  # noqa: F401

router = APIRouter(tags=["viewings"])
