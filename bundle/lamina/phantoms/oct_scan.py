"""How eyes and their scans differ."""

from dataclasses import dataclass, fields

from lamina.errors import ConfigError

_SIGNED = {"curvature", "noise"}


@dataclass(frozen=True)
class OctScan:
    """Distributions that phantoms are drawn from; "SD" is a standard deviation between volumes.

    Attributes
    ----------
    thickness_sd
        SD of each layer's thickness, relative to its mean.
    undulation_sd
        SD of a layer's thickness within an eye, over distances of about 0.4 mm; relative.
    decentration_sd
        SD of the fovea's distance from the centre of the scan in x and in z, in mm.
    tilt_sd
        SD of the retina's slope in x and in z, in µm per mm.
    curvature, curvature_sd
        Mean and SD of how far the retina rises towards the edges, in µm per mm².
    motion_sd
        SD of the vertical jump from one B-scan to the next, in µm.
    signal_sd
        SD of the signal's strength, in dB.
    attenuation
        Loss with depth below the retina's surface, in dB per mm.
    vessels
        Mean number of retinal vessels that cast a shadow.
    shadow
        Loss below the middle of a vessel, in dB.
    speckle_lateral, speckle_axial
        Standard deviation of the point spread in x and y, in µm.
    noise
        Noise floor, in dB; a larger value buries dim layers.
    gain
        Grey levels per e-fold of power in the log-compressed picture.

    Raises
    ------
    ConfigError
        If a number other than the curvature and the noise is negative.

    Examples
    --------
    >>> OctScan(signal_sd=3.0).signal_sd
    3.0
    """

    thickness_sd: float = 0.10
    undulation_sd: float = 0.05
    decentration_sd: float = 0.25
    tilt_sd: float = 40.0
    curvature: float = 12.0
    curvature_sd: float = 8.0
    motion_sd: float = 5.0
    signal_sd: float = 1.0
    attenuation: float = 10.0
    vessels: float = 4.0
    shadow: float = 8.0
    speckle_lateral: float = 9.0
    speckle_axial: float = 2.7
    noise: float = 0.0
    gain: float = 20.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _SIGNED and not value >= 0:
                raise ConfigError(f"scan: {field.name} {value}, expected 0 or more")


CIRRUS = OctScan()
"""Speckle and grey levels like those measured in B-scans of a Zeiss Cirrus."""
