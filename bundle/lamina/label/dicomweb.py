"""The series of a DICOMweb archive (DICOM PS3.18), fetched when they are asked for."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
from dicomweb_client.session_utils import create_session_from_user_pass
from pydicom.dataset import Dataset
from requests import RequestException, Session

from lamina.errors import ConfigError, LaminaError
from lamina.label.errors import ArchiveError, UnknownNameError
from lamina.label.monai_label import DICOMwebClientX
from lamina.readers.images import read_grid

NO_IMAGES = {"SEG", "SR", "PR", "KO", "DOC", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "PLAN"}
_FIELDS = ["StudyInstanceUID", "SeriesInstanceUID", "Modality"]


class DicomWebStudies:
    """Series of an archive by their UIDs; each is kept in the server's folder once it was fetched.

    User and password come from ``MONAI_LABEL_DICOMWEB_USERNAME`` and ``…_PASSWORD``.

    Parameters
    ----------
    url
        The archive's DICOMweb address.
    work
        The server's own folder.
    """

    def __init__(self, url: str, work: Path) -> None:
        self.url = url
        self.folder = work / "series"
        self.unusable: list[tuple[str, str]] = []
        self._known: dict[str, str] = {}
        self.client = DICOMwebClientX(url, session=_session())
        # The server answers nobody else while it waits.
        self.client.set_http_retry_params(retry=False)

    def addresses(self) -> dict[str, str]:
        """Return {SeriesInstanceUID: folder} of all image series, whether they are there yet."""
        wrong = {path for path, _ in self.unusable}
        return {uid: str(self.folder / uid) for uid in self._studies() if uid not in wrong}

    def address(self, image_id: str) -> str:
        """Return the folder of a series; fetch it where it is not there yet.

        Raises
        ------
        UnknownNameError
            If the archive has no such series of images.
        ArchiveError
            If the archive does not answer.
        LaminaError
            If the series can't be used.
        """
        folder = self.folder / image_id
        if not re.fullmatch(r"[0-9.]{1,64}", image_id) or not image_id.strip("."):
            raise UnknownNameError(f"{image_id!r} is no UID of a series")
        if not folder.is_dir():
            if not self.has(image_id):
                raise UnknownNameError(f"{self.url} has no series of images {image_id!r}")
            self._fetch(self._known[image_id], image_id, folder)
        return str(folder)

    def has(self, image_id: str) -> bool:
        """Say whether the archive has a series of images; what is known is not asked for again."""
        return image_id in self._known or image_id in self._studies()

    def add(self, image_id: str, file: Path, suffix: str) -> str:
        """Refuse: an archive takes DICOM, not the files of a viewer."""
        raise ConfigError(f"{image_id}: not sent to {self.url}", "send DICOM to the archive itself")

    def store_label(self, file: Path) -> None:
        """Send a DICOM SEG to the archive.

        Raises
        ------
        ArchiveError
            If it does not take it.
        """
        self._ask(lambda: self.client.store_instances([pydicom.dcmread(file)]))

    def _studies(self) -> dict[str, str]:
        """Return {series: study} of all image series."""
        series = self._ask(
            lambda: self.client.search_for_series(fields=_FIELDS, get_remaining=True)
        )
        self._known = {
            str(header.SeriesInstanceUID): str(header.StudyInstanceUID)
            for header in map(Dataset.from_json, series)
            if str(header.get("Modality", "")) not in NO_IMAGES
        }
        return self._known

    def _fetch(self, study: str, series: str, folder: Path) -> None:
        """Keep a series, whole or not at all."""
        instances = self._ask(lambda: self.client.retrieve_series(study, series))
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".") as beside:
            for number, instance in enumerate(instances):
                instance.save_as(Path(beside, f"{number:05}.dcm"), enforce_file_format=True)
            try:
                read_grid(beside)
            except LaminaError as error:
                reason = " ".join(str(error).replace(beside, series).split())
                self.unusable.append((series, reason))
                raise type(error)(reason) from error
            shutil.copytree(beside, f"{beside}-whole")
            os.replace(f"{beside}-whole", folder)

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except RequestException as error:
            raise ArchiveError(f"{self.url}: {error}", "is the archive running there?") from error


def _session() -> Session | None:
    user = os.environ.get("MONAI_LABEL_DICOMWEB_USERNAME")
    password = os.environ.get("MONAI_LABEL_DICOMWEB_PASSWORD")
    return create_session_from_user_pass(user, password) if user and password else None
