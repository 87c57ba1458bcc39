"""Searches whose right answers are known, made from the titles and tags of `ml-latest-small-posters`.

Four strata of 200 questions each, the same on every machine; the first of each two is for choosing weights
(validation), the second for judging them (test).

exact title : a title as it is written, without its year                          right: films of that title
typo        : the same with one slip of the finger in one word, two in long titles       right: the same
attribute   : a tag and a genre that at least two films carry both                 right: those films
paraphrase  : a title of which at least half of the words that matter are said in other words    right: that film
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from foretaste.data.items import ItemTable

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.dataset import Dataset

EACH = 200
STRATA = ("exact title", "typo", "attribute", "paraphrase")
SHELF = r"(?i)netflix|queue|watch|\bowned\b|\bsee\b|dvd"
"""Tags about a person's shelf and not about a film."""
_SMALL = """
a an and at by de for from i ii iii in is it la le my of on or part s the to who with you your
"""
SMALL = frozenset(_SMALL.split())
ROW = "qwertyuiopasdfghjklzxcvbnm"
_OTHER = """
love=romance night=evening nights=evenings dead=deceased death=dying day=date little=small world=globe big=large
girl=young-lady girls=young-ladies house=home king=monarch kings=monarchs dark=unlit city=metropolis war=combat
wars=conflicts boy=lad boys=lads lost=missing blood=gore secret=hidden woman=lady women=ladies bad=wicked
great=grand game=contest games=contests good=decent earth=soil dog=hound dogs=hounds legend=myth return=comeback
returns=comes-back people=folks planet=celestial-body kid=youngster kids=youngsters street=avenue final=ultimate
way=path kill=slay killer=murderer killing=slaying ghost=spirit ghosts=spirits heart=soul children=youngsters
doctor=physician sea=ocean devil=satan family=relatives baby=infant fire=flames end=finish hard=difficult
party=celebration town=village angels=cherubs angel=cherub journey=voyage wedding=marriage-ceremony tale=fable
tales=fables road=highway lady=gentlewoman school=academy money=cash dream=vision dreams=visions kiss=smooch
moon=lunar book=novel perfect=flawless god=deity heaven=paradise evil=wicked cat=feline father=dad mother=mum
island=isle space=cosmos run=sprint battle=fight old=aged eye=eyeball young=youthful brothers=siblings
brother=sibling beauty=loveliness beautiful=lovely cop=policeman paradise=heaven land=ground revenge=vengeance
train=railway vampire=bloodsucker walk=stroll rock=stone snow=frost eyes=gaze water=liquid crazy=insane
murder=homicide fear=dread river=stream hero=champion beast=creature spy=secret-agent ice=frozen-water
captain=commander dawn=sunrise body=corpse adventure=escapade adventures=escapades talk=speak hill=mound
hills=mounds cold=chilly call=phone hunter=stalker witch=sorceress monster=creature monsters=creatures
rise=ascent happy=joyful sky=heavens lord=master jungle=rainforest escape=breakout beach=seaside diary=journal
midnight=twelve-at-night sweet=sugary meet=encounter thief=robber child=youngster tomorrow=the-day-after-today
police=cops country=nation wife=spouse husband=spouse trouble=difficulty mountain=peak curse=hex fast=quick
dangerous=perilous power=might gun=pistol guns=pistols shadow=silhouette business=commerce hotel=inn
hour=sixty-minutes winter=cold-season treasure=riches castle=fortress friends=buddies friend=buddy
trip=excursion nightmare=bad-dream company=firm stone=rock song=tune crime=felony dance=ballet funny=amusing
alien=extraterrestrial alone=by-myself forest=woods picture=image car=automobile ship=boat soldier=warrior
queen=female-monarch teacher=educator ring=hoop garden=backyard doll=toy-figure birds=fowl bird=fowl
stranger=unknown-person strangers=unknown-people prison=jail rain=downpour storm=tempest horse=stallion
teeth=fangs lies=untruths liar=fibber rich=wealthy poor=penniless
"""
OTHER_WORDS = dict(pair.split("=") for pair in _OTHER.split())


class Case(NamedTuple):
    stratum: str
    query: str
    right: frozenset[int]
    """Codes of the items, one of which should be among the first."""


def catalogue(data: Dataset, folder: Path) -> ItemTable:
    """The films with the tags people gave them, as one column."""
    tags = (
        pl.read_parquet(folder / "tags.parquet")
        .filter(~pl.col("tag").str.contains(SHELF))
        .select(pl.col("item_id").cast(pl.String).alias("item"), pl.col("tag").str.to_lowercase())
        .unique(maintain_order=True)
        .group_by("item", maintain_order=True)
        .agg(pl.col("tag").alias("tags"))
    )
    frame = data.items.as_frame().select("item", "title", pl.col("genres").str.split("|"))
    return ItemTable.of(data.items.ids, frame.join(tags, on="item", how="left", maintain_order="left"), title="title")


def cases(items: ItemTable, seed: int = 0) -> list[Case]:
    """4 x EACH questions, stratum by stratum."""
    chance = random.Random(seed)
    titles = [bare(title) for title in items.titles()]
    of_title: dict[str, set[int]] = {}
    for code, title in enumerate(titles):
        of_title.setdefault(title.lower(), set()).add(code)
    order = [code for code in range(len(titles)) if titles[code] and titles[code].isascii()]
    chance.shuffle(order)

    def case(stratum: str, code: int, query: str) -> Case:
        return Case(stratum, query, frozenset(of_title[titles[code].lower()]))

    plain, slips, rest = order[:EACH], order[EACH : 3 * EACH], order[3 * EACH :]
    found = [case("exact title", code, titles[code]) for code in plain]
    typos = [(code, slipped(titles[code], chance)) for code in slips]
    found += [case("typo", code, query) for code, query in typos if query != titles[code]][:EACH]
    found += _attributes(items, chance)
    other = [(code, said) for code in rest if (said := in_other_words(titles[code]))]
    return found + [case("paraphrase", code, said) for code, said in other][:EACH]


def bare(title: str) -> str:
    """'Matrix, The (1999)' as people say it: The Matrix."""
    name = re.sub(r"\s*\([^)]*\)", "", title).strip()
    turned = re.fullmatch(r"(.*), (The|A|An|Les|Le|La)", name)
    return f"{turned[2]} {turned[1]}" if turned else name


def slipped(title: str, chance: random.Random) -> str:
    """With one slip in a word of at least four letters; two slipped words in a title of four or more."""
    words = title.split()
    long = [i for i, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    for i in chance.sample(long, min(len(long), 2 if len(words) >= 4 else 1)):
        words[i] = _slip(words[i], chance)
    return " ".join(words)


def in_other_words(title: str) -> str | None:
    """The title with every word replaced that has another; None where less than half of what matters would change."""
    words = re.findall(r"[a-z0-9]+", title.lower().replace("'", ""))
    matter = [word for word in words if word not in SMALL]
    changed = [word for word in matter if word in OTHER_WORDS]
    if not changed or 2 * len(changed) < len(matter):
        return None
    return " ".join(OTHER_WORDS.get(word, word).replace("-", " ") for word in words)


def _slip(word: str, chance: random.Random) -> str:
    i = chance.randrange(1, len(word) - 1)
    how = chance.choice(("swap", "drop", "twice", "beside"))
    if how == "swap":
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if how == "drop":
        return word[:i] + word[i + 1 :]
    if how == "twice":
        return word[:i] + word[i] + word[i:]
    place = ROW.find(word[i].lower())
    return word[:i] + ROW[(place + 1) % len(ROW)] + word[i + 1 :]


def _attributes(items: ItemTable, chance: random.Random) -> list[Case]:
    carriers: dict[tuple[str, str], set[int]] = {}
    for code, (genres, tags) in enumerate(items.frame.select("genres", "tags").iter_rows()):
        for tag in tags or ():
            for genre in genres or ():
                if genre.lower() not in tag and "no genres" not in genre:
                    carriers.setdefault((tag, genre.lower()), set()).add(code)
    pairs = sorted(pair for pair, codes in carriers.items() if len(codes) >= 2)
    chosen = chance.sample(pairs, EACH)
    return [Case("attribute", f"{tag} {genre}", frozenset(carriers[tag, genre])) for tag, genre in chosen]
