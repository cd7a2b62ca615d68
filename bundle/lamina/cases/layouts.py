"""What the folders and the name of a file say: image or label, which split, which case.

Understood are, in any mixture and without regard to case:

- ``imagesTr``/``labelsTr``, ``imagesTs``/``labelsTs`` (Medical Segmentation Decathlon, nnU-Net);
- ``images/`` beside ``masks/``, ``labels/``, ``annotations/`` or any folder with such a word in
  its name;
- ``train/``, ``val/``, ``validation/``, ``test/`` above or below these;
- without such folders, files whose name ends in ``_mask``, ``_seg`` or ``_label``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lamina.cases.case import Split
from lamina.readers.formats import stem_of, suffix_of

Role = Literal["image", "label"]

UNDERSTOOD = (
    "understood are imagesTr/ with labelsTr/, images/ with masks/ or labels/, files with _mask, "
    "_seg or _label, and a CSV or JSON list with image and label"
)
SPLIT_FOLDERS: dict[str, Split] = {
    "train": "training",
    "training": "training",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_SPLIT_ENDINGS: dict[str, Split] = {"tr": "training", "va": "validation", "ts": "test"}
_NNUNET_FOLDER = re.compile(r"(images|labels)(tr|va|ts)", re.IGNORECASE)
_IMAGE_WORDS = {"image", "images", "img", "imgs"}
_LABEL_WORDS = {
    "mask",
    "masks",
    "label",
    "labels",
    "annotation",
    "annotations",
    "seg",
    "segmentation",
    "segmentations",
}
_LABEL_ENDING = re.compile(r"[_-](mask|masks|seg|segmentation|label|labels)$", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """What the path of an image or label says.

    ``key`` is the path without the folders that say role or split and without suffix: images and
    labels with the same key belong together. ``folder`` is the folder that gave the role.
    """

    address: str
    key: str
    role: Role | None = None
    split: Split | None = None
    folder: str = ""


def read_place(address: str, root: Path) -> Place:
    """Read the folders between a data set's root and one file.

    >>> place = read_place("/data/train/Masks/eye 1/a.png", Path("/data"))
    >>> place.role, place.split, place.key, place.folder
    ('label', 'training', 'eye 1/a', 'Masks')
    >>> read_place("/data/imagesTs/a_0000.nii.gz", Path("/data")).split
    'test'
    """
    # Of several series in the root itself, the address is root#UID.
    at_root = address.startswith(f"{root}#")
    path = Path(address.removeprefix(str(root))) if at_root else Path(address).relative_to(root)
    folders = path.parts[:-1]
    # The folder nearest to the file decides: heart_segmentation/images/a.png is an image.
    role_at = max((at for at, name in enumerate(folders) if _folder_role(name)), default=-1)
    split_at = max((at for at, name in enumerate(folders) if _folder_split(name)), default=-1)
    kept = [name for at, name in enumerate(folders) if at not in (role_at, split_at)]
    return Place(
        address=address,
        key="/".join([*kept, stem_of(path).removesuffix(".dcm")]),
        role=_folder_role(folders[role_at]) if role_at >= 0 else None,
        split=_folder_split(folders[split_at]) if split_at >= 0 else None,
        folder=folders[role_at] if role_at >= 0 else "",
    )


def give_roles(places: Sequence[Place]) -> list[Place]:
    """Give a role to files that lie in no folder of images or labels.

    Where some folder says that it holds labels, all else is images. Where none does, the ending
    of each name decides, and is cut off the key.

    >>> flat = [Place("a.png", "a"), Place("a_mask.png", "a_mask")]
    >>> [(place.role, place.key) for place in give_roles(flat)]
    [('image', 'a'), ('label', 'a')]
    """
    if any(place.role == "label" for place in places):
        return [place if place.role else replace(place, role="image") for place in places]
    return [_role_by_ending(place) for place in places]


def without_label_ending(key: str) -> str:
    """Return a key without _mask, _seg or _label at its end.

    >>> without_label_ending("eye 1/a_Mask")
    'eye 1/a'
    """
    return _LABEL_ENDING.sub("", key)


def describe_layout(places: Sequence[Place]) -> str:
    """Say in a few words by which rule images and labels were told apart.

    >>> describe_layout([Place("", "a", "image", None, "images"), Place("", "a", "label")])
    'images in images/, labels by the ending of their names'
    """
    parts = []
    for role, otherwise in (("image", "beside them"), ("label", "by the ending of their names")):
        members = [place for place in places if place.role == role]
        folders = sorted({place.folder for place in members if place.folder})
        where = f"in {', '.join(f'{folder}/' for folder in folders)}" if folders else otherwise
        parts.append(f"{role}s {where}" if members else f"no {role}s")
    return ", ".join(parts)


def _role_by_ending(place: Place) -> Place:
    if suffix_of(place.address) == ".seg.nrrd" or _LABEL_ENDING.search(place.key):
        return replace(place, role="label", key=without_label_ending(place.key))
    return replace(place, role="image")


def _folder_role(folder: str) -> Role | None:
    nnunet = _NNUNET_FOLDER.fullmatch(folder)
    words = set(re.split(r"[\W_]+", nnunet.group(1) if nnunet else folder.lower()))
    words = {word.lower() for word in words}
    if words & _LABEL_WORDS:
        return "label"
    return "image" if words & _IMAGE_WORDS else None


def _folder_split(folder: str) -> Split | None:
    nnunet = _NNUNET_FOLDER.fullmatch(folder)
    if nnunet:
        return _SPLIT_ENDINGS[nnunet.group(2).lower()]
    return SPLIT_FOLDERS.get(folder.lower())
