"""The folder all data of an installation lives in."""

import os
import secrets
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
        if not self.secret_file.exists():
            self.make()
            draft = self.secret_file.with_suffix(f".{os.getpid()}")
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(48))
            # link fails when another process was first: then its key is the key.
            try:
                os.link(draft, self.secret_file)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return self.secret_file.read_text().strip()


def current_home() -> Home:
    """The home named by ZHIKE_HOME, else ~/.zhike, else /var/lib/zhike for a root whose own folder is closed."""
    named = os.environ.get("ZHIKE_HOME")
    if named:
        return Home(root=Path(named).expanduser().absolute())
    own = Path.home() / ".zhike"
    if os.geteuid() == 0 and not reachable_by_others(own):
        return Home(root=SYSTEM_HOME)
    return Home(root=own)
