"""FILE.py:NAME: the user's file as a module, and the study or task that it names."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from trimtab.cli.mistakes import CommandError, UserCodeError, blame
from trimtab.errors import TrimtabError

if TYPE_CHECKING:
    from trimtab.study.study import Study
    from trimtab.task import Task

FORM = "expected FILE.py:NAME, such as task.py:study"


@dataclass(frozen=True, slots=True)
class Target:
    """A name in a file."""

    file: Path
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.name}"


def parse_target(text: str) -> Target:
    """Return the file and the name in ``text``; raise CommandError if there is no such file or no name."""
    file, _, name = text.rpartition(":")
    if not file or "/" in name or name.endswith(".py"):
        raise CommandError(f"{FORM}, got {text!r}, which has no name" if text.endswith(".py") else f"{FORM}, got {text!r}")
    if not name.isidentifier():
        raise CommandError(f"{FORM}, got {text!r}: {name!r} is not a name")
    path = Path(file).expanduser().absolute()
    if path.is_dir() or path.suffix != ".py":
        raise CommandError(f"{FORM}, got {text!r}: {file!r} is not a Python file")
    if not path.exists():
        raise CommandError(f"{file}: there is no such file")
    return Target(path, name)


def load_study(text: str) -> Study:
    """Return the study that FILE.py:NAME is, or that the function of this name returns; it remembers where it came from."""
    from trimtab.study.study import Study

    target = parse_target(text)
    found = _load(target)
    if not isinstance(found, Study):
        raise CommandError(f"{target}: expected a Study, or a function that returns one, got {type(found).__name__}")
    found.source = str(target)
    return found


def load_task(text: str) -> Task[Any]:
    """Return the task that FILE.py:NAME is or returns; where it is a study, its task."""
    from trimtab.study.study import Study

    target = parse_target(text)
    found: Any = _load(target)
    if isinstance(found, Study):
        return found.task
    if not all(hasattr(found, verb) for verb in ("start", "advance", "decode", "fingerprint")):
        raise CommandError(f"{target}: expected a task or a Study, or a function that returns one, got {type(found).__name__}")
    return found


def load_env(text: str) -> object:
    """Return what may be controlled: the name as it is, or what FILE.py:NAME is (an environment, or what makes one)."""
    if ".py:" not in text:
        return text
    target = parse_target(text)
    return _named(target)


@contextmanager
def users_code(file: Path | None) -> Generator[None]:
    """Run code of the user's: what it prints goes to stderr, what it raises is blamed on its line in ``file``."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except TrimtabError as error:
        raise type(error)(blame(error, file) if file else str(error)) from error
    except (Exception, SystemExit) as error:
        raise UserCodeError(blame(error, file) if file else f"{type(error).__name__}: {error}") from error


def _named(target: Target) -> Any:
    module = _import(target.file)
    if not hasattr(module, target.name):
        raise CommandError(f"{target.file} defines no {target.name!r}{_offers(module)}")
    return getattr(module, target.name)


def _load(target: Target) -> object:
    found = _named(target)
    if not inspect.isfunction(found):
        return found
    needed = [
        name
        for name, parameter in inspect.signature(found).parameters.items()
        if parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise CommandError(f"{target}: expected a function that can be called without arguments; it needs {', '.join(needed)}")
    with users_code(target.file):
        return found()


def _offers(module: ModuleType) -> str:
    """Return what the file does define that may have been meant."""
    from trimtab.study.study import Study

    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, Study) or (inspect.isfunction(value) and value.__module__ == module.__name__)
    ]
    return f"; it defines {', '.join(names)}" if names else ""


def _import(file: Path) -> ModuleType:
    """Import ``file``, under its dotted name where it is part of a package, and let workers have it by value."""
    import cloudpickle

    root, name = _place(file)
    free = name if "." in name else _free_name(name, file)
    if str(root) not in sys.path:
        # first, as for a script; but a file that is named like another module must not be imported in its place
        sys.path.insert(0 if free == name else len(sys.path), str(root))
    if "." not in name:
        module = _import_alone(file, free)
    else:
        with users_code(file):
            module = importlib.import_module(name)
    cloudpickle.register_pickle_by_value(module)
    return module


def _place(file: Path) -> tuple[Path, str]:
    """Return the folder to import from, and the dotted name that ``file`` has there."""
    root, parts = file.parent, [file.stem]
    while (root / "__init__.py").exists() and root.name.isidentifier():
        root, parts = root.parent, [root.name, *parts]
    return root, ".".join(parts)


def _free_name(name: str, file: Path) -> str:
    """Return ``name`` unless it is another module's (a task in random.py must not hide Python's own)."""
    taken = sys.modules.get(name)
    if taken is not None and getattr(taken, "__file__", None) == str(file):
        return name
    try:
        spec = importlib.util.find_spec(name) if taken is None else taken.__spec__
    except (ImportError, ValueError):
        spec = None
    if taken is None and (spec is None or spec.origin == str(file)) and name.isidentifier():
        return name
    return f"trimtab_user_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"


def _import_alone(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file, loader=_ScriptLoader(name, str(file)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with users_code(file):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _ScriptLoader(SourceFileLoader):
    """Loads a file as Python loads a script: its bytecode is neither looked for nor left behind."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # the name is part of the protocol
        return self.source_to_code(self.get_data(self.path), self.path)
