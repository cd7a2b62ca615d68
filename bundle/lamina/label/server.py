"""MONAI Label's own server with Lamina's app, and its answers to mistakes."""

import importlib
import json
import logging
import os
import re
import signal
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from shutil import which
from typing import Any

from lamina.errors import ConfigError, LaminaError, find_cause, printable
from lamina.label.errors import BusyError, UnknownNameError, status_of
from lamina.label.stand_ins import stand_ins
from lamina.servers.access import Access, Guard
from lamina.servers.request_limits import BodyLimit, RequestLimits

logger = logging.getLogger("lamina")

# A study is larger than what the web app takes.
_LIMITS = RequestLimits(body=4 * 2**30)
_LOGIN = ("/auth/", "/auth/token")
_WRONG_TYPES = (TypeError, ValueError, AttributeError, LookupError)


def serve(work: Path, studies: str, access: Access, port: int) -> None:
    """Run the server until it is stopped.

    Parameters
    ----------
    work
        The server's folder, made ready.
    studies
        A folder, or the address of a DICOMweb archive.
    access, port
        Where it listens, and who may ask.
    """
    _settings(work, studies, port)
    # Uploads lie where nothing else does, so that a path from outside is never taken for one.
    tempfile.tempdir = str(work / "uploads")
    import uvicorn

    app = server_app(access, work)
    # MONAI Label's other processes print all settings as JSON, which an address is not.
    os.environ.pop("MONAI_LABEL_CORS_ORIGINS", None)
    # uvicorn raises the signal that ended it again, which would end Python at once.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        uvicorn.run(
            app, host=access.host, port=port, log_config=_logging(work / "logs" / "app.log")
        )
    finally:
        _stop_processes()


def _stop_processes() -> None:
    """End what the server started; a training goes on when it is asked for again."""
    from monailabel.utils.async_tasks.utils import processes, stop_background_task

    for method in ("train", "scoring", "batch_infer"):
        if processes(method):
            stop_background_task(method)


def _settings(work: Path, studies: str, port: int) -> None:
    """Tell MONAI Label what it serves; the processes that it starts read the same."""
    os.environ |= {
        "MONAI_LABEL_APP_DIR": str(work),
        "MONAI_LABEL_STUDIES": studies,
        "MONAI_LABEL_APP_CONF": json.dumps({}),
        "MONAI_LABEL_SERVER_PORT": str(port),
        # By default any page in the annotator's browser may read the studies.
        "MONAI_LABEL_CORS_ORIGINS": json.dumps([f"http://127.0.0.1:{port}"]),
        "MONAI_LABEL_SESSION_PATH": str(work / "sessions"),
        # Scores are computed when they are asked for, not after each step.
        "MONAI_LABEL_AUTO_UPDATE_SCORING": "false",
        "MONAI_LABEL_TRACKING_ENABLED": "false",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def server_app(access: Access, work: Path) -> Any:
    """Return MONAI Label's FastAPI application, guarded, whose mistakes are answered plainly."""
    from fastapi.responses import JSONResponse, PlainTextResponse

    with stand_ins():
        app = importlib.import_module("monailabel.app").app
    from monailabel.interfaces.exception import MONAILabelException

    async def plainly(_: Any, error: Exception) -> Any:
        cause = find_cause(error) or _mistake_of_client(error)
        if cause is None:
            return JSONResponse({"detail": printable(f"a bug of Lamina: {error!r}")}, 500)
        logger.error("%s", " ".join(str(cause).split()))
        return JSONResponse({"detail": printable(str(cause))}, status_of(cause))

    async def check(request: Any, go_on: Callable[[Any], Awaitable[Any]]) -> Any:
        if request.url.path == "/logs/" and request.query_params.get("lines", "1") == "0":
            # Sent as a file, it would grow while it is sent.
            return PlainTextResponse((work / "logs" / "app.log").read_text(encoding="utf-8"))
        if access.token is not None and request.url.path in _LOGIN:
            return await _login(request, access)
        try:
            enqueue = request.query_params.get("enqueue") == "true"
            check_request(request.method, request.url.path, enqueue)
        except LaminaError as error:
            return await plainly(request, error)
        return await go_on(request)

    for kind in (LaminaError, OSError, RuntimeError, *_WRONG_TYPES, MONAILabelException):
        app.add_exception_handler(kind, plainly)
    app.middleware("http")(check)
    # The last middleware is the outermost.
    app.add_middleware(BodyLimit, limits=_LIMITS)
    app.add_middleware(Guard, access=access, without_token=_LOGIN)
    return app


def _mistake_of_client(error: Exception) -> LaminaError | None:
    """Return what MONAI Label's own code tripped over in what a client sent, None for a bug."""
    from monailabel.interfaces.exception import MONAILabelException

    if isinstance(error, MONAILabelException):
        return ConfigError(str(error.msg))
    too_deep = isinstance(error, RecursionError) and "JSON" in str(error)
    if too_deep or isinstance(error, json.JSONDecodeError):
        return ConfigError(f"the parameters are no JSON: {error}", "send a JSON object")
    *_, frame = traceback.walk_tb(error.__traceback__)
    if isinstance(error, _WRONG_TYPES) and "/monailabel/endpoints/" in frame[0].f_code.co_filename:
        return ConfigError(f"the parameters are no JSON object: {error}", "send a JSON object")
    return None


async def _login(request: Any, access: Access) -> Any:
    """Answer the login of MONAI Label's clients: any name, and the token as the password."""
    from fastapi.responses import JSONResponse

    if request.url.path == "/auth/":
        return JSONResponse({"enabled": True})
    given = (await request.form()).get("password", "")
    if not (isinstance(given, str) and access.fits(given)):
        return JSONResponse(
            {"detail": "the password is the token that `lamina label` printed"}, 401
        )
    return JSONResponse({"access_token": given, "token_type": "Bearer"})


def check_request(method: str, path: str, enqueue: bool) -> None:
    """Refuse what MONAI Label would start as a process of its own that fails later.

    Raises
    ------
    ConfigError
        If weights are to be written over or removed.
    UnknownNameError
        If a path names a model, strategy or score that is not there.
    BusyError
        If a training is asked for while one runs or waits.
    """
    if path.startswith("/model/") and method in ("PUT", "DELETE"):
        raise ConfigError(
            f"{method} {path}: weights come from trainings of this server alone",
            "the versions lie in models/TASK of the server's folder",
        )
    if path.startswith("/infer/wsi"):
        raise UnknownNameError(f"{path}: whole slides are not served")
    if path == "/logs/gpu" and which("nvidia-smi") is None:
        raise UnknownNameError(f"{path}: there is no nvidia-smi on the server")
    match = re.fullmatch(r"/(train|infer|batch/infer|scoring|activelearning)/([^/]+)", path)
    if match is None or method != "POST":
        return
    kind, name = match[1], match[2]
    known = _known(kind)
    if name not in known:
        raise UnknownNameError(f"{path}: there is no {name!r}", f"known are {', '.join(known)}")
    if kind == "train" and not enqueue:
        _require_idle()


def _known(kind: str) -> list[str]:
    from monailabel.interfaces.utils.app import app_instance

    info = app_instance().info()
    tables = {
        "train": "trainers",
        "infer": "trainers",
        "batch/infer": "trainers",
        "scoring": "scoring",
        "activelearning": "strategies",
    }
    return list(info[tables[kind]])


def _require_idle() -> None:
    from monailabel.utils.async_tasks.utils import tasks

    if any(task["status"] in ("SUBMITTED", "RUNNING") for task in tasks("train")):
        raise BusyError("a training is running already", "wait for its end, or stop it")


def _logging(file: Path) -> dict[str, Any]:
    """Return where the server logs to: the terminal, and a file that clients may read."""
    line = "%(asctime)s %(levelname)s %(message)s"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": line}},
        "handlers": {
            "terminal": {"class": "logging.StreamHandler", "formatter": "line"},
            "file": {
                "class": "logging.handlers.RotatingFileHandler",
                "formatter": "line",
                "filename": str(file),
                "maxBytes": 10_000_000,
                "backupCount": 5,
                "encoding": "utf-8",
            },
        },
        "root": {"level": "INFO", "handlers": ["terminal", "file"]},
    }


def work_folder(studies: str, given: str | None) -> Path:
    """Return the server's folder: the one that is given, else one inside the studies' folder.

    Raises
    ------
    ConfigError
        If the studies are an archive and none is given, or there is no such folder.

    Examples
    --------
    >>> work_folder("http://127.0.0.1:8042/dicom-web", "/tmp/server").name
    'server'
    """
    if given is not None:
        return Path(given).expanduser().absolute()
    if is_archive(studies):
        raise ConfigError(
            f"{studies} is no folder", "name the folder of the labels with --work-dir"
        )
    return Path(studies) / "lamina_label"


def is_archive(studies: str) -> bool:
    """Say whether studies are the address of a DICOMweb archive."""
    return studies.startswith(("http://", "https://"))
