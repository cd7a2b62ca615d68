"""Synthetic images with an exact reference: the data that Lamina runs on out of the box.

``oct``, ``cbct`` and ``chest`` make one image, from anatomy to noise; the ``write_…`` functions
make data sets of them, whose folders are complete or absent (``folder``).
"""

from lamina.phantoms.chest import ChestVariety
from lamina.phantoms.chest_pictures import write_chest_pictures
from lamina.phantoms.cochlea import write_cochlea_patients
from lamina.phantoms.nodule_pictures import write_nodule_pictures
from lamina.phantoms.oct import make_oct_volume, write_oct_dataset
from lamina.phantoms.oct_annotations import write_oct_annotations
from lamina.phantoms.oct_pictures import write_oct_pictures
from lamina.phantoms.retouch import write_retouch_volumes

__all__ = [
    "ChestVariety",
    "make_oct_volume",
    "write_chest_pictures",
    "write_cochlea_patients",
    "write_nodule_pictures",
    "write_oct_annotations",
    "write_oct_dataset",
    "write_oct_pictures",
    "write_retouch_volumes",
]
