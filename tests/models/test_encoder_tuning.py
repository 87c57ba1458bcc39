"""Fine-tuning of text encoders: batches, loss, adapters, and the effect on cold items."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
pytest.importorskip("sentence_transformers", reason="the extra 'text' is not installed")
from foretaste.data.dataset import Dataset  # noqa: E402
from foretaste.data.items import ItemTable  # noqa: E402
from foretaste.errors import ConfigError, DataError  # noqa: E402
from foretaste.features.adapters import ABOUT  # noqa: E402
from foretaste.features.items import encode_texts  # noqa: E402
from foretaste.features.language_models import sentence_transformer, weights_of  # noqa: E402
from foretaste.features.text import TextEncoderConfig  # noqa: E402
from foretaste.models.content.tuned import TunedContent, TunedContentConfig  # noqa: E402
from foretaste.models.encoder_tuning import fine_tune as fine_tune_module  # noqa: E402
from foretaste.models.encoder_tuning import layers  # noqa: E402
from foretaste.models.encoder_tuning.config import FineTuneConfig, PretrainConfig  # noqa: E402
from foretaste.models.encoder_tuning.contrastive import ContrastiveBatches, contrastive_loss, decayed_prefix_sums  # noqa: E402
from foretaste.models.encoder_tuning.fine_tune import fine_tune  # noqa: E402
from foretaste.models.encoder_tuning.lora import LoraLinear, adapter_weights, add_adapters  # noqa: E402
from foretaste.models.encoder_tuning.pretrain import MaskedTextBatches, pretrain  # noqa: E402
from foretaste.training.config import TrainingConfig  # noqa: E402
from foretaste.types import History, Queries, Run  # noqa: E402

FULL = TextEncoderConfig(dtype="float32")
SHORT = TrainingConfig(
    epochs=3, least_steps=0, batch_events=60, learning_rate=2e-3, warm_up_steps=2, averaging=0.0, patience=3
)
QUICK = FineTuneConfig(encoder=FULL, layers=1, rank=8, batches=8, training=SHORT)
NOUNS = ("kettle", "lamp", "ladder", "sofa", "trumpet", "bicycle", "hammer", "blanket", "mirror", "teapot", "candle")
NEW = ("violin", "wardrobe", "compass")
BRANDS = ("Zorvex", "Quibbly")


def brands() -> Dataset:
    """Everybody keeps to one of two brands, whatever the thing: words the encoder holds for noise are all that counts.
    Of each brand stand three things in the catalogue that nobody has taken."""
    rng = np.random.default_rng(0)
    rows = [(f"u{u}", f"{BRANDS[u % 2]} {noun}") for u in range(40) for noun in rng.permutation(NOUNS)[:6]]
    events = pl.DataFrame(rows, schema=["user", "item"], orient="row")
    titles = [f"{brand} {noun}" for brand in BRANDS for noun in (*NOUNS, *NEW)]
    return Dataset.from_frame(events, pl.DataFrame({"item": titles, "title": titles}), name="brands")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kinship(data: Dataset, encoder: TextEncoderConfig) -> float:
    """How much nearer things of the same brand are than the same things of the other, among the new items alone."""
    titles = data.items.titles()
    vectors = encode_texts(titles, encoder, Run())
    new = [i for i, title in enumerate(titles) if title.split()[1] in NEW]
    brand = np.array([titles[i].split()[0] for i in new])
    near = vectors[new] @ vectors[new].T
    same = brand[:, None] == brand
    return float(near[same & ~np.eye(len(new), dtype=bool)].mean() - near[~same].mean())


def test_new_items_follow_what_people_did_with_others() -> None:
    data = brands()
    tuned = fine_tune(data, QUICK, Run())
    assert kinship(data, FULL) < 0.3
    assert kinship(data, tuned.encoder) > kinship(data, FULL) + 0.2
    assert tuned.epochs == 3


def test_the_same_again_learns_nothing_and_another_catalogue_does(monkeypatch: pytest.MonkeyPatch) -> None:
    data = brands()
    first = fine_tune(data, QUICK, Run())
    trained: list[str] = []

    def stop(*args: object, **named: object) -> None:
        trained.append("again")
        raise KeyboardInterrupt

    monkeypatch.setattr(fine_tune_module, "train_loop", stop)
    assert fine_tune(data, QUICK, Run()) == first
    for other in (QUICK.model_copy(update={"rank": 4}), QUICK.model_copy(update={"pieces": ("by {title}",)})):
        with pytest.raises(KeyboardInterrupt):
            fine_tune(data, other, Run())
    assert len(trained) == 2
    assert weights_of(first.encoder.name) != weights_of(FULL.name)


def test_a_tuned_encoder_is_the_same_wherever_its_folder_lies(tmp_path: Path) -> None:
    tuned = fine_tune(brands(), QUICK, Run()).encoder
    shutil.copytree(tuned.name, tmp_path / "elsewhere")
    assert weights_of(str(tmp_path / "elsewhere")) == weights_of(tuned.name)


def test_interrupted_it_goes_on_and_comes_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = brands()

    def weak(what: str, done: int, total: int) -> None:
        if "epoch 3" in what and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fine_tune(data, QUICK, Run(progress=weak))
    seen: list[str] = []
    resumed = fine_tune(data, QUICK, Run(progress=lambda what, done, total: seen.append(what)))
    assert not any("epoch 1" in what or "epoch 2" in what for what in seen)
    assert not list(Path(resumed.encoder.name).parent.glob("*.training")), "checkpoints are gone when all is done"
    monkeypatch.setenv("FORETASTE_CACHE", str(tmp_path / "other"))
    whole = fine_tune(data, QUICK, Run())
    assert weights_of(resumed.encoder.name).split()[:-1] == weights_of(whole.encoder.name).split()[:-1]
    titles = data.items.titles()
    np.testing.assert_array_equal(
        encode_texts(titles, resumed.encoder, Run()), encode_texts(titles, whole.encoder, Run())
    )


def test_early_stopping_keeps_the_best_epoch() -> None:
    scores = iter([0.9, 0.1, 0.1])
    assert fine_tune(brands(), QUICK, Run(), validation_score=lambda vectors: next(scores)).epochs == 1


def test_what_is_watched_is_what_is_kept() -> None:
    """The vectors handed to validation in the last epoch are those of the encoder that is written."""
    data = brands()
    seen: list[np.ndarray] = []

    def validation_score(vectors: np.ndarray) -> float:
        seen.append(vectors)
        return float(len(seen))

    tuned = fine_tune(data, QUICK, Run(), validation_score=validation_score)
    np.testing.assert_allclose(seen[-1], encode_texts(data.items.titles(), tuned.encoder, Run()), atol=1e-4)


def test_continued_pretraining_reads_without_clicks_and_fine_tuning_builds_on_it() -> None:
    data = brands()
    config = PretrainConfig(
        masked=0.3, training=SHORT.model_copy(update={"batch_events": 28, "epochs": 7, "learning_rate": 4e-3})
    )
    read = pretrain(data.items.titles(), FULL, config, Run())
    about = json.loads((Path(read.name) / ABOUT).read_text())
    assert np.mean(about["losses"][-3:]) < about["losses"][0] - 0.1
    assert pretrain(data.items.titles(), FULL, config, Run()) == read
    both = fine_tune(data, QUICK.model_copy(update={"pretrain": config}), Run())
    assert json.loads((Path(both.encoder.name) / ABOUT).read_text())["stages"] == 2
    assert kinship(data, both.encoder) > kinship(data, read) + 0.15


def test_masks_hide_words_and_never_marks() -> None:
    tokenizer = sentence_transformer(FULL.name, FULL.dtype).tokenizer
    tokens = [
        np.array(row) for row in tokenizer([f"{brand} {noun}" for brand in BRANDS for noun in NOUNS])["input_ids"]
    ]
    asked = total = hidden = 0
    for batch in MaskedTextBatches(tokens, 0.3, tokenizer).epoch(7, np.random.default_rng(0)):
        assert not np.isin(batch.targets.numpy(), tokenizer.all_special_ids).any()
        asked += len(batch.targets)
        hidden += int((batch.tokens == tokenizer.mask_token_id).sum())
        total += int(batch.mask.sum()) - 2 * len(batch.tokens)
    assert 0.2 < asked / total < 0.4
    assert 0.65 < hidden / asked < 0.95


def test_an_adapter_begins_as_nothing_and_becomes_a_change_of_the_weights() -> None:
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.GELU(), torch.nn.Linear(5, 4))
    x = torch.randn(3, 6)
    before = plain(x)
    add_adapters(plain, 2)
    torch.testing.assert_close(plain(x), before)
    assert [name for name, p in plain.named_parameters() if p.requires_grad] == ["0.A", "0.B", "2.A", "2.B"]
    for child in plain:
        if isinstance(child, LoraLinear):
            torch.nn.init.normal_(child.B)
    changes = adapter_weights(plain)
    merged = [
        child.frozen.weight + changes[f"{n}.B"] @ changes[f"{n}.A"] for n, child in ((0, plain[0]), (2, plain[2]))
    ]
    by_hand = torch.nn.functional.gelu(x @ merged[0].T + plain[0].frozen.bias) @ merged[1].T + plain[2].frozen.bias
    torch.testing.assert_close(plain(x), by_hand)


def test_batches_read_each_item_once_and_ask_for_what_followed() -> None:
    history = History.of_items([[0, 1, 2], [2, 2, 3], [4], [5, 6, 7, 8, 9, 1]])
    batches = ContrastiveBatches(history, QUICK.model_copy(update={"max_length": 4}))
    for batch in batches.epoch(100, np.random.default_rng(0)):
        items = batch.items[batch.item_index.numpy()]
        assert len(set(batch.items.tolist())) == len(batch.items)
        followed = {(int(items[at]), int(batch.items[to])) for at, to in zip(batch.anchors, batch.targets, strict=True)}
        rows = [items[batch.row.numpy() == row].tolist() for row in range(int(batch.row.max()) + 1)]
        assert followed == {(a, b) for row in rows for a, b in itertools.pairwise(row) if a != b}
        assert max(map(len, rows)) == 4
        assert [4] not in rows


@pytest.mark.parametrize("anchor", ["item", "history"])
def test_the_loss_is_the_plain_one(anchor: Any) -> None:
    config = QUICK.model_copy(update={"anchor": anchor, "half_life_events": 1.5, "temperature": 0.3})
    rng = np.random.default_rng(1)
    history = History.of_items([rng.permutation(12)[:n] for n in (3, 5, 2, 4)])
    batch = next(ContrastiveBatches(history, config).epoch(100, rng))
    vectors = torch.nn.functional.normalize(torch.from_numpy(rng.normal(size=(len(batch.items), 4))), dim=1)
    log_q = torch.from_numpy(rng.normal(size=12))
    losses = []
    for row in range(4):
        places = batch.item_index[batch.row == row].tolist()
        for t in range(len(places) - 1):
            if anchor == "item":
                asked = [(vectors[places[t]], places[t + 1]), (vectors[places[t + 1]], places[t])]
            else:
                taste = sum(vectors[places[s]] * 2 ** (-(t - s) / 1.5) for s in range(t + 1))
                asked = [(taste / taste.norm(), places[t + 1])]
            for a, target in asked:
                others = [j for j in range(len(vectors)) if j == target or j not in places]
                scores = torch.stack([a @ vectors[j] / 0.3 - log_q[batch.items[j]] for j in others])
                losses.append(-torch.log_softmax(scores, 0)[others.index(target)])
    torch.testing.assert_close(contrastive_loss(vectors, batch, log_q, config), torch.stack(losses).mean())


def test_prefix_sums_are_recency_weighted() -> None:
    vectors, row = torch.eye(4), torch.tensor([0, 0, 0, 1])
    expected = torch.tensor([[1, 0, 0, 0], [0.5, 1, 0, 0], [0.25, 0.5, 1, 0], [0, 0, 0, 1]])
    torch.testing.assert_close(decayed_prefix_sums(vectors, row, 1.0), expected)


def test_similar_users_share_a_batch() -> None:
    """Two kinds of people, and batches of one kind only."""
    history = History.of_items([[u % 2, 2 + u % 2] for u in range(40)])
    vectors = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    batches = ContrastiveBatches(history, QUICK.model_copy(update={"look_alikes": 1.0}), vectors)
    for batch in batches.epoch(20, np.random.default_rng(0)):
        assert len({item % 2 for item in batch.items.tolist()}) == 1


def test_a_catalogue_too_large_to_keep_is_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = sentence_transformer(FULL.name, FULL.dtype)
    body = layers.transformer_of(model, FULL.name)
    texts = ["a", "a longer text about kettles and lamps", "two words"]
    kept = layers.FrozenLayers(model, body, texts, 5, 16, Run())
    monkeypatch.setattr(layers, "MAX_CACHED_BYTES", 0)
    anew = layers.FrozenLayers(model, body, texts, 5, 16, Run())
    upper = layers.TunedLayers(model, body, 1, 4)
    rows = np.array([1, 0, 2])
    one, two = (layers.encode(upper, below, rows).detach().numpy() for below in (kept, anew))
    np.testing.assert_allclose(one, two, atol=1e-5)
    np.testing.assert_allclose(one, model.encode([texts[row] for row in rows]), atol=1e-5)


def test_saved_with_the_model_it_reads_new_items_where_there_is_no_cache(tmp_path: Path, cache: Path) -> None:
    data = brands()
    model = TunedContent(TunedContentConfig(read={"encoder": FULL}, tuning=QUICK)).fit(data, Run())
    queries = Queries.guests([[0, 3], [5]])
    model.save(tmp_path / "model")
    shutil.rmtree(cache)
    again = TunedContent.load(tmp_path / "model")
    np.testing.assert_array_equal(again.recommend(queries, 5).items, model.recommend(queries, 5).items)
    assert again.refit_config.tuning.training.epochs == 3
    ids = data.items.ids.extended(["Zorvex anvil"])
    titles = [*data.items.titles(), "Zorvex anvil"]
    grown = again.with_items(ItemTable.of(ids, pl.DataFrame({"item": titles, "title": titles})), Run())
    who = Queries.guests([[data.items.ids.code("Zorvex sofa"), data.items.ids.code("Zorvex lamp")]])
    scores = grown.score(who, np.array([[ids.code("Zorvex anvil"), ids.code("Quibbly sofa")]], np.int32))[0]
    assert scores[0] > scores[1]


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    data = brands()
    with pytest.raises(ConfigError, match="no layers that can be fine-tuned"):
        fine_tune(data, QUICK.model_copy(update={"encoder": TextEncoderConfig(name="wordllama")}), Run())
    alone = Dataset.from_frame(pl.DataFrame({"user": ["u", "v"], "item": ["a", "b"]}), data.items.as_frame())
    with pytest.raises(DataError, match="No user has two items"):
        fine_tune(alone, QUICK, Run())
    tuned = Path(fine_tune(data, QUICK, Run()).encoder.name)
    about = json.loads((tuned / ABOUT).read_text())
    (tuned / ABOUT).write_text(json.dumps({**about, "weights": "another"}))
    with pytest.raises(ConfigError, match="was fine-tuned from another"):
        sentence_transformer(str(tuned), "float32")
    (tuned / ABOUT).write_text("{")
    with pytest.raises(ConfigError, match="fine-tune it again"):
        weights_of(str(tuned))
