"""Search by picture, similar items by text, picture and behaviour; malicious pictures are refused."""

from __future__ import annotations

import struct
import time
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

pytest.importorskip("PIL")
pytest.importorskip("efficientnet_lite_pytorch")

from PIL import Image

from foretaste.cli.app import app as cli
from foretaste.data.dataset import Dataset
from foretaste.errors import DataError
from foretaste.events.memory import MemoryStore
from foretaste.pipeline.bundle import activate, load_current, save_bundle
from foretaste.pipeline.config import PipelineConfig, RecallConfig
from foretaste.pipeline.pipeline import Pipeline
from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app
from foretaste.serving.search.picture_index import MAX_PIXELS, open_picture
from foretaste.serving.settings import Limits, ServerConfig
from foretaste.types import Run

if TYPE_CHECKING:
    from collections.abc import Callable

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}
WORDS = {"red": "a warm coat for the winter", "green": "a fast bicycle", "blue": "a story about pirates"}


def picture(colour: str, seed: int, kind: str = "PNG", size: int = 64) -> bytes:
    """Stripes of one colour, each picture somewhat different."""
    noise = np.random.default_rng(seed).integers(-25, 25, (size, size, 3))
    base = np.array(COLOURS[colour]) * np.ones((size, size, 1))
    base[:: 4 + seed % 3] *= 0.6
    content = BytesIO()
    Image.fromarray(np.clip(base + noise, 0, 255).astype(np.uint8)).save(content, kind)
    return content.getvalue()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 items: 4 of each colour with a picture; who buys one of a colour buys the others."""
    folder = tmp_path_factory.mktemp("pictures")
    rows, log = [], []
    for i in range(12):
        colour = list(COLOURS)[i % 3]
        place = folder / f"i{i}.png"
        place.write_bytes(picture(colour, i))
        rows.append((f"i{i}", f"{WORDS[colour]} {i}", str(place) if i != 11 else None))
        log += [(f"u{u}", f"i{i}") for u in range(12) if u % 3 == i % 3]
    items = pl.DataFrame(rows, ["item", "title", "picture"], orient="row")
    data = Dataset.from_frame(pl.DataFrame(log, ["user", "item"], orient="row"), items)
    pipeline = Pipeline(PipelineConfig(recalls=(RecallConfig(model="itemknn"),))).fit(data, Run())
    activate(folder / "bundles", save_bundle(folder / "bundles", pipeline, data))
    return folder


@pytest.fixture(scope="module")
def client(shop: Path) -> TestClient:
    limits = Limits(picture_bytes=200_000)
    engine = Engine(load_current(shop / "bundles"), MemoryStore())
    return TestClient(create_app(engine, ServerConfig(limits=limits)), base_url="http://127.0.0.1:8000")


def asked(client: TestClient, content: bytes, kind: str = "image/png", **params: object) -> dict[str, object]:
    """Once the pictures have been looked at."""
    for _ in range(200):
        answer = client.post("/v1/search/picture", content=content, headers={"Content-Type": kind}, params=params)
        if answer.status_code != 503:
            answer.raise_for_status()
            return answer.json()
        assert answer.headers["Retry-After"] == "1"
        time.sleep(0.1)
    raise AssertionError("the pictures were never looked at")


def test_a_picture_finds_what_looks_like_it(client: TestClient) -> None:
    for colour, first in (("red", 0), ("green", 1), ("blue", 2)):
        found = asked(client, picture(colour, 100), n=3)
        assert {int(item["id"][1:]) % 3 for item in found["items"]} == {first}
        assert found["sources"] == ["picture"]
        assert found["query"] is None
    jpeg = asked(client, picture("red", 100, "JPEG", size=900), "image/jpeg", n=1)
    assert int(jpeg["items"][0]["id"][1:]) % 3 == 0


def test_like_an_item_by_what_was_asked(client: TestClient) -> None:
    asked(client, picture("red", 100))

    def like(item: str, by: str | None) -> dict[str, object]:
        params = {"n": 3} if by is None else {"n": 3, "by": by}
        for _ in range(200):
            answer = client.get(f"/v1/items/{item}/similar", params=params)
            if answer.status_code != 503:
                answer.raise_for_status()
                return answer.json()
            time.sleep(0.1)
        raise AssertionError

    for by in (None, "picture", "behaviour", "blend"):
        found = like("i0", by)
        assert {item["id"] for item in found["items"]} == {"i3", "i6", "i9"}, by
        if by is not None:
            assert set(found["by"]) >= ({by} if by != "blend" else {"picture", "behaviour"})
    assert client.get("/v1/items/i11/similar?by=picture").json()["items"] == []
    assert client.get("/v1/items/i0/similar?by=smell").status_code == 422


def test_by_text_also_for_what_came_a_moment_ago(client: TestClient) -> None:
    pytest.importorskip("sentence_transformers")
    client.put("/v1/items/ship", json={"columns": {"title": "captain and crew sail for treasure"}})
    for _ in range(300):
        answer = client.get("/v1/items/ship/similar?by=text&n=3")
        if answer.status_code != 503:
            break
        time.sleep(0.1)
    assert {int(item["id"][1:]) % 3 for item in answer.json()["items"]} == {2}
    refused = client.get("/v1/items/ship/similar?by=behaviour")
    assert refused.status_code == 422
    assert "use by=text" in refused.json()["error"]["message"]


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "content",
    [
        lambda: b"",
        lambda: b"no picture",
        lambda: picture("red", 1)[:200],
        lambda: bomb(100_000, 100_000),
        lambda: bomb(2**31 - 1, 2**31 - 1),
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        lambda: picture("red", 1, "TIFF"),
        lambda: picture("red", 1, "BMP"),
        lambda: b"GIF89a\xff\xff\xff\xff\x00\x00\x00",
        lambda: b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(30),
    ],
)
def test_what_is_no_picture_or_a_trap_is_refused_in_one_sentence(
    client: TestClient, content: Callable[[], bytes]
) -> None:
    answer = client.post("/v1/search/picture", content=content(), headers={"Content-Type": "image/png"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith(("The picture cannot be opened", "The picture has"))


def test_limits_and_types(client: TestClient) -> None:
    large = client.post("/v1/search/picture", content=bytes(200_001), headers={"Content-Type": "image/png"})
    assert large.status_code == 413
    for kind in ("application/json", "text/html", "image/svg+xml", ""):
        answer = client.post("/v1/search/picture", content=picture("red", 1), headers={"Content-Type": kind})
        assert answer.status_code == 422
        assert "image/jpeg" in answer.json()["error"]["message"]
    brackets = client.post("/v1/search/picture", content=b"[" * 1_000, headers={"Content-Type": "image/png"})
    assert "cannot be opened" in brackets.json()["error"]["message"], "a picture is not looked at as JSON"


def test_a_large_picture_is_never_unpacked_in_full() -> None:
    content = BytesIO()
    Image.new("L", (6_000, 6_000), 200).save(content, "JPEG")
    assert MAX_PIXELS > 36_000_000
    assert max(open_picture(content.getvalue()).size) <= 1_024
    content = BytesIO()
    Image.new("1", (8_000, 8_000)).save(content, "PNG")
    with pytest.raises(DataError, match="8000 x 8000"):
        open_picture(content.getvalue())


def test_a_catalogue_without_pictures_says_so(engine: Engine) -> None:
    client = TestClient(create_app(engine), base_url="http://127.0.0.1:8000")
    answer = client.post("/v1/search/picture", content=picture("red", 1), headers={"Content-Type": "image/png"})
    assert answer.status_code == 422
    assert "no column of pictures" in answer.json()["error"]["message"]


def test_what_a_client_writes_into_a_column_is_never_opened(client: TestClient, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture("blue", 7))
    client.put("/v1/items/spy", json={"columns": {"title": "spy", "picture": str(secret)}})
    found = asked(client, picture("blue", 7), n=12)
    assert "spy" not in {item["id"] for item in found["items"]}


def test_on_the_command_line(shop: Path, tmp_path: Path) -> None:
    asked_with = tmp_path / "asked.png"
    asked_with.write_bytes(picture("green", 50))
    said = CliRunner().invoke(cli, ["search", "--picture", str(asked_with), "-n", "2", "-p", str(shop)])
    assert said.exit_code == 0, said.output
    assert "bicycle" in said.output
    liked = CliRunner().invoke(cli, ["similar", "--item", "i0", "--by", "behaviour", "-n", "3", "-p", str(shop)])
    assert liked.exit_code == 0, liked.output
    assert liked.output.count("winter") == 4
