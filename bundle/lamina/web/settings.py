"""What a server is started with, and what it takes at most."""

from dataclasses import dataclass, field
from pathlib import Path

from lamina.servers.access import Access
from lamina.servers.request_limits import RequestLimits


@dataclass(frozen=True)
class Limits(RequestLimits):
    """What clients may ask for, so that none of them fills disk or memory.

    Parameters
    ----------
    model
        Bytes of weights, unpacked.
    unpacked_gb
        GB that a zip may unpack to.
    pixels, voxels
        Of a picture, of a volume.
    waiting
        Predictions that wait or run; further ones get 503.
    kept_jobs, kept_seconds
        Results that are kept, and for how long after they were last looked at.
    """

    model: int = 2 * 2**30
    unpacked_gb: float = 4.0
    pixels: int = 40_000_000
    voxels: int = 400_000_000
    waiting: int = 8
    kept_jobs: int = 20
    kept_seconds: float = 3600.0


@dataclass(frozen=True)
class Settings:
    """The options of `lamina serve`.

    Parameters
    ----------
    task
        A name or a task file; None takes the first task that has a model.
    run_dir, weights
        As for `lamina predict`: where the model is looked for.
    host, port
        Where it listens.
    token
        What every request must carry; None on loopback.
    cors
        Origins of other pages that may ask, ``null`` for a page opened from a file.
    dataset_dir
        Images to draw masks for.
    results_dir
        What `lamina predict` or `lamina evaluate` wrote; None takes the run's.
    """

    task: str | None = None
    run_dir: str | None = None
    weights: str | None = None
    host: str = "127.0.0.1"
    port: int = 5000
    token: str | None = None
    cors: tuple[str, ...] = ()
    dataset_dir: Path | None = None
    results_dir: Path | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def access(self) -> Access:
        """Who may ask."""
        return Access(self.host, self.token, self.cors)
