"""Headers that name files, sizes and types that are none: what ITK takes from them, Lamina refuses.

What SimpleITK really opens is told by a file beside the data set whose content it would show.
"""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lamina.errors import LaminaError, ReadError
from lamina.readers.itk.headers import read_itk_header, require_sound
from lamina.readers.itk.volumes import read_itk

SECRET = b"SECRET!!" * 64
META = ["ObjectType = Image", "NDims = 2", "DimSize = 8 8", "ElementType = MET_UCHAR"]
NRRD = ["NRRD0004", "type: uchar", "dimension: 2", "sizes: 8 8", "encoding: raw"]
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a file beside the data, and one elsewhere that no header may name."""
    root = tmp_path_factory.mktemp("header")
    (root / "secret.raw").write_bytes(SECRET)
    (root / "secret1.raw").write_bytes(SECRET)
    (root / "data").mkdir()
    (root / "data" / "beside.raw").write_bytes(bytes(range(64)) * 8)
    return root / "data"


ANSWER = """
import sys
import SimpleITK as sitk
sitk.ProcessObject.SetGlobalWarningDisplay(False)
for line in sys.stdin:
    try:
        print(sitk.GetArrayFromImage(sitk.ReadImage(line.strip())).tobytes().hex(), flush=True)
    except RuntimeError:
        print(flush=True)
"""


class SimpleITKProcess:
    """What SimpleITK reads, in a process of its own, which some headers end."""

    def __init__(self):
        self.process = None

    def read(self, path):
        """The pixels as bytes; empty where it refuses, None where the process ends."""
        if self.process is None or self.process.poll() is not None:
            self.end()
            line = [sys.executable, "-c", ANSWER]
            self.process = subprocess.Popen(
                line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        self.process.stdin.write(f"{path}\n".encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.process.wait()
            return None
        return bytes.fromhex(answer.decode())

    def end(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()


@pytest.fixture(scope="module")
def simpleitk():
    process = SimpleITKProcess()
    yield process
    process.end()


def seen_by_lamina(path):
    try:
        return read_itk(path)[0].astype(np.uint8).T.tobytes()
    except LaminaError as error:
        assert str(path) in str(error)
        return None


def require_no_secret(simpleitk, path, content):
    """What Lamina reads is what SimpleITK reads, and never a file elsewhere."""
    path.write_bytes(content)
    expected, lamina = simpleitk.read(path), seen_by_lamina(path)
    if expected is None or b"SECRET" in expected:
        assert lamina is None, content
    elif lamina is not None:
        assert lamina == expected
    return expected


PADDING = st.sampled_from([[], ["# x"], ["Comment = y"], ["k:=v"], [""], ["Foo = " + "x" * 70000]])
MANY = st.sampled_from([0, 0, 0, 900])
META_KEYS = ["ElementDataFile", "ElementDataFile ", " ElementDataFile", "\tElementDataFile",
             "elementdatafile", "ELEMENTDATAFILE", "ElementDataFileX", "Element DataFile",
             "ElementDataFile\n", "\rElementDataFile", "Comment = x\rElementDataFile", "\0ElementDataFile",
             "x\0\nElementDataFile", "#\nElementDataFile", "\x0bElementDataFile"]  # fmt: skip
SEPARATORS = [" = ", "=", " : ", ":", "\t=\t", " == ", " =: ", " := ", "\n= ", ": ", " =\n", " "]
VALUES = ["../secret.raw", "LOCAL", "beside.raw", "local", "Local", "LIST\n../secret.raw", "{abs}",
          "LIST 2\n../secret.raw\n../secret.raw", "../secret%d.raw 1 1 1", "./../secret.raw",
          "../secret.raw\0LOCAL", "LOCAL\0../secret.raw", "sub\\..\\secret.raw", '"../secret.raw"',
          "../secret.raw 1", "beside.raw\n../secret.raw", "= ../secret.raw", ": {abs}", "",
          "SKIPLIST\n../secret.raw", "list\n../secret.raw", "..", ".", "file://{abs}"]  # fmt: skip
NRRD_KEYS = ["data file", "datafile", "DATA FILE", "Data File", "data  file", " data file",
             "data_file", "data-file", "\tdata file", "data file ", "x:=y\rdata file", "\0data file",
             "k:=v\ndata file", "datafile#", "data\tfile"]  # fmt: skip


def joined(lines, folder, ending, data=bytes(range(64))):
    text = ending.join(lines).replace("{abs}", str(folder.parent / "secret.raw"))
    # Behind LIST each line is a file's name.
    return text.encode() + (b"" if "LIST" in text.upper() else data)


@SLOW
@given(
    suffix=st.sampled_from(["mha", "mhd"]),
    before=PADDING,
    many=MANY,
    key=st.sampled_from(META_KEYS),
    separator=st.sampled_from(SEPARATORS),
    value=st.sampled_from(VALUES),
    after=st.sampled_from([[], ["ElementDataFile = LOCAL"], ["ElementDataFile = beside.raw"]]),
    ending=st.sampled_from(["\n", "\n", "\r\n", "\n\n"]),
)
@example("mhd", [], 0, "ElementDataFile", " : ", "../secret.raw", [], "\n")
@example("mhd", [], 0, "ElementDataFile\n", " = ", "../secret.raw", [], "\n")
@example("mhd", ["Foo = " + "x" * 70000], 0, "ElementDataFile", " = ", "../secret.raw", [], "\n")
@example("mha", [], 0, "ElementDataFile", " = ", "LIST\n../secret.raw", [], "\n")
@example("mha", [], 0, "ElementDataFile", " = ", "../secret.raw\0LOCAL", [], "\n")
def test_no_metaimage_header_reads_a_file_elsewhere(
    simpleitk, folder, suffix, before, many, key, separator, value, after, ending
):
    lines = [*META, *before * (many + 1), f"{key}{separator}{value}", *after, ""]
    require_no_secret(simpleitk, folder / f"a.{suffix}", joined(lines, folder, ending))


@SLOW
@given(
    before=PADDING,
    many=MANY,
    key=st.sampled_from(NRRD_KEYS),
    separator=st.sampled_from([": ", ":", ":=", " : ", ":  ", " = ", ":\t"]),
    value=st.sampled_from(VALUES),
    after=st.sampled_from([[], ["data file: beside.raw"], ["# end"]]),
    ending=st.sampled_from(["\n", "\n", "\r\n"]),
)
@example([], 0, "data file", ": ", "../secret.raw", [], "\n")
@example(["# x"], 30000, "data file", ": ", "../secret.raw", [], "\n")
@example([], 0, "DATA FILE", ": ", "LIST\n../secret.raw", [], "\n")
def test_no_nrrd_header_reads_a_file_elsewhere(
    simpleitk, folder, before, many, key, separator, value, after, ending
):
    lines = [*NRRD, *before * (many + 1), f"{key}{separator}{value}", *after, "", ""]
    require_no_secret(simpleitk, folder / "a.nrrd", joined(lines, folder, ending))


@pytest.mark.parametrize("value", ["../secret.raw", "{abs}"])
def test_simpleitk_does_read_it(simpleitk, folder, value):
    """Else the tests above would show nothing."""
    content = joined([*META, f"ElementDataFile : {value}", ""], folder, "\n")
    assert b"SECRET" in require_no_secret(simpleitk, folder / "a.mhd", content)
    content = joined([*NRRD, f"data file: {value}", "", ""], folder, "\n")
    assert b"SECRET" in require_no_secret(simpleitk, folder / "a.nrrd", content)


def test_a_link_beside_the_header_is_followed_as_for_any_image(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.raw").write_bytes(bytes(range(64)))
    (tmp_path / "a.raw").symlink_to(tmp_path / "far" / "a.raw")
    (tmp_path / "a.mhd").write_text("\n".join([*META, "ElementDataFile = a.raw", ""]))
    assert read_itk(tmp_path / "a.mhd")[0].ravel("F").tolist() == list(range(64))


def test_a_header_longer_than_any_is_refused(tmp_path):
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0004\n" + b"# x\n" * 1_100_000 + b"\n")
    with pytest.raises(ReadError, match="no whole header of NRRD"):
        read_itk_header(tmp_path / "a.nrrd")


def test_a_long_header_is_read_whole(tmp_path):
    keys = [f"Segment{index}_Name:=part {index}" for index in range(9000)]
    (tmp_path / "a.nrrd").write_bytes("\n".join([*NRRD, *keys, "", ""]).encode() + bytes(64))
    assert read_itk(tmp_path / "a.nrrd")[0].shape == (8, 8)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "NDims = 2",
            "NDims = -1",
            "NDims -1' in its header: expected a whole number from 1 to 10",
        ),
        ("NDims = 2", "NDims = 99", "NDims 99' in its header: expected"),
        ("NDims = 2", "NDims = 1000000000", "expected a whole number"),
        ("NDims = 2", "NDims = 4", "DimSize 8 8' in its header: expected 4 whole numbers"),
        ("NDims = 2", "NDims = 2\nNDims = 9", "'NDims' in its header: stands twice"),
        ("8 8", "8 -8", "expected 2 whole numbers from 1"),
        ("8 8", "100000 100000", "64 bytes of data, at least 10000000000 expected"),
        ("MET_UCHAR", "MET_NONE", "expected a type of one number"),
        ("MET_UCHAR", "MET_UCHAR_ARRAY", "expected a type of one number"),
        ("MET_UCHAR", "MET_UCHAR\nElementNumberOfChannels = -3", "expected a whole number from 1"),
        ("MET_UCHAR", "MET_UCHAR\nOffset = 1", "Offset = 1' in its header: expected 2 numbers"),
        ("MET_UCHAR", "MET_UCHAR\nOffset = 1 nan", "expected 2 numbers"),
        (
            "MET_UCHAR",
            "MET_UCHAR\nCompressedData = True\nCompressedDataSize = 999999",
            "999999 expec",
        ),
        ("MET_UCHAR", "MET_UCHAR\nCompressedData = maybe", "expected True or False"),
        ("MET_UCHAR", "MET_UCHAR\nHeaderSize = 9", "64 bytes of data, at least 73"),
    ],
)
def test_what_itk_would_trust_is_named(tmp_path, old, new, why):
    text = "\n".join([*META, "ElementDataFile = LOCAL"]).replace(old, new)
    (tmp_path / "a.mha").write_bytes(f"{text}\n".encode() + bytes(63))
    with pytest.raises(ReadError) as error:
        require_sound(read_itk_header(tmp_path / "a.mha"))
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("dimension: 2", "dimension: 99", "expected a whole number from 1 to 16"),
        ("sizes: 8 8", "sizes: 8", "expected 2 whole numbers from 1"),
        ("sizes: 8 8", "sizes: 8 99999999999", "expected 2 whole numbers from 1"),
        ("sizes: 8 8", "sizes: 90000 90000", "at least 8100000000 expected"),
        ("type: uchar", "type: block", "expected a type of one number"),
        ("encoding: raw", "encoding: raw\nbyte skip: -7", "expected a whole number"),
        ("encoding: raw", "encoding: bzip3", "expected raw, gzip, hex or text"),
        ("encoding: raw", "encoding: gzip\nsizes: 8 8", "stands twice"),
    ],
)
def test_what_teem_would_trust_is_named(tmp_path, old, new, why):
    text = "\n".join([*NRRD, "", ""]).replace(old, new)
    (tmp_path / "a.nrrd").write_bytes(text.encode() + bytes(64))
    with pytest.raises(ReadError) as error:
        require_sound(read_itk_header(tmp_path / "a.nrrd"))
    assert why in str(error.value)


READ_ALL = """
import sys
from pathlib import Path
from lamina.errors import LaminaError
from lamina.readers.images import read_image
for path in sorted(Path(sys.argv[1]).iterdir()):
    print(path.name, end=" ", flush=True)
    try:
        read_image(str(path))
        print("read", flush=True)
    except LaminaError as error:
        print("refused", flush=True)
"""
NUMBERS = ["-1", "0", "1", "2", "3", "99", "1000000000", "4294967296", "9" * 19, "1e9", "nan", "x",
           "-8", "1.5", "", "2 3", "0x10", "255", "65536"]  # fmt: skip


def mutated(rng, content, numbers=NUMBERS):
    """Change a number, a line or a byte of a header."""
    head, split, data = content.partition(b"\n\n") if b"NRRD" in content else (content, b"", b"")
    lines = head.split(b"\n")
    kind, at = rng.integers(5), int(rng.integers(len(lines)))
    if kind < 3:
        words = lines[at].split(b" ")
        words[int(rng.integers(len(words)))] = str(rng.choice(numbers)).encode()
        lines[at] = b" ".join(words)
    elif kind == 3:
        lines.insert(int(rng.integers(len(lines))), lines.pop(at))
    else:
        line = bytearray(lines[at] or b"x")
        line[int(rng.integers(len(line)))] = int(rng.integers(256))
        lines[at] = bytes(line)
    return b"\n".join(lines) + split + data


def mutants(folder, count):
    """Write files with up to three changes each."""
    rng = np.random.default_rng(0)
    meta = [*META, "ElementSpacing = 1 1", "Offset = 0 0", "CompressedData = False"]
    more = ["space dimension: 2", "space directions: (1,0) (0,1)", "kinds: domain domain"]
    whole = {
        "mha": "\n".join([*meta, "ElementNumberOfChannels = 1", "ElementDataFile = LOCAL", ""]),
        "nrrd": "\n".join([*NRRD, *more, "", ""]),
    }
    for index in range(count):
        suffix = list(whole)[index % 2]
        content = whole[suffix].encode() + bytes(64)
        for _ in range(int(rng.integers(1, 4))):
            content = mutated(rng, content)
        (folder / f"{index:04}.{suffix}").write_bytes(content)


def test_no_mutated_header_ends_the_process(tmp_path):
    mutants(tmp_path, 600)
    line = [sys.executable, "-c", READ_ALL, str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, (done.stdout.splitlines()[-1:], done.stderr[-2000:])
    outcomes = [text.split()[-1] for text in done.stdout.splitlines()]
    assert len(outcomes) == 600
    assert outcomes.count("read") > 20
