"""The window: header, tabs in order, status bar, and the doors in front of it. The only place that launches."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr

from studio.deps import Deps
from studio.guard import Visit, guard
from studio.queries.run_status import queue_facts
from studio.queries.status import engine_status
from studio.security import middleware
from studio.settings import Settings
from studio.tabs import api, compare, data, evaluate, train
from studio.tabs.events import QUIET
from studio.theme import ICON, build_theme, head_html
from studio.views.header import header_html
from studio.views.markup import Html, el, html
from studio.views.runs import queue_words
from studio.views.status import status_bar
from training.task.records import to_json

Build = Callable[[Deps, gr.Blocks, gr.Tab], None]
TABS: tuple[tuple[str, str, Build], ...] = (
    ("Compare", "tt-tab-compare", compare.build),
    ("Data", "tt-tab-data", lambda deps, app, _: data.build(deps, app)),
    ("Train", "tt-tab-train", train.build),
    ("Evaluate", "tt-tab-evaluate", evaluate.build),
)
ASSETS = Path(__file__).resolve().parents[1] / "assets"
SCRIPTS = ("stream.js", "studio.js")  # in the page before Gradio's own
TICK_S = 2.0
SLOWER = "answers are slower meanwhile"


def build_studio(deps: Deps) -> gr.Blocks:
    """The whole page, wired."""
    with gr.Blocks(
        title="Taste Test", analytics_enabled=False, fill_width=True, fill_height=True, delete_cache=(600, 600)
    ) as app:
        gr.HTML(header(), elem_id="tt-header", apply_default_css=False, padding=False)
        with gr.Tabs(elem_id="tt-tabs"):
            for label, elem_id, build in TABS:
                with gr.Tab(label, elem_id=elem_id) as tab:
                    build(deps, app, tab)
        status = gr.HTML(status_html(deps), elem_id="tt-status", apply_default_css=False, padding=False)
        gr.on(
            [gr.Timer(TICK_S).tick, app.load], guard(partial(on_tick, deps)), status, status, api_name="tick",
            queue=False, **QUIET,
        ).success(None, None, None, js="() => tasteTest.heard()")  # fmt: skip
        api.build(deps)
        app.unload(leaver(deps))
    settings = deps.settings
    app.queue(max_size=4 * settings.max_waiting, api_open=True, default_concurrency_limit=8)
    return app


def header() -> Html:
    """Brand, then theme and help."""
    theme = el("button", "Theme", type="button", id="tt-theme", aria_pressed="false", title="Light or dark")
    keys = html(el("kbd", "Ctrl+Enter"), " compares, ", el("kbd", "Esc"), " cancels.")
    words = (
        "Paste a text, press Compare: a base model and a fine-tuned one answer it at the same time. ",
        "Each column says how much help its answer needed and what of it stands in your text.",
    )
    data = "Data builds what a model can learn from, refuses what it should not, and says why."
    train = "Train makes an adapter of it in the background: you may close the window, and try the adapter in Compare."
    told = (el("p", line) for line in (data, train))
    help_ = el("details", el("summary", "Help"), el("p", *words), *told, el("p", keys), id="tt-help")
    return html(header_html(), el("div", theme, help_, cls="tt-header-end"))


def on_tick(deps: Deps, visit: Visit, shown: str) -> Any:
    """Only what changed is sent, so that nothing flickers and screen readers hear news alone."""
    status = status_html(deps)
    return gr.skip() if status == shown else status


def status_html(deps: Deps) -> Html:
    return status_bar(engine_status(deps), doing=deps.told.words, runs=run_words(deps))


def run_words(deps: Deps) -> str:
    """'1 running (recipe-jsonld-r64-s50: step 31 of 50, about 40 s left), 2 queued'; "" where nothing runs or waits."""
    found = queue_facts(deps)
    words = queue_words(to_json(found.running) if found.running else None, found.waiting)
    return "; ".join(filter(None, [words, SLOWER if found.shared else "", deps.runs_told.words]))


def leaver(deps: Deps) -> Callable[[gr.Request], None]:
    """What happens when a page is gone: its run stops, and on a Space nothing of it is left."""

    def on_leave(request: gr.Request) -> None:
        session = request.session_hash or ""
        deps.line.cancel(session)
        deps.sessions.drop(session)

    return on_leave


def offers_mcp(settings: Settings) -> bool:
    """Whether agents find their tools here. Not behind a login: Gradio lists them to anybody then, and no call works,
    since an agent has no way to log in."""
    return find_spec("mcp") is not None and settings.auth is None


def launch(app: gr.Blocks, deps: Deps, **more: Any) -> tuple[Any, str, str]:
    """Open the window and return at once: Gradio's app, the local address, the share link."""
    settings = deps.settings
    scripts = "".join(f"<script>{(ASSETS / name).read_text('utf-8')}</script>" for name in SCRIPTS)
    return app.launch(
        server_name=settings.host,
        server_port=settings.port,
        share=settings.share,
        auth=settings.auth,
        inbrowser=settings.open_browser,
        prevent_thread_lock=True,
        theme=build_theme(),
        head=head_html() + scripts,
        js="() => tasteTest.start()",
        favicon_path=ICON if ICON.is_file() else None,
        footer_links=[],
        run_history=False,
        pwa=True,
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=offers_mcp(settings),
        max_file_size=settings.max_upload_bytes,
        app_kwargs={"middleware": middleware(settings), "docs_url": None, "redoc_url": None, "openapi_url": None},
        show_error=True,
        quiet=True,
        _frontend=False,  # skips only a look at its own address, which gives up after 3 s on a busy machine
        **more,
    )
