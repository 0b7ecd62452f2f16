"""What tells one Pilot from another: the digest of its policy file and of its code, comments and docstrings left out."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

CODE = ("pilot", "policy")


def pilot_digest(policy: Path | None) -> str:
    """Return the digest of the installed Pilot with a policy file, or with what it ships; empty if there is no policy."""
    folder = _package()
    weights = [policy] if policy is not None else sorted(folder.rglob("*.safetensors"))
    code = [path for name in CODE for path in sorted((folder / name).rglob("*.py"))]
    return digest(weights, code) if weights else ""


def digest(weights: Iterable[Path], code: Iterable[Path]) -> str:
    """Return 16 hexadecimal digits of the bytes of the one and the meaning of the other."""
    found = hashlib.sha256()
    for path in weights:
        found.update(path.read_bytes())
    for path in code:
        found.update(_meaning(path.read_text(encoding="utf-8")).encode())
    return found.hexdigest()[:16]


def _meaning(source: str) -> str:
    """Return the syntax tree without its docstrings: a better word in a comment is no reason to fly again."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # pyright: ignore[reportAttributeAccessIssue]  # it has one
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _package() -> Path:
    found = importlib.util.find_spec("trimtab")
    if found is None or found.origin is None:
        raise ImportError("trimtab is not installed: pip install -e .")
    return Path(found.origin).parent
