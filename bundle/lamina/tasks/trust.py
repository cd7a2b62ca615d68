"""Whether a config file may run: strangers' programs are named, and run once they are trusted."""

import hashlib
import logging
import os
from pathlib import Path

from lamina.errors import ConfigError
from lamina.files import read_json, write_json
from lamina.tasks.catalogue import CHECKOUT
from lamina.tasks.components import program_parts

logger = logging.getLogger("lamina")

_SHOWN = 5


def require_trust(path: Path, trust: bool = False) -> None:
    """Refuse a task or config file that is a program, unless it is the user's own or trusted.

    What stands in the checkout's ``configs`` is the user's own. Any other file is remembered by
    its contents, so that a changed one is a new one.

    Parameters
    ----------
    path
        The file, as JSON.
    trust
        Whether the user says that it may run.

    Raises
    ------
    ConfigError
        If it can do more than calculate and was never trusted; nothing of it has run.
    """
    if path.resolve().is_relative_to(CHECKOUT / "configs"):
        return
    parts = list(program_parts(read_json(path)))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    trusted = read_json(trusted_file()) if trusted_file().is_file() else {}
    if not parts or digest in trusted:
        return
    more = [f"… and {len(parts) - _SHOWN} more"] if len(parts) > _SHOWN else []
    shown = "\n".join(f"- {text[:200]}" for text in [*parts[:_SHOWN], *more])
    if not trust:
        raise ConfigError(
            f"{path} is a program that can do whatever you can do:\n{shown}",
            "read it; if you know where it comes from, give --trust once (docs/security.md)",
        )
    logger.warning("%s is trusted from now on, as it is; it runs:\n%s", path, shown)
    write_json(trusted_file(), trusted | {digest: str(path.resolve())})


def trusted_file() -> Path:
    """Return where the hashes of trusted files are remembered.

    >>> trusted_file().parts[-2:]
    ('lamina', 'trusted.json')
    """
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder, "lamina", "trusted.json")
