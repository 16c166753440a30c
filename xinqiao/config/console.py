"""What every command prints with: errors that say what to do next, and an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from xinqiao.kernel.errors import Invalid, XinqiaoError

out = Console()
err = Console(stderr=True)
ACTOR = "system:cli"


@contextmanager
def explained() -> Iterator[None]:
    """Say what went wrong and what to do, then end with status 1."""
    try:
        yield
    except XinqiaoError as error:
        err.print(f"[red]✖[/red] {error.message}")
        if isinstance(error, Invalid):
            for problem in error.problems:
                err.print(f"  · {f'第 {problem.row} 行 ' if problem.row else ''}{problem.message}")
        err.print(f"  下一步：{error.next_step}　（{error.code}）")
        raise typer.Exit(1) from error
