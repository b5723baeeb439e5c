"""Agents find one tool, with words on what it does, and it answers like the window."""

import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from app import flags
from studio.shell import build_studio, launch, offers_mcp
from tests.fakes import ADAPTER, POST, make_deps
from tests.studio.conftest import Window
from tests.studio.test_settings import settings

pytest.importorskip("mcp")


def talk(window: Window, act: Callable[[Any], Awaitable[Any]]) -> Any:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def run() -> Any:
        async with (
            streamable_http_client(f"{window.url}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await act(session)

    with ThreadPoolExecutor(1) as pool:  # a browser test before this one may have left a loop in the main thread
        return pool.submit(anyio.run, run).result()


def test_one_tool_is_offered_and_explained(window: Window) -> None:
    (tool,) = talk(window, lambda session: session.list_tools()).tools
    assert tool.name.endswith("compare")
    assert "fine-tuned adapters" in tool.description
    arguments = "text task base adapters prompted seed constrained"
    assert set(tool.inputSchema["properties"]) == set(arguments.split())


def test_the_tool_answers_with_one_object_an_arm(home: Window) -> None:
    (tool,) = talk(home, lambda session: session.list_tools()).tools
    answer = talk(home, lambda session: session.call_tool(tool.name, {"text": POST}))
    assert not answer.isError
    lines = [json.loads(line) for line in answer.content[0].text.splitlines()]
    assert [line["arm"] for line in lines] == ["base", ADAPTER]
    assert lines[1]["object"]["name"] == "Lentil Soup"


def test_what_is_wrong_is_said_to_agents_too(home: Window) -> None:
    (tool,) = talk(home, lambda session: session.list_tools()).tools
    answer = talk(home, lambda session: session.call_tool(tool.name, {"text": "  "}))
    assert answer.isError


def test_behind_a_login_no_tools_are_listed_since_no_agent_can_log_in() -> None:
    alone, shared = settings(), settings(host="0.0.0.0", auth="me:secret")
    assert offers_mcp(alone) and not offers_mcp(shared)
    assert "MCP" in flags().format_help()


def test_with_a_login_there_is_no_such_door(tmp_path: Path) -> None:
    app = build_studio(deps := make_deps(tmp_path, auth=("me", "secret"), host="127.0.0.1"))
    _, url, _ = launch(app, deps)
    try:
        knocked = httpx.post(f"{url.rstrip('/')}/gradio_api/mcp/", json={"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert knocked.status_code in (401, 404, 405), knocked.text
    finally:
        app.close(verbose=False)
