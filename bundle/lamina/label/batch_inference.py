"""Many images segmented one after the other."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lamina.errors import DataError, reason_of
from lamina.label.monai_label import Datastore

logger = logging.getLogger("lamina")

_CHOICES = {
    "all": Datastore.list_images,
    "labeled": Datastore.get_labeled_images,
    "unlabeled": Datastore.get_unlabeled_images,
}


def batch_infer(
    request: Mapping[str, Any],
    datastore: Datastore,
    infer: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    """Segment images and keep the labels; return {image: what is in its label}.

    Parameters
    ----------
    request
        "model"; "images": all, labeled, unlabeled or a list; "max_batch_size": at most so many.
    datastore
        The studies.
    infer
        Segments one image.

    Raises
    ------
    DataError
        At the end, if an image failed; all others are done by then.
    """
    results, failed = {}, []
    for image in _images(request, datastore):
        single = {**request, "image": image, "save_label": True}
        try:
            result = infer(single)
        except Exception as error:  # noqa: BLE001 - one image must not end the others
            failed.append(f"{image}: {reason_of(error)}")
            logger.error("%s", failed[-1])
            continue
        Path(result["file"]).unlink(missing_ok=True)
        results[image] = result["params"]
    logger.info("%d of %d images segmented", len(results), len(results) + len(failed))
    if failed:
        raise DataError("\n".join([f"{len(failed)} image(s) could not be segmented", *failed]))
    return results


def _images(request: Mapping[str, Any], datastore: Datastore) -> list[str]:
    chosen = request.get("images") or "all"
    if isinstance(chosen, list):
        return chosen
    names = getattr(datastore, _CHOICES[str(getattr(chosen, "value", chosen))].__name__)()
    most = int(request.get("max_batch_size") or 0)
    return names[:most] if most > 0 else names
