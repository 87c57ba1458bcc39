"""Evenly spaced frames of a video, by seeking instead of decoding everything (PyAV, the libraries of FFmpeg)."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from foretaste.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

MAX_PIXELS = 50_000_000
"""Larger images are refused: a decompression bomb of a few kB can unpack to gigabytes."""


def is_video(content: bytes) -> bool:
    """By magic number: MP4 and MOV, Matroska and WebM, AVI, MPEG."""
    head = content[:12]
    # HEIC and AVIF images use the container of MP4; the brand tells them apart.
    boxed = head[4:8] == b"ftyp" and head[8:12] not in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
    in_riff = head[:4] == b"RIFF" and head[8:12] == b"AVI "
    return boxed or in_riff or head[:4] in (b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")


def frames_of(content: bytes, count: int) -> list[Image]:
    """At most `count` RGB frames, from the middles of as many equal parts; empty where the file is unreadable."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "?", "video", "Encoding videos") from error
    try:
        with av.open(BytesIO(content), mode="r") as container:
            if not container.streams.video:
                return []
            stream: Any = container.streams.video[0]
            stream.thread_type = "AUTO"
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                return []
            frames = (
                _frames_by_time(container, stream, count)
                if container.duration
                else _frames_by_thinning(container, count)
            )
            return [frame.to_image() for frame in frames]
    # FFmpegError is FFmpeg's base error; the others come from truncated files.
    except (av.FFmpegError, OSError, ValueError, EOFError, IndexError):
        return []


def _frames_by_time(container: Any, stream: Any, count: int) -> list[Any]:
    """By time: the frame shown at each moment, decoded from the key frame before it."""
    start = (container.start_time or 0) / 1e6
    length = container.duration / 1e6
    frames: dict[int, Any] = {}
    for part in range(count):
        moment = start + length * (part + 0.5) / count
        container.seek(int(moment * 1e6), backward=True)
        shown = None
        for frame in container.decode(stream):
            if shown is not None and (frame.time is None or frame.time > moment):
                break
            shown = frame
        if shown is not None:
            frames[shown.pts if shown.pts is not None else part] = (
                shown  # a short clip may give one frame several times
            )
    return list(frames.values())


def _frames_by_thinning(container: Any, count: int) -> list[Any]:
    """For an unknown duration: decode every frame, and halve the kept ones whenever there are 2 · count."""
    kept: list[Any] = []
    step = 1
    for number, frame in enumerate(_decoded(container)):
        if number % step == 0:
            kept.append(frame)
        if len(kept) == 2 * count:
            kept, step = kept[::2], 2 * step
    if len(kept) <= count:
        return kept
    return [kept[(2 * part + 1) * len(kept) // (2 * count)] for part in range(count)]


def _decoded(container: Any) -> Iterator[Any]:
    yield from container.decode(video=0)
