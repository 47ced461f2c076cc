"""GetStream's protocol between a browser and its servers of media: the messages, as its package has them.

The package lets them be imported only with what else it has for media, which nothing here needs.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any


def _package() -> Any:
    name = "getstream.video.rtc"
    spec = find_spec("getstream.video")
    assert spec is not None
    assert spec.origin is not None
    package = ModuleType(name)
    package.__path__ = [str(Path(spec.origin).parent / "rtc")]
    sys.modules[name] = package
    try:
        return (
            import_module(f"{name}.pb.stream.video.sfu.event.events_pb2"),
            import_module(f"{name}.pb.stream.video.sfu.models.models_pb2"),
            import_module(f"{name}.pb.stream.video.sfu.signal_rpc.signal_pb2"),
        )
    finally:
        del sys.modules[name]


events, models, signal = _package()
