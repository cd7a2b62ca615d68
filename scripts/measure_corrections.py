"""What five corrected cases do for an undertrained model, through the server that annotators use.

    python scripts/measure_corrections.py DIR/hippocampus

A server trains a model from nothing on 2 labelled cases, segments 20 held-out cases, gets the
true labels of 5 more cases as their corrections, trains on, and segments the 20 cases again. All
of it goes through MONAI Label's client. Prints a table for docs/slicer.md.
"""

import argparse
import contextlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monailabel.client import MONAILabelClient
from monailabel.client.client import MONAILabelClientException

from lamina.metrics.confusion import confusion_matrix
from lamina.metrics.overlap import overlap_scores
from lamina.tasks.catalogue import find_task, read_task
from lamina.tasks.labels import read_labels

TASK = "hippocampus_mr"
NAMES = [label.name for label in read_labels(read_task(find_task(TASK))["labels"])[1:]]
FIRST, CORRECTED, HELD_OUT = 2, 5, 20


def main() -> None:
    """Run the server, measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="imagesTr/ and labelsTr/ of the hippocampus set")
    parser.add_argument("--first-epochs", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as client:
        _measure(client, options, Path(folder))


def _measure(client: MONAILabelClient, options: argparse.Namespace, folder: Path) -> None:
    names = sorted(path.name for path in (options.data / "labelsTr").glob("[!.]*.nii.gz"))
    chosen = random.Random(options.seed).sample(names, FIRST + CORRECTED + HELD_OUT)
    for name in chosen:
        shutil.copyfile(options.data / "imagesTr" / name, folder / "studies" / name)
    first, corrected = chosen[:FIRST], chosen[FIRST : FIRST + CORRECTED]
    held_out = chosen[FIRST + CORRECTED :]
    _submit(client, options.data, first)
    _train(client, {"max_epochs": options.first_epochs, "pretrained": False})
    before = _dice(client, options.data, held_out)
    _submit(client, options.data, corrected)
    seconds = _train(client, {"max_epochs": options.epochs})
    after = _dice(client, options.data, held_out)
    print(f"\n| Dice on {HELD_OUT} held-out cases | {' | '.join(NAMES)} | mean |")
    print("|---|" + "---|" * (len(NAMES) + 1))
    for title, scores in (
        (f"{FIRST} labels, {options.first_epochs} epochs from nothing", before),
        (f"and {CORRECTED} corrected cases, {options.epochs} epochs more", after),
    ):
        row = " | ".join(f"{score:.2f}" for score in (*scores, scores.mean()))
        print(f"| {title} | {row} |")
    print(f"\nthe second training took {seconds:.0f} s on {torch.get_num_threads()} thread(s)")


@contextlib.contextmanager
def _server(folder: Path) -> Any:
    (folder / "studies").mkdir()
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    words = ["--studies", folder / "studies", "--tasks", TASK, "--port", port]
    line = [sys.executable, "-m", "lamina.cli", "label", *map(str, words)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(line, stdout=log, stderr=log)
    client = MONAILabelClient(f"http://127.0.0.1:{port}", tmpdir=str(folder))
    try:
        while server.poll() is None:
            with contextlib.suppress(OSError):
                client.info()
                yield client
                return
            time.sleep(0.5)
        sys.exit((folder / "log").read_text())
    finally:
        server.terminate()
        server.wait()


def _submit(client: MONAILabelClient, data: Path, names: list[str]) -> None:
    told = {"label_info": [{"name": name, "idx": value} for value, name in enumerate(NAMES, 1)]}
    for name in names:
        label = data / "labelsTr" / name
        client.save_label(name.removesuffix(".nii.gz"), str(label), params=dict(told))


def _train(client: MONAILabelClient, settings: dict[str, Any]) -> float:
    started = time.monotonic()
    client.train_start(TASK, settings)
    while (status := client.train_status())["status"] in ("SUBMITTED", "RUNNING"):
        time.sleep(1)
    if status["status"] != "DONE":
        raise MONAILabelClientException(0, "\n".join(status["details"]))
    return time.monotonic() - started


def _dice(client: MONAILabelClient, data: Path, names: list[str]) -> np.ndarray:
    """Return the mean Dice of each structure; one that was missed counts 0."""
    scores = []
    for name in names:
        file, _ = client.infer(TASK, name.removesuffix(".nii.gz"), {})
        pair = [np.asarray(nib.load(path).dataobj) for path in (file, data / "labelsTr" / name)]
        found, truth = (label.astype(np.int64) for label in pair)
        confusion = confusion_matrix(found, truth, len(NAMES) + 1)
        scores.append(overlap_scores(confusion)["dice"][1:].numpy())
    return np.nanmean(scores, axis=0)


if __name__ == "__main__":
    main()
