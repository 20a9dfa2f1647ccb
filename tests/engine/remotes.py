"""Remotes that DVC can push to: a folder, a server of HTTP, and one that speaks S3.

Each is a context manager that takes a folder of its own and yields the settings of the remote.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Settings = Mapping[str, str]

#: moto checks none; a client of S3 does not start without.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
#: A process of its own: it ends with its standard input.
S3_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


class Repository:
    """A git repository with the DVC settings of the project.

    Parameters
    ----------
    root
        A folder with a project in it; it becomes a repository.
    project
        Where ``.dvc/`` and ``.dvcignore`` are taken from.
    """

    def __init__(self, root: Path, project: Path) -> None:
        self.root = root
        (root / ".dvc").mkdir()
        for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore"):
            (root / name).write_bytes((project / name).read_bytes())
        (root / ".gitignore").write_text("/datasets/\n/build/\n")  # as in the project's own
        self.git("init", "-q")

    def git(self, *words: str) -> None:
        """Run git."""
        author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *author, *words], cwd=self.root, check=True)

    def dvc(self, *words: str) -> int:
        """Run DVC and return its exit code."""
        return subprocess.run(
            [sys.executable, "-m", "dvc", *words],
            cwd=self.root,
            capture_output=True,
            check=False,
        ).returncode

    def use(self, remote: Settings) -> None:
        """Make it the default remote, for clones too."""
        with (self.root / ".dvc" / "config").open("a") as config:
            config.write("    remote = store\n['remote \"store\"']\n")
            config.writelines(f"    {key} = {value}\n" for key, value in remote.items())
        self.git("add", ".")
        self.git("commit", "-qm", "data: share it")

    def clone(self, target: Path) -> Repository:
        """Return a fresh clone: without data, without DVC's cache."""
        subprocess.run(["git", "clone", "-q", self.root, target], check=True)
        made = object.__new__(Repository)
        made.root = target
        return made


@contextmanager
def folder(place: Path) -> Iterator[Settings]:
    """A folder on this machine."""
    yield {"url": str(place)}


class _Files(SimpleHTTPRequestHandler):
    """Files below a folder, which can be written too."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        file = Path(self.translate_path(self.path))
        file.parent.mkdir(parents=True, exist_ok=True)
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            content = self.rfile.read(int(self.headers["Content-Length"]))
        file.write_bytes(content)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def http(place: Path) -> Iterator[Settings]:
    """A server of files; DVC sends them by POST."""
    place.mkdir()

    class Handler(_Files):
        def __init__(self, *words: object) -> None:
            super().__init__(*words, directory=str(place))

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield {"url": f"http://127.0.0.1:{server.server_port}/data"}
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def s3(_place: Path) -> Iterator[Settings]:
    """moto's server, which keeps its buckets in memory."""
    with subprocess.Popen(
        [sys.executable, "-c", S3_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            bucket = urllib.request.Request(f"{endpoint}/bucket", method="PUT")
            urllib.request.urlopen(bucket, timeout=60).close()
            yield {"url": "s3://bucket/data", "endpointurl": endpoint}
        finally:
            server.stdin.close()


REMOTES: dict[str, Callable[[Path], AbstractContextManager[Settings]]] = {
    "folder": folder,
    "http": http,
    "s3": s3,
}
