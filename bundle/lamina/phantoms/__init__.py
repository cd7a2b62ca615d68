"""Made-up images whose truth is known exactly: the data that Lamina runs on out of the box.

``anatomy``   the layers of the retina: thickness and reflectivity
``scan``      how eyes differ, and what a scan makes of them
``fields``    smooth random fields
``fluid``     pockets of fluid
``surfaces``  where the boundaries between layers run
``optics``    from the layers to the picture
``oct``       one volume with its truth
``dataset``   a folder of them
``cbct``      a head with a cochlear implant; ``electrodes`` and ``streaks`` are parts of it
``cochlea``   patients with such a head, as DICOM files of three planes; ``dicom_series`` writes them
``retouch``   OCT volumes of three vendors with three kinds of fluid
``oct_pictures``  a folder of B-scans as PNG with coded masks
``chest``     one chest X-ray with its truth
``chest_pictures``  a folder of them, with masks of left and right lung
``nodule_pictures``  a folder of X-rays cut to their lungs, with nodules
``rough``     regions as a network finds them
``oct_annotations``  a folder of B-scans whose layers are drawn as polygons
``folder``    how such a folder is made, once
"""

from lamina.phantoms.anatomy import EIGHT_LAYERS
from lamina.phantoms.cbct import HeadVolume, make_head_volume
from lamina.phantoms.chest import ChestVariety, make_chest_xray
from lamina.phantoms.chest_pictures import write_chest_pictures
from lamina.phantoms.cochlea import write_cochlea_patients
from lamina.phantoms.nodule_pictures import write_nodule_pictures
from lamina.phantoms.oct import OctVolume, make_oct_volume, write_oct_dataset
from lamina.phantoms.oct_annotations import write_oct_annotations
from lamina.phantoms.oct_pictures import write_oct_pictures
from lamina.phantoms.oct_scan import CIRRUS, OctScan
from lamina.phantoms.retouch import write_retouch_volumes

__all__ = [
    "CIRRUS",
    "EIGHT_LAYERS",
    "ChestVariety",
    "HeadVolume",
    "OctScan",
    "OctVolume",
    "make_chest_xray",
    "make_head_volume",
    "make_oct_volume",
    "write_chest_pictures",
    "write_cochlea_patients",
    "write_nodule_pictures",
    "write_oct_annotations",
    "write_oct_dataset",
    "write_oct_pictures",
    "write_retouch_volumes",
]
