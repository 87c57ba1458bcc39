"""foretaste: a complete recommender system. Your event log in; measured, explained, real-time recommendations out.

    import foretaste

    data = foretaste.read("orders.csv")
    pipeline = foretaste.Pipeline().fit(data, foretaste.Run(seed=0))
    foretaste.recommend(pipeline, data, n=10)

Public names; each is imported when it is first used, so that importing the package loads nothing heavy:

    read             events (and items, users) from a frame, a file or a folder: a Dataset
    load_source      a public data set by name: a Dataset
    Dataset          events and catalogue as arrays
    Pipeline         candidate sources, merge, stages and fallback in one object; fit, recommend, score
    PipelineConfig   its settings
    RecallConfig     settings of one of its candidate sources
    Run              seed, device, progress and time of one training or request
    recommend        lists from a fitted pipeline, as a frame with your own ids
    Queries          a batch of users to recommend to, as arrays
    Candidates       ranked items with scores, as arrays
    all_models       name to description of every model
    model_class      the class of a model, by name
    register         a model class of your own, under a name

Errors are in foretaste.errors, the protocols that parts implement in foretaste.protocols, the Python client of the
service in foretaste.client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foretaste.data.dataset import Dataset as Dataset
    from foretaste.data.read import read as read
    from foretaste.data.read import recommend as recommend
    from foretaste.data.sources import load_source as load_source
    from foretaste.pipeline.config import PipelineConfig as PipelineConfig
    from foretaste.pipeline.config import RecallConfig as RecallConfig
    from foretaste.pipeline.pipeline import Pipeline as Pipeline
    from foretaste.registry import all_models as all_models
    from foretaste.registry import model_class as model_class
    from foretaste.registry import register as register
    from foretaste.types import Candidates as Candidates
    from foretaste.types import Queries as Queries
    from foretaste.types import Run as Run

__version__ = "0.1.0"

_HOMES = {
    "Candidates": "foretaste.types",
    "Dataset": "foretaste.data.dataset",
    "Pipeline": "foretaste.pipeline.pipeline",
    "PipelineConfig": "foretaste.pipeline.config",
    "Queries": "foretaste.types",
    "RecallConfig": "foretaste.pipeline.config",
    "Run": "foretaste.types",
    "load_source": "foretaste.data.sources",
    "read": "foretaste.data.read",
    "recommend": "foretaste.data.read",
    "all_models": "foretaste.registry",
    "model_class": "foretaste.registry",
    "register": "foretaste.registry",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'foretaste' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
