"""Starting the app with uvicorn."""

import contextlib
import logging
import socket
from dataclasses import replace

import uvicorn

from lamina.errors import ConfigError, LaminaError
from lamina.web.app import create_app
from lamina.web.settings import Settings

logger = logging.getLogger("lamina")


def serve(settings: Settings) -> None:
    """Serve until interrupted.

    Raises
    ------
    ConfigError
        If nothing can listen at that host and port.
    LaminaError
        If the model can't be loaded.
    """
    listening = _listen(settings.host, settings.port)
    port = listening.getsockname()[1]
    settings = replace(settings, port=port, token=settings.access.with_token().token)
    failures: list[LaminaError] = []

    def fail(reason: LaminaError) -> None:
        failures.append(reason)
        server.should_exit = True

    app = create_app(settings, fail)
    config = uvicorn.Config(app, log_level="warning", server_header=False, ws="none")
    server = uvicorn.Server(config)
    _quieten()
    _greet(settings)
    with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
        server.run(sockets=[listening])
    if failures:
        raise failures[0]


def _quieten() -> None:
    """Leave out what a client is told anyway, and what MONAI says of each image."""
    logging.getLogger("ignite").setLevel(logging.CRITICAL)
    for name in ("monai.data.nvimgcodec_pydicom_plugin", "monai.transforms.spatial.array"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"nothing can listen at {host}:{port} ({error})",
            "choose another --port (0 takes a free one) or --host",
        ) from error


def _greet(settings: Settings) -> None:
    shown = socket.gethostname() if settings.host in ("0.0.0.0", "::") else settings.host
    shown = f"[{shown}]" if ":" in shown else shown
    address = f"http://{shown}:{settings.port}/"
    if settings.access.is_wide:
        print(
            f"warning: {settings.host} can be reached from other machines, and what they send is "
            "not encrypted.\n  → let a proxy with TLS stand before it; whoever has this address "
            "may use it:",
            flush=True,
        )
    if settings.token:
        address += f"?token={settings.token}"
    print(f"Lamina is at {address} (Ctrl+C ends it)", flush=True)
