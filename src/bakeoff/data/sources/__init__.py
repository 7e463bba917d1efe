"""Every source of images, by the name that a study gives as `source`."""

from bakeoff.data.source import Source
from bakeoff.data.sources.csv import CSV
from bakeoff.data.sources.digits import DIGITS
from bakeoff.data.sources.folder import FOLDER
from bakeoff.data.sources.tiny_imagenet import TINY_IMAGENET
from bakeoff.data.sources.torchvision_datasets import TORCHVISION
from bakeoff.data.sources.voc import VOC
from bakeoff.errors import BakeoffError
from bakeoff.study import plugins
from bakeoff.study.arguments import nearest

SOURCES: dict[str, Source] = {source.name: source for source in (DIGITS, FOLDER, CSV, TORCHVISION, VOC, TINY_IMAGENET)}


def find_source(name: str, where: str) -> Source:
    """The source of that name. Raises BakeoffError."""
    own = plugins.registered("source", SOURCES)
    sources = SOURCES | {name: Source(name, plugin.description, plugin.build) for name, plugin in own.items()}
    if name not in sources:
        raise BakeoffError(f"{where}: unknown source {name!r}; {nearest(name, sources)}")
    return sources[name]
