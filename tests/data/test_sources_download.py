"""Downloads that break off, lie, or never come; licences; archives that mean harm."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from foretaste.data.sources import SOURCES, archives, download, licences, load_source
from foretaste.data.sources.source import RemoteFile, silent
from foretaste.errors import DataError

BODY = bytes(range(256)) * 4096


class Host(BaseHTTPRequestHandler):
    """A server that does what the path says; it remembers the ranges it was asked for."""

    body = BODY
    breaks_after: int | None = None
    ranges: list[str | None] = []

    def do_GET(self) -> None:
        server = type(self)
        server.ranges.append(self.headers.get("Range"))
        if self.path.startswith("/gone"):
            return self.send_error(404, "Not Found")
        start = 0
        asked = self.headers.get("Range")
        if asked and self.headers.get("If-Range") == self.tag():
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path.startswith("/page") else "application/zip")
        self.send_header("Content-Length", str(len(server.body) - start))
        self.send_header("ETag", self.tag())
        self.end_headers()
        end = len(server.body) if server.breaks_after is None else start + server.breaks_after
        self.wfile.write(server.body[start:end])
        return None

    def tag(self) -> str:
        return f'"{md5(type(self).body).hexdigest()}"'

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *args: object) -> None:
        """A client that hangs up early is part of the play."""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[type[Host], str]]:
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    kind = type("OneHost", (Host,), {"ranges": [], "body": BODY, "breaks_after": None})
    with Server(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield kind, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_download_goes_on_where_it_broke_off(host: tuple[type[Host], str], tmp_path: Path) -> None:
    kind, address = host
    kind.breaks_after = 300_000
    seen: list[tuple[str, int, int]] = []
    file = RemoteFile("data.zip", f"{address}/data.zip", f"sha256:{sha256(BODY).hexdigest()}")
    path = download.download(file, tmp_path, lambda *said: seen.append(said))
    assert path.read_bytes() == BODY
    assert kind.ranges == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["data.zip"], "no part is left"
    assert seen[-1] == ("fetching data.zip (MB)", 1, 1)


def test_another_process_goes_on_too_but_never_with_another_file(host: tuple[type[Host], str], tmp_path: Path) -> None:
    kind, address = host
    kind.breaks_after = 1_000
    file = RemoteFile("data.zip", f"{address}/data.zip")
    with pytest.raises(DataError, match=r"broke off 4 times, 4,000 bytes are kept; ask again to go on"):
        download.download(file, tmp_path, silent)
    kind.body, kind.breaks_after = BODY[::-1], None  # the publisher replaced it meanwhile
    assert download.download(file, tmp_path, silent).read_bytes() == BODY[::-1]


def test_a_wrong_checksum_leaves_nothing_behind(host: tuple[type[Host], str], tmp_path: Path) -> None:
    file = RemoteFile("data.zip", f"{host[1]}/data.zip", "md5:" + "0" * 32)
    with pytest.raises(DataError, match="another md5 checksum than 000"):
        download.download(file, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_without_a_published_checksum_the_first_file_is_the_measure(
    host: tuple[type[Host], str], tmp_path: Path
) -> None:
    kind, address = host
    file = RemoteFile("data.zip", f"{address}/data.zip")
    path = download.download(file, tmp_path, silent)
    record = json.loads((tmp_path / "checksums.json").read_text())
    assert record["data.zip"]["sha256"] == sha256(BODY).hexdigest()
    path.unlink()
    kind.body = BODY + b"!"
    with pytest.raises(DataError, match=r"another file than on .*delete its entry in .*checksums\.json"):
        download.download(file, tmp_path, silent)
    assert not path.exists()
    (tmp_path / "checksums.json").unlink()
    assert download.download(file, tmp_path, silent).read_bytes() == BODY + b"!"


def test_refusals_are_one_sentence_that_says_where_to_put_the_file(
    host: tuple[type[Host], str], tmp_path: Path
) -> None:
    address = host[1]
    with pytest.raises(DataError, match=r"127\.0\.0\.1 answers 404 .*see https://terms.*put it at .*data\.zip"):
        download.download(RemoteFile("data.zip", f"{address}/gone"), tmp_path, silent, "https://terms")
    with pytest.raises(DataError, match="sends a web page and no file"):
        download.download(RemoteFile("data.zip", f"{address}/page"), tmp_path, silent)


def test_offline_names_the_host_and_the_way_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path))
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    source = SOURCES["movielens-100k"]
    file = source.files[0]._replace(address="https://127.0.0.1:1/ml-100k.zip")
    monkeypatch.setitem(SOURCES, "movielens-100k", source._replace(files=(file,), installed=""))
    with pytest.raises(DataError) as error:
        load_source("movielens-100k", accept_licence=True)
    said = str(error.value)
    assert "127.0.0.1 cannot be reached" in said
    assert f"put it at {tmp_path}/downloads/movielens-100k/ml-100k.zip" in said
    assert "pip install --no-deps recbole==1.2.1" in said


def test_https_is_never_left(tmp_path: Path) -> None:
    handler = download._Https()
    request = download.urllib.request.Request("https://a/x")
    with pytest.raises(download.urllib.error.URLError, match="not encrypted"):
        handler.redirect_request(request, None, 302, "", {}, "http://a/x")


def test_a_licence_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = SOURCES["gowalla"]
    monkeypatch.delenv(licences.VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    ways = "foretaste sources gowalla --accept-licence, or accept_licence=True, or FORETASTE_ACCEPT_LICENCE=gowalla"
    with pytest.raises(DataError, match=ways):
        licences.ensure_accepted("gowalla", source, tmp_path, accept=False)
    assert licences.accepted(tmp_path, "gowalla") is None
    monkeypatch.setenv(licences.VARIABLE, "movielens-1m, gowalla")
    licences.ensure_accepted("gowalla", source, tmp_path, accept=False)
    assert source.licence in capsys.readouterr().err
    monkeypatch.delenv(licences.VARIABLE)
    licences.ensure_accepted("gowalla", source, tmp_path, accept=False)
    assert capsys.readouterr().err == "", "accepted once is enough"
    assert licences.accepted(tmp_path, "gowalla") is not None
    with pytest.raises(DataError):
        licences.ensure_accepted("gowalla", source._replace(licence="Another."), tmp_path, accept=False)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "taken"), [("yes\n", True), ("\n", False), ("n\n", False)])
def test_a_terminal_is_asked(answer: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(licences.VARIABLE, raising=False)
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())
    if taken:
        licences.ensure_accepted("steam", SOURCES["steam"], tmp_path, accept=False)
    else:
        with pytest.raises(DataError, match="not accepted, so nothing was fetched"):
            licences.ensure_accepted("steam", SOURCES["steam"], tmp_path, accept=False)
    assert (licences.accepted(tmp_path, "steam") is not None) == taken


def test_an_archive_cannot_climb_out_of_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../../escaped/ratings.csv", "a")
    scratch = tmp_path / "inner" / "scratch"
    scratch.mkdir(parents=True)
    assert archives.unpacked(path, "ratings.csv", scratch) == scratch / "ratings.csv"
    assert not list(tmp_path.parent.glob("**/escaped"))


def test_a_link_in_a_tar_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("ratings.csv")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(DataError, match=r"has no ratings\.csv"):
        archives.unpacked(path, "ratings.csv", tmp_path)


@pytest.mark.parametrize("kind", ["zip", "gz", "lines"])
def test_a_bomb_is_not_unpacked(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "ALWAYS", 2**20)
    zeros = b"0\n" * 4_000_000
    path = tmp_path / "bomb"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("ratings.csv", zeros)
    else:
        path.write_bytes(gzip.compress(zeros))
    (tmp_path / "scratch").mkdir()
    taken = archives.content if kind == "lines" else partial(archives.unpacked, scratch=tmp_path / "scratch")
    with pytest.raises(DataError, match="as no real table does"):
        taken(path, "ratings.csv")
    left = sum(file.stat().st_size for file in (tmp_path / "scratch").iterdir())
    assert left < 4 * 2**20


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b\x08\x00cut", gzip.compress(b"x" * 9999, mtime=0)[:-12]], ids=["garbage", "cut"]
)
def test_a_damaged_archive_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged"):
        archives.content(path, "")
