"""What a command needs before it can work: settings, a database that answers, the keys that sign."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from greenroom.commands.errors import CommandError
from greenroom.kit.embedded import EmbeddedError, Lease
from greenroom.kit.migrate import MigrationError, could_change_tables, migrate, pending, role_of
from greenroom.setting_rules import load_settings
from greenroom.settings import Settings, SettingsError, variable

KEY_FILE = "secret_keys"
KEY_OCTETS = 32


class Ready(Struct, frozen=True):
    """Settings that name a database and keys, whichever kind they are of."""

    settings: Settings
    database_url: str
    embedded: bool

    def export(self) -> None:
        """Hand the settings to worker processes, which read them from the environment."""
        os.environ[variable("database_url")] = self.database_url
        os.environ[variable("secret_keys")] = ",".join(self.settings.secret_keys)


def settings_or_exit() -> Settings:
    """The settings. Raises CommandError."""
    try:
        return load_settings()
    except SettingsError as error:
        raise CommandError(str(error)) from error


def require_local_tokens(settings: Settings) -> None:
    """Raises CommandError where no server would take a token that is minted here."""
    if "local" not in settings.identity:
        raise CommandError(f"{variable('identity')} does not name local: no server would take a token that is minted here.")


@contextmanager
def ready(settings: Settings, *, migrates: bool) -> Iterator[Ready]:
    """A database that is up, migrated, and reached by a role that owns no table. Raises CommandError.

    The embedded one is started when nobody has, kept up while this lasts, and migrated by itself; an external one is
    migrated only when asked.
    """
    if settings.database_url is None:
        with _embedded(settings) as held:
            _bring_up_to_date(held.owner_url, held.service_url)
            keyed = replace(settings, secret_keys=settings.secret_keys or _kept_keys(settings.data_dir))
            yield Ready(settings=keyed, database_url=held.service_url, embedded=True)
        return
    if migrates:
        _bring_up_to_date(settings.database_owner_url or settings.database_url, settings.database_url)
    _refuse_unready(settings.database_url)
    yield Ready(settings=settings, database_url=settings.database_url, embedded=False)


def bring_up_to_date(settings: Settings) -> list[str]:
    """Apply pending migrations, embedded or external; answers their names. Raises CommandError."""
    if settings.database_url is not None:
        return _bring_up_to_date(settings.database_owner_url or settings.database_url, settings.database_url)
    with _embedded(settings) as held:
        return _bring_up_to_date(held.owner_url, held.service_url)


@contextmanager
def _embedded(settings: Settings) -> Iterator[Lease]:
    try:
        held = asyncio.run(Lease.take(settings.data_dir))
    except EmbeddedError as error:
        raise CommandError(str(error)) from error
    try:
        yield held
    finally:
        asyncio.run(held.close())


def _bring_up_to_date(owner_url: str, service_url: str) -> list[str]:
    try:
        if not asyncio.run(pending(owner_url)) and not asyncio.run(pending(service_url)):
            return []
        return list(asyncio.run(migrate(owner_url, service_role=role_of(service_url))))
    except MigrationError as error:
        raise CommandError(str(error)) from error


def _refuse_unready(url: str) -> None:
    try:
        missing = asyncio.run(pending(url))
        too_strong = not missing and asyncio.run(could_change_tables(url))
    except MigrationError as error:
        raise CommandError(str(error)) from error
    if missing:
        raise CommandError(
            f"The database lacks {len(missing)} migration(s) ({', '.join(missing)}); "
            "apply them with: greenroom migrate (or start with: greenroom serve --migrate)"
        )
    if too_strong:
        raise CommandError(
            f'The role "{role_of(url)}" of {variable("database_url")} could change the tables themselves; let it be '
            f"one that owns none, and name the owner in {variable('database_owner_url')} "
            "(docs/how-to/external-postgresql.md)."
        )


def _kept_keys(data_dir: Path) -> tuple[str, ...]:
    """The keys of this data directory, made on first use; the file is for its owner alone."""
    file = data_dir / KEY_FILE
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return tuple(file.read_text().split())
    except OSError as error:
        raise CommandError(f"Cannot write {file}: {error.strerror}. Choose another {variable('data_dir')}.") from error
    key = secrets.token_urlsafe(KEY_OCTETS)
    with os.fdopen(handle, "w") as opened:
        opened.write(f"{key}\n")
        opened.flush()
        os.fsync(opened.fileno())
    return (key,)
