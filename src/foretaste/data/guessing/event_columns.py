"""Guesses which columns of an event table are user, item, time, kind and value: by name first, then by values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import polars as pl

from foretaste.config import Config
from foretaste.data.parsing.numbers import number
from foretaste.data.parsing.times import EXCEL, day_or_month_first, guess_format, sensible, to_microseconds
from foretaste.data.readers.common import is_plain
from foretaste.data.readers.tables import FILE, ROW

if TYPE_CHECKING:
    from collections.abc import Iterable

Role = Literal["user", "item", "time", "kind", "value"]
SAMPLE = 2_000

NAMES: dict[Role, tuple[str, ...]] = {
    "user": (
        *("user", "userid", "useridentifier", "customer", "customerid", "client", "clientid", "visitor", "visitorid"),
        *("member", "memberid", "account", "accountid", "person", "personid", "buyer", "reader", "reviewerid", "uid"),
        *("shopper", "session", "sessionid", "profileid", "subscriber", "cookie", "deviceid", "username", "email"),
        *("kunde", "kundennummer", "kundenid", "kundennr", "benutzer", "nutzer", "client", "utilisateur", "usuario"),
        *("cliente", "clienteid", "idcliente", "utente", "gebruiker", "klant", "klantid", "kayttaja", "bruger", "用户"),
    ),
    "item": (
        *("item", "itemid", "product", "productid", "sku", "asin", "article", "articleid", "movie", "movieid", "film"),
        *("book", "bookid", "isbn", "track", "trackid", "song", "songid", "artist", "artistid", "video", "videoid"),
        *("content", "contentid", "news", "newsid", "ad", "adid", "game", "appid", "app", "poi", "location", "iid"),
        *("business", "businessid", "listing", "listingid", "parentasin", "stockcode", "upc", "ean", "gtin", "variant"),
        *("artikel", "artikelnummer", "artikelnr", "artikelid", "produkt", "produit", "produitid", "producto", "商品"),
        *("articulo", "prodotto", "articolo", "produto", "vare", "tuote"),
    ),
    "time": (
        *("time", "timestamp", "date", "datetime", "eventtime", "ts", "createdat", "created", "occurredat", "when"),
        *("unixreviewtime", "ratedat", "purchasedat", "orderdate", "invoicedate", "visitedat", "eventdate", "day"),
        *("zeitpunkt", "zeit", "datum", "zeitstempel", "bestelldatum", "heure", "fecha", "hora", "data", "dataora"),
        *("tijd", "tid", "时间"),
    ),
    "kind": (
        *("kind", "event", "eventtype", "type", "action", "behavior", "behaviour", "interaction", "activity", "verb"),
        *("interactiontype", "eventname", "aktion", "ereignis", "art", "evenement", "accion", "evento", "azione"),
    ),
    "value": (
        *("rating", "value", "score", "stars", "quantity", "qty", "count", "amount", "playcount", "listencount"),
        *("watchtime", "duration", "weight", "overall", "percentwatched", "note", "bewertung", "menge"),
        *("anzahl", "sterne", "puntuacion", "valoracion", "voto", "cantidad"),
        *("watchseconds", "secondswatched", "watchedseconds", "watchratio", "playtime", "listentime", "msplayed"),
        *("dwelltime", "playduration", "plays"),
    ),
}
KIND_SYNONYMS = {
    "view": (
        *("view", "pageview", "pv", "impressionclick", "viewed", "detail", "ansicht", "gesehen", "browse", "visit"),
        *("viewitem", "itemview", "productview", "viewproduct", "open", "opened", "read"),
    ),
    "click": ("click", "clicked", "clk", "klick", "selectitem", "tap"),
    "cart": ("cart", "addtocart", "basket", "addcart", "warenkorb", "added", "addtobasket", "begincheckout"),
    "buy": (
        *("buy", "purchase", "order", "transaction", "bought", "sale", "purchased", "kauf", "gekauft", "checkout"),
        *("ordered", "pay", "paid", "conversion", "achat", "compra"),
    ),
    "like": ("like", "liked", "thumbsup", "upvote", "heart", "upvoted", "gefallt"),
    "favourite": (
        *("fav", "favorite", "favourite", "wishlist", "save", "saved", "bookmark", "collect"),
        *("addtowishlist", "favorited", "favourited", "bookmarked", "follow", "followed", "merkzettel"),
    ),
    "share": ("share", "shared", "repost", "retweet", "forward", "teilen", "geteilt"),
    "comment": ("comment", "review", "commented", "reply", "replied", "kommentar"),
    "watch": ("watch", "watched", "play", "played", "stream", "watchtime", "videoplay", "playback", "streamed"),
    "listen": ("listen", "listened", "scrobble"),
    "dislike": (
        *("dislike", "thumbsdown", "downvote", "hide", "block"),
        *("disliked", "notinterested", "downvoted", "hidden", "blocked", "reported"),
    ),
    "skip": ("skip", "skipped", "pass", "passed", "swipeleft"),
    "search": ("search", "query", "searched", "suche"),
    "rating": ("rating", "rate", "rated", "stars", "overall"),
}
VALUE_KINDS = {
    "rating": ("rating", "stars", "overall", "bewertung", "sterne", "puntuacion", "valoracion"),
    "watch": (
        *("watchtime", "watchseconds", "secondswatched", "watchedseconds", "watchratio", "percentwatched"),
        *("playtime", "playduration"),
    ),
    "listen": ("plays", "playcount", "listencount", "listentime", "msplayed"),
}
"""The kind of all events of a log without a kind column, by the name of its value column."""


class Guess(Config):
    role: Role
    column: str | None
    why: str
    sample: str = ""
    """A value of the column."""
    confidence: float = 0.0
    """0 to 1; a guess below 0.5 should be checked by a person."""


def guess_columns(frame: pl.DataFrame) -> list[Guess]:
    """One guess per role, in the order user, item, time, kind, value; its column is None where none fits."""
    columns = [name for name, dtype in frame.schema.items() if name not in {ROW, FILE} and is_plain(dtype)]
    sample = spread(frame)
    found: dict[Role, Guess] = {}
    for role in NAMES:
        taken = {guess.column for guess in found.values()}
        free = [name for name in columns if name not in taken]
        found[role] = _by_name(role, free, sample)
    _by_content(found, columns, sample)
    return [found[role] for role in NAMES]


def spread(frame: pl.DataFrame) -> pl.DataFrame:
    """SAMPLE rows spread over the table, because the first rows of a log are often of one day and one kind."""
    return frame.gather_every(max(1, len(frame) // SAMPLE)).head(SAMPLE)


def _by_name(role: Role, columns: list[str], sample: pl.DataFrame) -> Guess:
    """The column whose name fits the role best, if its values fit too."""
    ranked = []
    for column in columns:
        plain = _plain(column)
        if plain in NAMES[role]:
            ranked.append((NAMES[role].index(plain), column, "called that"))
        elif near := next((word for word in NAMES[role] if len(word) > 3 and word in plain), None):
            ranked.append((100 + NAMES[role].index(near), column, f"its name holds '{near}'"))
    for rank, column, why in sorted(ranked):
        if _fits(role, sample[column], named=rank < 100):
            if role == "time":
                why += _said_of_times(sample[column])
            sure = 0.95 if rank < 100 else 0.7
            return Guess(role=role, column=column, why=why, sample=_example(sample[column]), confidence=sure)
    if ranked:
        needs = {"time": "do not read as times", "value": "are not numbers", "kind": "are not a few words"}
        why = f"'{min(ranked)[1]}' is called that, but its values {needs.get(role, 'do not fit')}"
        return Guess(role=role, column=None, why=why)
    return Guess(role=role, column=None, why="no column is called that")


def _said_of_times(column: pl.Series) -> str:
    """A remark on how the times are read."""
    if column.dtype.is_temporal():
        return ""
    values = column.drop_nulls().cast(pl.String).to_list()
    spelling, _ = guess_format(values)
    if day_or_month_first(values, spelling):
        first = "day" if spelling.startswith("%d") else "month"
        return f"; day or month first? read with the {first} first (time_format)"
    clock = any(unit in spelling for unit in ("%H", "%I")) and not spelling.endswith(("Z", "GMT", "%Y"))
    naive = clock or (spelling == "iso" and not any(re.search(r":\d\d.*(Z|UTC|[+-]\d\d)", value) for value in values))
    return "; names no zone, so UTC is taken (time_zone)" if naive else ""


def _by_content(found: dict[Role, Guess], columns: list[str], sample: pl.DataFrame) -> None:
    """Fill the roles without a fitting name by values: columns that read as times, then those with repeated values."""

    def free() -> list[str]:
        taken = {guess.column for guess in found.values()}
        return [name for name in columns if name not in taken]

    def put(role: Role, column: str, why: str, sure: float) -> None:
        example = _example(sample[column])
        found[role] = Guess(role=role, column=column, why=why, sample=example, confidence=sure)

    if found["time"].column is None:
        for column in free():
            if _reads_as_time(sample[column]) and sample[column].n_unique() > min(20, len(sample) // 2):
                put("time", column, "its values read as times" + _said_of_times(sample[column]), 0.7)
                break
    for role in ("user", "item"):
        if found[role].column is None:
            ids = [name for name in free() if sample[name].n_unique() > 1 and not _measures(sample[name])] or free()
            if ids:
                put(role, ids[0], f"the first column left that could be ids of {role}s", 0.3)
    if found["kind"].column is None:
        for column in free():
            words = {_plain(value) for value in sample[column].drop_nulls().cast(pl.String).unique()}
            if words and len(words) <= 20 and all(canonical_kind(word) for word in words):
                put("kind", column, "its values are kinds of events", 0.8)
                break
    if found["value"].column is None and found["user"].confidence < 0.5:  # nothing has a name here
        for column in free():
            if sample[column].n_unique() <= 11 and _share_numeric(sample[column]) == 1 and _at_most_ten(sample[column]):
                put("value", column, "a few numbers up to ten, as ratings are", 0.4)
                break


def _fits(role: Role, column: pl.Series, *, named: bool = False) -> bool:
    if role == "time":
        return _reads_as_time(column, named=named)
    if role == "value":
        return _share_numeric(column) > 0.8
    if role == "kind":
        return column.n_unique() <= 50 and _share_numeric(column) < 0.5
    return True


def _measures(column: pl.Series) -> bool:
    return column.dtype.is_float() or column.dtype.is_temporal()


def _reads_as_time(column: pl.Series, *, named: bool = False) -> bool:
    if column.dtype.is_temporal():
        return True
    values = column.drop_nulls().cast(pl.String)
    spelling, share = guess_format(values.to_list())
    if spelling == EXCEL:
        # Small numbers may be anything; in a column called 'date', between 1990 and today, they are a spreadsheet's.
        return named and number(sensible(to_microseconds(values, EXCEL)).mean()) > 0.9
    return share > 0.8


def _at_most_ten(column: pl.Series) -> bool:
    numbers = column.cast(pl.String).str.strip_chars().str.replace(",", ".", literal=True).cast(pl.Float64)
    return bool(numbers.is_between(-1, 10).all())


def _share_numeric(column: pl.Series) -> float:
    if column.dtype.is_numeric():
        return 1.0
    values = column.drop_nulls().cast(pl.String).str.strip_chars().str.replace(",", ".", literal=True)
    return 1 - values.cast(pl.Float64, strict=False).null_count() / len(values) if len(values) else 0.0


def canonical_kind(name: str) -> str | None:
    """The usual kind that a word means: 'cart' for 'add_to_cart'; None for any other word."""
    plain = _plain(name)
    return next((kind for kind, words in KIND_SYNONYMS.items() if plain in words), None)


def kind_of_values(column: str) -> str | None:
    """The kind of events by the name of their value column: 'rating' for 'stars', 'watch' for 'watch_time'."""
    plain = _plain(column)
    return next((kind for kind, words in VALUE_KINDS.items() if plain in words), None)


def guess_title(columns: Iterable[str]) -> str | None:
    """The column with the display name of an item."""
    words = (
        "title",
        "name",
        "productname",
        "producttitle",
        "headline",
        "titel",
        "titre",
        "titulo",
        "titolo",
        "bezeichnung",
    )
    plain = {_plain(column): column for column in columns}
    return next((plain[word] for word in words if word in plain), None)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _example(column: pl.Series) -> str:
    values = column.drop_nulls()
    return str(values[0])[:40] if len(values) else ""
