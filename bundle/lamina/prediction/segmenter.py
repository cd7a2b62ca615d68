"""A task's network with its weights, and the segmentation of one image."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.data import list_data_collate
from monai.utils import convert_to_numpy

from lamina.cases.fingerprint import hash_files
from lamina.errors import GeometryError
from lamina.inference.weights import load_weights
from lamina.metrics.measure import MeasureSettings
from lamina.prediction.read_case import Item, ReadCase, read_case
from lamina.readers.grid import format_size, require_pixel_size, with_pixel_size
from lamina.tasks.check import check_config
from lamina.tasks.config_text import literal
from lamina.tasks.labels import Label
from lamina.writers.label_files import smallest_type
from lamina.writers.segmented_case import SegmentedCase


class Segmenter:
    """Segment one image after the other.

    `lamina predict`, the web app and the label server share it, so that their label maps are equal
    voxel for voxel. One thread at a time uses its network.

    Parameters
    ----------
    evaluator
        A MONAI evaluator whose post-processing leaves ``pred``, class values (1, x, y[, z]) on the
        image's own grid.
    preprocessing
        What makes the network's input of ``{"image": source}``.
    labels
        The task's classes, background first.
    about
        The provenance of the label maps: "task", "weights" (paths, separated by commas), and
        settings that change results.
    pixel_size
        Width and height in mm of the pixels of pictures, which do not say it.
    measure
        What the task measures.
    """

    def __init__(
        self,
        evaluator: Any,
        preprocessing: Callable[[Any], Any],
        labels: Sequence[Label],
        about: Mapping[str, Any],
        pixel_size: Sequence[float] | None = None,
        measure: MeasureSettings | None = None,
    ) -> None:
        require_pixel_size(pixel_size)
        self.evaluator = evaluator
        self.preprocessing = preprocessing
        self.labels = tuple(labels)
        self.about = dict(about) | {"weights_hash": hash_files(*str(about["weights"]).split(","))}
        self.task = str(about.get("task", ""))
        self.pixel_size = pixel_size
        self.measure = measure

    @property
    def network(self) -> Any:
        """The network, whose weights `load_segmenter` loads."""
        return self.evaluator.network

    @property
    def window_inferer(self) -> Any:
        """The innermost inferer, which goes from window to window: `lamina.inference.GridInferer`."""
        inferer = self.evaluator.inferer
        while hasattr(inferer, "inferer"):
            inferer = inferer.inferer
        return inferer

    def segment(
        self, source: str, name: str, watch: Callable[[float], None] | None = None
    ) -> SegmentedCase:
        """Read and segment an image.

        Parameters
        ----------
        source
            A file, a folder with one DICOM series, or folder#SeriesInstanceUID.
        name
            The case's name, safe as a file name.
        watch
            Gets the fraction of the image that is done, from 0 to 1.

        Raises
        ------
        LaminaError
            If the image can't be read, or is none that the preprocessing is made for.
        GeometryError
            If the post-processing left the image's grid.
        """
        item = {"image": source, "case": name}
        self.window_inferer.watch = watch
        return self.segment_read(item, self.read(item))

    def read(self, item: Item) -> ReadCase:
        """Read and preprocess an item of a data set: its ``image``, and what else it names."""
        return read_case(self.preprocessing, item, self.task)

    def segment_read(self, item: Item, read: ReadCase) -> SegmentedCase:
        """Return an item's label map, with its image as it stands on disk."""
        source, output = item["image"], self._evaluate(read.item)
        label = convert_to_numpy(output["pred"])[0]
        image, grid = read.original(source)
        grid = with_pixel_size(grid, self.pixel_size)
        if label.shape != grid.shape:
            raise GeometryError(
                f"{source}: the image has {format_size(grid.shape)} voxels, its label "
                f"{format_size(label.shape)}",
                "let the post-processing return to the image's own grid",
            )
        probabilities, uncertainty_map = output.get("probabilities"), output.get("uncertainty_map")
        return SegmentedCase(
            name=str(item["case"]),
            address=source,
            image=image,
            label=label.astype(smallest_type(int(label.max(initial=0)))),
            grid=grid,
            labels=self.labels,
            measure=self.measure,
            probabilities=None if probabilities is None else convert_to_numpy(probabilities),
            uncertainty_map=None
            if uncertainty_map is None
            else convert_to_numpy(uncertainty_map)[0],
            uncertainty=output.get("uncertainty"),
            task=self.task,
        )

    def _evaluate(self, item: Any) -> Any:
        """Return the evaluator's outputs for one preprocessed item."""
        self.evaluator.data_loader = [list_data_collate([item])]
        self.evaluator.state.epoch_length = None
        # Else ignite would take up after an exception where it was left.
        self.evaluator.interrupt_resume_enabled = False
        self.evaluator.run()
        output = self.evaluator.state.output
        return output[0] if isinstance(output, list) else output


def load_segmenter(
    config_file: Path, weights: Path, changes: Mapping[str, Any] | None = None
) -> Segmenter:
    """Return the segmenter of an inference workflow, with weights loaded.

    Parameters
    ----------
    config_file
        ``configs/inference.json`` of the checkout or of a packed bundle.
    weights
        The file.
    changes
        Other values for some of its ids.

    Raises
    ------
    ConfigError
        If something in the config makes no sense.
    WeightsError
        If the weights are broken or of another network.
    """
    # The images come one by one, when they are asked for.
    own = {"weights": literal(str(weights)), "dataset#data": []}
    parser = read_workflow(config_file, own | dict(changes or {}))
    check_config(parser.get())
    segmenter: Segmenter = parser.get_parsed_content("segmenter")
    load_weights(segmenter.network, weights)
    return segmenter


def read_workflow(config_file: Path, changes: Mapping[str, Any]) -> ConfigParser:
    """Return a workflow's config, macros resolved, with other values for some of its ids."""
    parser = ConfigParser()
    parser.read_config(config_file)
    root = literal(str(config_file.parents[1]))
    parser.update({"bundle_root": root, "progress": False, **changes})
    parser.parse(True)
    return parser
