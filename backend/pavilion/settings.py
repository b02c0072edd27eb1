"""What a house is told at its start: one frozen object, read once by the process and handed down."""

import json
import os
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pavilion.kernel.db import sqlite_url

SECRETS = ("secret_key", "data_key", "sale_key", "passport_key", "log_key", "push_key")


class Environment(StrEnum):
    PRODUCTION = "production"
    DEMO = "demo"
    TEST = "test"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PAVILION_", frozen=True, extra="forbid")

    environment: Environment = Environment.PRODUCTION
    """production, demo or test; demo and test label every page."""
    data_dir: Path = Path(".data/house")
    """Folder of the embedded database, keys and documents."""
    database_url: str = ""
    """PostgreSQL address; empty means SQLite in `data_dir`."""
    redis_url: str = ""
    """Bus between processes; empty means everything runs in one process."""
    public_url: str = "http://127.0.0.1:8080"
    """How browsers reach the house; decides the allowed origin and secure cookies."""
    host_name: str = "pavilion.localhost"
    """First part of the checkpoints' origin line and name of the signing key."""
    listen: str = "127.0.0.1:8080"
    """Address and port of the web process."""
    health_listen: str = ""
    """Address and port of `/healthz` and `/readyz` in worker and engine processes; empty: none."""
    allowed_origins: Annotated[frozenset[str], NoDecode] = frozenset()
    """Further origins that may open the live socket and post forms, separated by commas."""
    secret_key: SecretStr = SecretStr("")
    """Signs cursors and one-time links; empty: kept in `data_dir`."""
    data_key: SecretStr = SecretStr("")
    """Wraps the keys under which maxima are stored, and seals reserves (64 hex digits); empty: kept in `data_dir`."""
    sale_key: SecretStr = SecretStr("")
    """Ed25519 seed that signs the checkpoints of sales (64 hex digits); empty: kept in `data_dir`."""
    passport_key: SecretStr = SecretStr("")
    """Ed25519 seed that signs passports and status lists (64 hex digits); empty: kept in `data_dir`."""
    passport_signer: str = ""
    """A command that holds the passports' key in its stead: `COMMAND public`, `COMMAND sign`; empty: the seed signs."""
    log_key: SecretStr = SecretStr("")
    """Ed25519 seed that signs the checkpoints of the origin log (64 hex digits); empty: kept in `data_dir`."""
    witness_policy: Path | None = None
    """C2SP policy file of the origin log: witnesses, their addresses and the quorum; empty: no witness is asked."""
    registries: Path | None = None
    """Folder with signed event files (simulated registries in this process), or a file naming each one's address."""
    stock_folder: Path | None = None
    """Folder in which companies' stock files are put, `<public id of the company>/in`; empty: none is watched."""
    screening_days: int = 7
    """Who would approve a company is told when it was held against the sanctions list longer ago than this."""
    outbound_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    """Hosts that may be called besides those of the registries and witnesses, separated by commas."""
    smtp_url: SecretStr = SecretStr("")
    """Where mail is handed over: `smtps://name:password@host` or `smtp://host:587`; empty: files in `data_dir`."""
    mail_from: str = "Pavilion <notices@pavilion.localhost>"
    """Sender of all mail."""
    stripe_key: SecretStr = SecretStr("")
    """Secret key of the payment provider, live in production and test elsewhere; empty: payment by wire only."""
    stripe_webhook_secret: SecretStr = SecretStr("")
    """What the provider signs its calls to `/webhooks/stripe` with; empty: none of them is believed."""
    stripe_url: str = ""
    """Where the provider's API answers instead of its own address: the local double of demo and tests."""
    push_key: SecretStr = SecretStr("")
    """P-256 key by which push services know the house (64 hex digits); empty: kept in `data_dir`."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in (*SECRETS, "smtp_url", "stripe_key", "stripe_webhook_secret"):
            path = os.environ.get(f"PAVILION_{name.upper()}_FILE")
            if path and not values.get(name):
                values[name] = Path(path).read_text().strip()
        for name in ("allowed_origins", "outbound_hosts"):
            if isinstance(said := values.get(name), str):
                values[name] = frozenset(filter(None, (part.strip() for part in said.split(","))))
        return values

    @property
    def database(self) -> str:
        return self.database_url or sqlite_url(self.data_dir.absolute() / "pavilion.db")

    @property
    def origins(self) -> frozenset[str]:
        """Every origin that is ours: the public address and those allowed besides."""
        return self.allowed_origins | {self.public_url.rstrip("/")}

    @property
    def house_did(self) -> str:
        """The house's did:web, after its name in the log; a port is escaped as the method says."""
        return f"did:web:{self.host_name.replace(':', '%3A')}"

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https://")


def with_secrets(settings: Settings) -> Settings:
    """Every secret is set: those not given are made once and kept in the data folder, readable by its owner alone."""
    missing = [name for name in SECRETS if not getattr(settings, name).get_secret_value()]
    if not missing:
        return settings
    kept = _kept(settings)
    if not set(missing) <= kept.keys():
        kept |= {name: secrets.token_hex(32) for name in missing if name not in kept}
        _keep(settings, kept)
    return settings.model_copy(update={name: SecretStr(kept[name]) for name in missing})


def given(settings: Settings, name: str) -> bool:
    """Whether this secret was given from outside; otherwise it lies in the data folder."""
    return bool(getattr(settings, name).get_secret_value())


def renewed(settings: Settings, name: str) -> Settings:
    """The secret that lies in the data folder is another one from now on; the file is whole at every moment."""
    kept = _kept(settings) | {name: secrets.token_hex(32)}
    _keep(settings, kept)
    return settings.model_copy(update={name: SecretStr(kept[name])})


def _kept(settings: Settings) -> dict[str, str]:
    path = settings.data_dir / "keys.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return kept


def _keep(settings: Settings, kept: dict[str, str]) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    fresh = settings.data_dir / "keys.json.new"
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(kept, indent=1))
    fresh.replace(settings.data_dir / "keys.json")
