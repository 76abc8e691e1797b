"""What the first visitor would wait for, done at start: modules, browser files, assessment, layers, compiled loops.

Then what will stay is frozen: Python's garbage collector need not walk it again. Streamlit's own collection after every
run is switched off (.streamlit/config.toml): it held the interpreter just when the answer was to be sent.
"""

import contextlib
import gc
import importlib
import logging
import threading
from pathlib import Path

from geo.errors import AppError
from views import assets
from views.desk import desk, served

LOG = logging.getLogger("qiyou")
_SWEEP_SECONDS = 300.0
_SHARED_LAYERS = ("towns", "villages", "roads", "natural_villages")


def begin(*, has_pages: bool = True) -> threading.Thread:
    """Warm up beside the server, which answers meanwhile; without our pages only what maps need.

    The office is opened here, before anybody asks, so that it is opened once.
    """
    folder = served()
    if folder is not None:
        with contextlib.suppress(AppError, OSError):  # whoever comes is told why it cannot be opened
            desk(folder)
    thread = threading.Thread(target=warm, args=(folder,), kwargs={"has_pages": has_pages}, daemon=True, name="warm")
    thread.start()
    return thread


def warm(folder: Path | None, *, has_pages: bool = True) -> None:
    """Load what every page needs; where something is wrong, the page that needs it says so."""
    try:
        assets.load()
        if has_pages:
            importlib.import_module("views.entry")
        if has_pages and folder is not None:
            _open(folder)
        if has_pages:
            importlib.import_module("analysis.polish").rehearse()
    except (AppError, OSError) as error:
        LOG.info("预热没有完成：%s", error)
    settle()
    sweep_later()


def _open(folder: Path) -> None:
    from views import atlas, whatif
    from views.context import open_context

    office = desk(folder)
    if not office.sources():
        return
    context = open_context(office, Path(office.policy_path), office.default_day(), "zh")
    for name in _SHARED_LAYERS:
        atlas.drawn(context, name)
    if not context.assessment.natural_villages.empty:
        whatif.road_figures(context, None)  # the slide on which a meeting asks


def settle() -> None:
    """Collect once, then leave what stays out of later collections."""
    gc.collect()
    gc.freeze()


def sweep_later() -> None:
    """Collect what sessions left behind, every five minutes; cheap because what stays is frozen."""
    timer = threading.Timer(_SWEEP_SECONDS, _sweep)
    timer.daemon = True
    timer.start()


def _sweep() -> None:
    gc.collect()
    sweep_later()
