"""The registries of this house, from its settings."""

from pathlib import Path

from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.file import FileRegistry
from pavilion.provenance.registries.none import NoRegistry
from pavilion.settings import Settings


def connect(settings: Settings) -> Registries:
    """A folder of signed event files is answered from in this process; a file names each registry's address; without
    either no registry answers, and nothing is verified."""
    place: Path = settings.registries or settings.data_dir / "registry"
    if settings.registries is not None or (place / "registry.json").exists():
        return Registries.of(FileRegistry(place))
    return Registries.of(NoRegistry())
