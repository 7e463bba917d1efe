"""Every source of images, by the name that a study gives as `source`."""

from functools import wraps
from typing import Any

from bakeoff.data.source import Request, Source, SourceData
from bakeoff.data.sources.csv import CSV
from bakeoff.data.sources.digits import DIGITS
from bakeoff.data.sources.folder import FOLDER
from bakeoff.data.sources.tiny_imagenet import TINY_IMAGENET
from bakeoff.data.sources.torchvision_datasets import TORCHVISION
from bakeoff.data.sources.voc import VOC
from bakeoff.errors import BakeoffError
from bakeoff.study import plugin_files
from bakeoff.study.arguments import nearest

SOURCES: dict[str, Source] = {source.name: source for source in (DIGITS, FOLDER, CSV, TORCHVISION, VOC, TINY_IMAGENET)}


def find_source(name: str) -> Source:
    """The source of that name, Bakeoff's or a plugin's. Raises BakeoffError."""
    own = plugin_files.registered("source", SOURCES)
    if name in own:
        return _of_plugin(own[name])
    if name not in SOURCES:
        raise BakeoffError(f"unknown source {name!r}; {nearest(name, SOURCES | own)}")
    return SOURCES[name]


def _of_plugin(plugin: plugin_files.Plugin) -> Source:
    """A user's source. Whatever it raises or wrongly returns becomes a BakeoffError that names it."""

    @wraps(plugin.build)
    def load(request: Request, **arguments: Any) -> SourceData:
        name = f"source {plugin.name} (a plugin)"
        try:
            data = plugin.build(request, **arguments)
        except BakeoffError as error:
            error.message = error.message.removeprefix(f"{request.where}: ")  # which `under` puts in front anyway
            raise
        except OSError:
            raise
        except Exception as error:  # a user's function may raise anything
            raise BakeoffError(f"{name} fails: {plugin_files.reason(error)}") from error
        if not isinstance(data, SourceData):
            raise BakeoffError(f"{name} returns {type(data).__name__}, expected SourceData")
        return data

    return Source(plugin.name, plugin.description, load)
