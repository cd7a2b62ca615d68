"""The layers of the retina and what lies beneath it: how thick, and how bright in an OCT.

Thicknesses of the retinal layers follow Xu et al. (2018), who give means of healthy eyes over the
sectors of the ETDRS grid (disc of 1 mm; rings of 1 to 3 mm and 3 to 6 mm): the values here are
such that the means over these sectors are theirs. How the photoreceptors
divide into bands follows the model of Spaide and Curcio (2011), Bruch's membrane the histology of
Curcio et al. (2011). The choroid is within one standard deviation of 293 ± 94 µm, which healthy
eyes have under the fovea, but on the thin side, so that its outer boundary can still be seen.

Reflectivities are this project's own: they give, after attenuation and with speckle, differences
between layers like those measured in Cirrus B-scans.

References
----------
Xu, Li, Cheng, Qu, "Assessment of the effect of age on macular layer thickness in a healthy Chinese
cohort using spectral-domain optical coherence tomography", BMC Ophthalmology 18:169 (2018).
Spaide, Curcio, "Anatomical correlates to the bands seen in the outer retina by optical coherence
tomography", Retina 31:1609 (2011).
Curcio et al., "Human chorioretinal layer thicknesses measured in macula-wide, high-resolution
histologic sections", Investigative Ophthalmology & Visual Science 52:3943 (2011).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lamina.errors import ConfigError

LayerGroups = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Layer:
    """One anatomical layer.

    ``fovea`` (at its centre), ``parafovea`` (on the rim of the pit, at about 0.9 mm) and
    ``periphery`` (from 2.3 mm) are thicknesses in µm; ``reflectivity`` is in dB above the noise
    floor before attenuation; ``texture`` is the standard deviation of its slow brightness
    variations in dB; ``nasal`` is the fraction by which it thickens per mm towards the nose.
    """

    name: str
    fovea: float
    parafovea: float
    periphery: float
    reflectivity: float
    texture: float = 0.7
    nasal: float = 0.0


LAYERS = (
    Layer("RNFL", 7.5, 21.0, 37.0, 19.5, nasal=0.17),
    Layer("GCL", 0.2, 58.0, 35.0, 15.5),
    Layer("IPL", 8.5, 48.5, 28.5, 16.5),
    Layer("INL", 6.0, 45.0, 32.0, 11.0),
    Layer("OPL", 19.5, 36.0, 26.0, 14.0),
    Layer("ONL", 96.0, 65.5, 54.0, 7.5),
    Layer("ELM", 6.0, 6.0, 6.0, 12.0),
    Layer("myoid", 23.0, 15.0, 14.0, 8.5),
    Layer("EZ", 16.0, 16.0, 16.0, 18.5),
    Layer("OS", 20.0, 17.5, 17.5, 14.0),
    Layer("IZ", 10.0, 12.0, 12.0, 18.5),
    Layer("RPE", 18.0, 16.0, 14.5, 25.5),
    Layer("BM", 4.0, 4.0, 4.0, 22.0),
    Layer("choriocapillaris", 10.0, 10.0, 10.0, 16.0, texture=1.5),
    Layer("choroid", 220.0, 210.0, 195.0, 13.0, texture=2.5),
)
"""From the vitreous downwards; the sclera follows."""

SCLERA = Layer("sclera", 0.0, 0.0, 0.0, 8.5, texture=1.0)
"""It fills the volume below the last layer, so its thickness is not used."""

EIGHT_LAYERS: LayerGroups = {
    "NFL": ("RNFL",),
    "GCL+IPL": ("GCL", "IPL"),
    "INL": ("INL",),
    "OPL": ("OPL",),
    "ONL": ("ONL",),
    "EZ": ("ELM", "myoid", "EZ", "OS", "IZ"),
    "RPE": ("RPE", "BM"),
    "choroid": ("choriocapillaris", "choroid"),
}
"""The eight layers that are usually told apart; ``EZ`` is all of the photoreceptors' bands."""


def group_edges(layers: LayerGroups) -> list[int]:
    """Return which anatomical boundaries bound the given groups, one more than there are groups.

    Boundary i is the top of ``LAYERS[i]``, boundary ``len(LAYERS)`` the top of the sclera.

    Raises
    ------
    ConfigError
        If a name is unknown, or the groups are not one unbroken run from top to bottom.

    Examples
    --------
    >>> group_edges({"inner": ["RNFL", "GCL"], "IPL": ["IPL"]})
    [0, 2, 3]
    """
    names = [layer.name for layer in LAYERS]
    members = [member for group in layers.values() for member in group]
    unknown = sorted(set(members) - set(names), key=members.index)
    if unknown:
        raise ConfigError(f"layers: unknown {', '.join(unknown)}", f"use {', '.join(names)}")
    first = names.index(members[0]) if members else 0
    if not members or members != names[first : first + len(members)] or not all(layers.values()):
        raise ConfigError(
            f"layers: {', '.join(members) or 'nothing'} is not an unbroken run of layers",
            f"name layers from top to bottom, none left out between: {', '.join(names)}",
        )
    return list(itertools.accumulate(map(len, layers.values()), initial=first))
