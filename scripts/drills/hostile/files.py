"""Files of data that are no such files, are endless, or unpack to far more than they are."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

from hostile.case import CANARY, Case, job

ROWS = 300
TABLE = "dataset=table dataset.path=t.csv dataset.target=class"
ARRAYS = "dataset=arrays dataset.table=t.csv dataset.target=class dataset.path="
STATES = "dataset=states dataset.table=t.csv dataset.path="
IMAGES = "dataset=images dataset.root=pictures dataset.table=t.csv dataset.target=class"
MNIST = "dataset=mnist dataset.root=digits"
WORDS = "dataset=conllu dataset.path=w.conllu attribute.where=capitalised"
PARQUET = "dataset=table dataset.path=t.parquet dataset.target=class"

Maker = Callable[[Path], None]


def file(name: str, content: bytes | str | Callable[[], bytes]) -> Maker:
    """Return what writes one file."""

    def make(folder: Path) -> None:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        given = content() if callable(content) else content
        place.write_bytes(given.encode() if isinstance(given, str) else given)

    return make


def link(name: str, target: str) -> Maker:
    """Return what makes a symbolic link."""

    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)

    return make


def fifo(name: str) -> Maker:
    """Return what makes a pipe that nobody writes into."""

    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(folder / name)

    return make


def sparse(name: str, size: int, start: bytes = b"") -> Maker:
    """Return what makes a file that is ``size`` bytes long and takes no room."""

    def make(folder: Path) -> None:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(start)
        os.truncate(place, size)

    return make


def both(*makers: Maker) -> Maker:
    """Return what makes several files."""

    def make(folder: Path) -> None:
        for maker in makers:
            maker(folder)

    return make


def table(columns: str = "a,class", row: str = "{i},{c}") -> str:
    """Return the text of a small table."""
    return columns + "\n" + "".join(row.format(i=i, c="xy"[i % 2]) + "\n" for i in range(ROWS))


PLAIN = file("t.csv", table())


def npy(shape: tuple[int, ...], descr: str = "<f4", content: bytes = b"") -> bytes:
    """Return an npy file whose header claims a shape."""
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + content


class Evil:
    """An object that runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        """Tell pickle to call `os.system`."""
        return os.system, (f"touch {CANARY}",)


def pickled_array() -> bytes:
    """Return an npy file of Python objects."""
    held = BytesIO()
    np.save(held, np.array([Evil()] * ROWS, dtype=object))
    return held.getvalue()


def zipped(content: bytes, name: str = "x.npy", repeat: int = 1) -> bytes:
    """Return an npz file of one array, its content many times over."""
    held = BytesIO()
    packed = zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with packed as archive, archive.open(name, "w", force_zip64=True) as out:
        out.write(content)
        for _ in range(repeat - 1):
            out.write(bytes(2**20))
    return held.getvalue()


def gzipped(start: bytes, mebibytes: int) -> bytes:
    """Return a gz file of zeros behind a start."""
    zeros = gzip.compress(bytes(2**20), mtime=0)
    return gzip.compress(start, mtime=0) + mebibytes * zeros  # members of one file, each a MiB


def idx(shape: tuple[int, ...]) -> bytes:
    """Return the header of an idx file."""
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def safetensors(header: object, content: bytes = b"") -> bytes:
    """Return a safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def png(width: int, height: int, rows: int | None = None) -> bytes:
    """Return a grey PNG of zeros that claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj()
    line = bytes(width + 1)
    data = b"".join(packer.compress(line) for _ in range(height if rows is None else rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def run_lengths() -> bytes:
    """Return a parquet file of a few KB with 400 million rows in two columns."""
    import polars as pl

    held = BytesIO()
    n = 400_000_000
    frame = pl.select(a=pl.repeat(1, n, dtype=pl.Int8), **{"class": pl.repeat(0, n, dtype=pl.Int8)})
    frame.write_parquet(held, compression="zstd", row_group_size=2**24, statistics=False)
    return held.getvalue()


def pictures(content: bytes | Callable[[], bytes]) -> Maker:
    """Return what writes a table of pictures of which each is the same file."""
    rows = "file,class\n" + "".join(f"a.png,{'xy'[i % 2]}\n" for i in range(ROWS))
    return both(file("t.csv", rows), file("pictures/a.png", content))


def _pickle_weights(folder: Path) -> None:
    import torch

    torch.save({"weight": Evil()}, folder / "w.pt", pickle_module=pickle)


def _loop(folder: Path) -> None:
    (folder / "pictures").mkdir()
    (folder / "pictures/loop").symlink_to("..")
    (folder / "t.csv").write_text("file,class\nloop/pictures/loop/a.png,x\n")


def read(name: str, line: str, make: Maker = PLAIN, *, says: str = "dataset", ends: str = "2") -> Case:
    """Return the case of a job that reads a file."""
    return job(name, *line.split(), make=make, says=says, ends=ends)


def _kinds_of_place(what: str, line: str, name: str, more: Maker) -> list[Case]:
    """Return a file that is none, in every way that a name may be of no file."""
    return [
        read(f"{what}: /dev/zero", line, both(more, link(name, "/dev/zero"))),
        read(f"{what}: a FIFO", line, both(more, fifo(name))),
        read(f"{what}: a folder", line, both(more, lambda folder: (folder / name).mkdir(parents=True))),
        read(f"{what}: a link to itself", line, both(more, link(name, name))),
        read(f"{what}: empty", line, both(more, file(name, b""))),
        read(f"{what}: random bytes", line, both(more, file(name, os.urandom(5000)))),
    ]


def nothing(folder: Path) -> None:
    """Make nothing more."""


CASES = [
    *_kinds_of_place("table", TABLE, "t.csv", nothing),
    *_kinds_of_place("parquet", PARQUET, "t.parquet", nothing),
    *_kinds_of_place("npy", f"{ARRAYS}x.npy", "x.npy", PLAIN),
    *_kinds_of_place("npz", f"{ARRAYS}x.npz", "x.npz", PLAIN),
    *_kinds_of_place("safetensors", f"{ARRAYS}x.safetensors", "x.safetensors", PLAIN),
    *_kinds_of_place("treebank", WORDS, "w.conllu", nothing),
    *_kinds_of_place("recorded states", f"{STATES}x.npz", "x.npz", PLAIN),
    read("table: a name of 300 letters", TABLE.replace("t.csv", "n" * 300 + ".csv")),
    read("table: a device by its name", TABLE.replace("t.csv", "/dev/zero")),
    read("table: 200 GB of nothing", TABLE, sparse("t.csv", 200 * 10**9)),
    read("table: one line of 1 GB", TABLE, sparse("t.csv", 10**9, b"a,class\n")),
    read("table: gz under the name of csv", TABLE, file("t.csv", lambda: gzipped(table().encode(), 1500))),
    read("table: zstd under the name of csv", TABLE, file("t.csv", b"\x28\xb5\x2f\xfd" + bytes(1000))),
    read("table: UTF-16", TABLE, file("t.csv", table().encode("utf-16"))),
    read("table: invalid UTF-8", TABLE, file("t.csv", table().encode() + b"\xff\xfe,x\n")),
    read("table: NUL bytes", TABLE, file("t.csv", table() + "\0\0,x\n"), ends="0 2"),
    read("table: a surrogate in UTF-8", TABLE, file("t.csv", table().encode() + b"\xed\xa0\x80,x\n")),
    read("table: integers of 23 digits", TABLE, file("t.csv", table(row="9" * 23 + "{i},{c}")), ends="0 2"),
    read("table: integers of 5,000 digits", TABLE, file("t.csv", table(row="9" * 5000 + ",{c}")), ends="0 2"),
    read("table: NaN and infinity", TABLE, file("t.csv", table() + "nan,x\ninf,y\n-inf,x\n1e999,y\n"), ends="0 2"),
    read("table: 20,000 columns", TABLE, file("t.csv", ",".join(f"c{i}" for i in range(20_000)) + "\n1,2\n")),
    read("table: a name of 100,000 letters", TABLE, file("t.csv", table("a" * 100_000 + ",class")), ends="0 2"),
    read("table: escape sequences in names", TABLE, file("t.csv", table("\x1b[2J,class")), ends="0 2"),
    read("table: escape sequences in classes", TABLE, file("t.csv", table(row="{i},\x1b]0;owned\x07{c}")), ends="0 2"),
    read("table: scripts as classes", TABLE, file("t.csv", table(row="{i},<script>alert({c!r})</script>")), ends="0 2"),
    read("table: a quotation mark never closed", TABLE, file("t.csv", table() + '"open,x\n' + "1,x\n" * 1000)),
    read("table: a formula", TABLE, file("t.csv", table(row="=cmd|' /C calc'!A{i},{c}")), ends="0 2"),
    read("table: a glob as its name", TABLE.replace("t.csv", "*.csv")),
    read("table: an address", TABLE.replace("t.csv", "http://127.0.0.1:9/t.csv")),
    read("table: an address of a cloud", TABLE.replace("t.csv", "s3://bucket/t.csv")),
    read("parquet: truncated", PARQUET, file("t.parquet", lambda: run_lengths()[:-100])),
    read("parquet: 400 million rows in a few KB", PARQUET, file("t.parquet", run_lengths)),
    read("parquet: a footer of 4 GB", PARQUET, file("t.parquet", b"PAR1" + bytes(100) + b"\xff\xff\xff\x7fPAR1")),
    read("npy: Python objects", f"{ARRAYS}x.npy", both(PLAIN, file("x.npy", pickled_array))),
    read("npy: a shape of 10^15", f"{ARRAYS}x.npy", both(PLAIN, file("x.npy", npy((10**15, 1))))),
    read("npy: a shape beyond 64 bits", f"{ARRAYS}x.npy", both(PLAIN, file("x.npy", npy((2**40, 2**40))))),
    read("npy: a negative shape", f"{ARRAYS}x.npy", both(PLAIN, file("x.npy", npy((-5, 3), content=bytes(60))))),
    read(
        "npy: a header of code",
        f"{ARRAYS}x.npy",
        both(
            PLAIN,
            file(
                "x.npy",
                b"\x93NUMPY\x01\x00"
                + struct.pack("<H", 40)
                + f"__import__('os').system('touch {CANARY}')".encode().ljust(40),
            ),
        ),
    ),
    read(
        "npy: a header of 10,000 brackets",
        f"{ARRAYS}x.npy",
        both(PLAIN, file("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 20_000) + b"(" * 10_000 + b")" * 10_000)),
    ),
    read(
        "npy: 300 GB of nothing", f"{ARRAYS}x.npy", both(PLAIN, sparse("x.npy", 300 * 10**9, npy((ROWS, 10**9 // 4))))
    ),
    read(
        "npy: NaN everywhere", f"{ARRAYS}x.npy", both(PLAIN, file("x.npy", npy((ROWS, 4), content=b"\xff" * 16 * ROWS)))
    ),
    read(
        "npz: a bomb",
        f"{ARRAYS}x.npz",
        both(PLAIN, file("x.npz", lambda: zipped(npy((ROWS, 2**20 * 3000 // 4 // ROWS)), repeat=3000))),
    ),
    read("npz: a shape of 10^15", f"{ARRAYS}x.npz", both(PLAIN, file("x.npz", lambda: zipped(npy((10**15,)))))),
    read("npz: Python objects", f"{ARRAYS}x.npz", both(PLAIN, file("x.npz", lambda: zipped(pickled_array())))),
    read(
        "npz: a name that leaves the folder",
        f"{ARRAYS}x.npz",
        both(PLAIN, file("x.npz", lambda: zipped(npy((ROWS, 4), content=bytes(16 * ROWS)), "../../stolen.npy"))),
        ends="0 2",
    ),
    read("npz: no archive", f"{ARRAYS}x.npz", both(PLAIN, file("x.npz", b"PK\x03\x04" + bytes(100)))),
    read(
        "safetensors: a header of 2^60 bytes",
        f"{ARRAYS}x.safetensors",
        both(PLAIN, file("x.safetensors", struct.pack("<Q", 2**60) + b"{}")),
    ),
    read(
        "safetensors: a shape of 10^15",
        f"{ARRAYS}x.safetensors",
        both(
            PLAIN,
            file(
                "x.safetensors",
                safetensors({"x": {"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4 * 10**15]}}),
            ),
        ),
    ),
    read(
        "safetensors: offsets that overlap",
        f"{ARRAYS}x.safetensors",
        both(
            PLAIN,
            file("x.safetensors", safetensors({"x": {"dtype": "F32", "shape": [2], "data_offsets": [4, 0]}}, bytes(8))),
        ),
    ),
    read(
        "safetensors: 100,000 brackets",
        f"{ARRAYS}x.safetensors",
        both(PLAIN, file("x.safetensors", safetensors(b"[" * 100_000))),
    ),
    read("states: a folder of 100,000 brackets", f"{STATES}acts", both(PLAIN, file("acts/a.npy", npy((10**12, 3))))),
    read("states: Python objects in a folder", f"{STATES}acts", both(PLAIN, file("acts/a.npy", pickled_array))),
    read(
        "idx.gz: a bomb",
        MNIST,
        both(
            file("digits/train-images-idx3-ubyte.gz", lambda: gzipped(idx((ROWS, 28, 28)), 4500)),
            file("digits/train-labels-idx1-ubyte.gz", lambda: gzipped(idx((5,)), 1)),
        ),
    ),
    read(
        "idx.gz: a bomb that its header claims",
        MNIST,
        both(
            file("digits/train-images-idx3-ubyte.gz", lambda: gzipped(idx((3000, 1024, 1024)), 3000)),
            file("digits/train-labels-idx1-ubyte.gz", lambda: gzipped(idx((5,)), 1)),
        ),
    ),
    read(
        "idx: 10^18 images",
        MNIST,
        both(
            file("digits/train-images-idx3-ubyte", idx((2**31, 2**31, 2**31))),
            file("digits/train-labels-idx1-ubyte", idx((5,)) + bytes(5)),
        ),
    ),
    read(
        "idx: /dev/zero",
        MNIST,
        both(
            file("digits/train-labels-idx1-ubyte", idx((5,)) + bytes(5)),
            link("digits/train-images-idx3-ubyte", "/dev/zero"),
        ),
    ),
    read(
        "idx: 50 GB of nothing",
        MNIST,
        both(
            sparse("digits/train-images-idx3-ubyte", 50 * 10**9, idx((ROWS, 28, 28))),
            file("digits/train-labels-idx1-ubyte", idx((5,)) + bytes(5)),
        ),
    ),
    read("images: 100,000 x 100,000 claimed", IMAGES, pictures(lambda: png(100_000, 100_000, 1))),
    read("images: 14,000 x 14,000 in truth", IMAGES, pictures(lambda: png(14_000, 14_000))),
    read("images: text instead", IMAGES, pictures(b"%!PS\n(" + CANARY.encode() + b") (w) file closefile\n")),
    read(
        "images: SVG with an entity", IMAGES, pictures(b'<!DOCTYPE x [<!ENTITY a SYSTEM "/etc/passwd">]><svg>&a;</svg>')
    ),
    read("images: one is a FIFO", IMAGES, both(file("t.csv", "file,class\na.png,x\n"), fifo("pictures/a.png"))),
    read(
        "images: one is /dev/zero",
        IMAGES,
        both(file("t.csv", "file,class\na.png,x\n"), link("pictures/a.png", "/dev/zero")),
    ),
    read("images: the folder links to its parent", IMAGES, _loop),
    read(
        "images: a name of 300 letters",
        IMAGES,
        both(file("t.csv", "file,class\n" + "n" * 300 + ",x\n"), file("pictures/a.png", b"")),
    ),
    read(
        "images: a name that leaves the folder",
        IMAGES,
        both(file("t.csv", "file,class\n../t.csv,x\n"), file("pictures/a.png", b"")),
    ),
    read("images: NUL in a name", IMAGES, both(file("t.csv", 'file,class\n"a\0b",x\n'), file("pictures/a.png", b""))),
    read("images: a side of 10^6", f"{IMAGES} dataset.size=1000000", pictures(lambda: png(8, 8))),
    read("treebank: a line of 100 MB", WORDS, file("w.conllu", lambda: b"1\t" + b"a" * 10**8)),
    read("treebank: 50 GB of nothing", WORDS, sparse("w.conllu", 50 * 10**9)),
    read(
        "treebank: word ids of 5,000 digits", WORDS, file("w.conllu", "9" * 5000 + "\ta\t_\tX\t_\t_\t0\troot\t_\t_\n\n")
    ),
    read(
        "treebank: a range of 5,000 digits",
        WORDS,
        file("w.conllu", f"1-{'9' * 5000}\ta\t_\tX\t_\t_\t0\troot\t_\t_\n\n"),
    ),
    read(
        "weights: a pickle",
        "architecture=checkpoint architecture.path=w.pt "
        "architecture.class_path=denote.object_models.architectures.mlp.MLP",
        _pickle_weights,
        says="w.pt",
    ),
    read(
        "weights: /dev/zero",
        "architecture=checkpoint architecture.path=/dev/zero "
        "architecture.class_path=denote.object_models.architectures.mlp.MLP",
        says="architecture",
    ),
    read(
        "weights: a FIFO",
        "architecture=checkpoint architecture.path=w.pt architecture.class_path="
        "denote.object_models.architectures.mlp.MLP",
        fifo("w.pt"),
        says="architecture",
    ),
    read(
        "weights: 50 GB of nothing",
        "architecture=checkpoint architecture.path=w.pt architecture.class_path="
        "denote.object_models.architectures.mlp.MLP",
        sparse("w.pt", 50 * 10**9),
        says="architecture",
    ),
    read(
        "weights: safetensors of 10^15",
        "architecture=checkpoint architecture.path=w.safetensors architecture.class_path="
        "denote.object_models.architectures.mlp.MLP",
        file("w.safetensors", safetensors({"x": {"dtype": "F32", "shape": [10**15], "data_offsets": [0, 4 * 10**15]}})),
        says="w.safetensors",
    ),
]
