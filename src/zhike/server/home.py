"""The folder all data of an installation lives in."""

import base64
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zhike.server.processes import reachable_by_others

SYSTEM_HOME = Path("/var/lib/zhike")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Paths of one installation; nothing is created until `make`."""

    root: Path

    @property
    def db(self) -> Path:
        """Folder of the embedded PostgreSQL's data."""
        return self.root / "db"

    @property
    def run(self) -> Path:
        """Sockets, locks and pid files; may be emptied when nothing runs."""
        return self.root / "run"

    @property
    def files(self) -> Path:
        """Attachments people uploaded."""
        return self.root / "files"

    @property
    def static(self) -> Path:
        """Collected front-end files; can be rebuilt."""
        return self.root / "static"

    @property
    def imports(self) -> Path:
        """Uploaded import files and their refused rows."""
        return self.root / "imports"

    @property
    def lake(self) -> Path:
        """Parquet files of facts; can be rebuilt."""
        return self.root / "lake"

    @property
    def logs(self) -> Path:
        """Log files of database, web and worker."""
        return self.root / "logs"

    @property
    def backups(self) -> Path:
        """Backups, unless they are told to go elsewhere."""
        return self.root / "backups"

    @property
    def metrics(self) -> Path:
        """Counters of the running processes; emptied at each start."""
        return self.run / "metrics"

    @property
    def secret_file(self) -> Path:
        """File of the key that signs sessions, readable by its owner only."""
        return self.root / "secret.key"

    @property
    def data_keys_file(self) -> Path:
        """File of the keys that seal secrets in the databases, readable by its owner only: number:key, one a line."""
        return self.root / "data.keys"

    def make(self) -> "Home":
        """Create missing folders; only folders made here get their mode set, except the home itself."""
        for folder in [*reversed(self.root.parents), self.root]:
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                folder.chmod(0o711)
        # PostgreSQL's user has to walk through the home when we are root; its parts stay closed.
        self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for folder in (self.db, self.run, self.files, self.static, self.imports, self.lake, self.logs):
            folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            self.db.chmod(0o711)
            self.run.chmod(0o711)
        return self

    def secret_key(self) -> str:
        """The installation's signing key, made once (64 URL-safe characters, file mode 0600)."""
        return self._once(self.secret_file, lambda: secrets.token_urlsafe(48))

    def data_keys(self) -> dict[int, bytes]:
        """The keys (32 bytes each) that seal secrets, by number (1 to 255); the first is made once."""
        text = self._once(self.data_keys_file, lambda: f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
        return {int(number): base64.b64decode(key) for number, _colon, key in (line.partition(":") for line in text.split())}

    def _once(self, path: Path, text: Callable[[], str]) -> str:
        """The text of a file that only its owner reads; the first who asks makes it."""
        if not path.exists():
            self.make()
            draft = path.with_suffix(f".{os.getpid()}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(text())
            # link fails when another process was first: then what it wrote counts.
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()


def current_home() -> Home:
    """The home named by ZHIKE_HOME, else ~/.zhike, else /var/lib/zhike for a root whose own folder is closed."""
    named = os.environ.get("ZHIKE_HOME")
    if named:
        return Home(root=Path(named).expanduser().absolute())
    own = Path.home() / ".zhike"
    if os.geteuid() == 0 and not reachable_by_others(own):
        return Home(root=SYSTEM_HOME)
    return Home(root=own)


ROOMS = ("files", "imports", "lake")  # folders in which each company has one of its own, called as its database


def drop_rooms(database: str) -> None:
    """Remove the folders of a company that is gone."""
    for room in ROOMS:
        shutil.rmtree(current_home().root / room / database, ignore_errors=True)
