"""The Gradio theme, and the stylesheet as the window and the exported page take it.

Every colour of the theme is a custom property of assets/studio.css, so that there is one table of colours.
"""

from functools import cache
from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).resolve().parents[1] / "assets"
ICON = ASSETS / "icon-512.png"
WINDOW_MARK = "/* ==== window ==== */"
FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "Arial", "sans-serif"]
MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "DejaVu Sans Mono", "monospace"]

COLOURS = {
    "body_background_fill": "bg",
    "body_text_color": "ink",
    "body_text_color_subdued": "dim",
    "background_fill_primary": "surface",
    "background_fill_secondary": "bg",
    "border_color_primary": "line",
    "border_color_accent": "focus",
    "border_color_accent_subdued": "line",
    "color_accent_soft": "raised",
    "link_text_color": "focus",
    "link_text_color_hover": "focus",
    "link_text_color_active": "focus",
    "link_text_color_visited": "focus",
    "block_background_fill": "surface",
    "block_border_color": "line",
    "block_label_background_fill": "surface",
    "block_label_border_color": "line",
    "block_label_text_color": "dim",
    "block_title_text_color": "ink",
    "block_info_text_color": "dim",
    "panel_background_fill": "bg",
    "panel_border_color": "line",
    "accordion_text_color": "ink",
    "table_text_color": "ink",
    "table_border_color": "line",
    "table_even_background_fill": "surface",
    "table_odd_background_fill": "surface",
    "table_row_focus": "raised",
    "code_background_fill": "raised",
    "checkbox_background_color": "surface",
    "checkbox_background_color_focus": "surface",
    "checkbox_background_color_hover": "surface",
    "checkbox_background_color_selected": "check",
    "checkbox_border_color": "field",
    "checkbox_border_color_focus": "focus",
    "checkbox_border_color_hover": "ink",
    "checkbox_border_color_selected": "check",
    "checkbox_label_background_fill": "surface",
    "checkbox_label_background_fill_hover": "raised",
    "checkbox_label_background_fill_selected": "surface",
    "checkbox_label_border_color": "line",
    "checkbox_label_border_color_hover": "dim",
    "checkbox_label_border_color_selected": "dim",
    "checkbox_label_text_color": "ink",
    "checkbox_label_text_color_selected": "ink",
    "error_background_fill": "bad-bg",
    "error_border_color": "bad",
    "error_text_color": "bad",
    "error_icon_color": "bad",
    "input_background_fill": "surface",
    "input_background_fill_focus": "surface",
    "input_background_fill_hover": "surface",
    "input_border_color": "field",
    "input_border_color_focus": "focus",
    "input_border_color_hover": "dim",
    "input_placeholder_color": "dim",
    "loader_color": "ink",
    "slider_color": "accent",
    "stat_background_fill": "raised",
    "button_primary_background_fill": "accent",
    "button_primary_background_fill_hover": "accent",
    "button_primary_text_color": "on-accent",
    "button_primary_text_color_hover": "on-accent",
    "button_primary_border_color": "accent",
    "button_primary_border_color_hover": "accent",
    "button_secondary_background_fill": "surface",
    "button_secondary_background_fill_hover": "raised",
    "button_secondary_text_color": "ink",
    "button_secondary_text_color_hover": "ink",
    "button_secondary_border_color": "line",
    "button_secondary_border_color_hover": "dim",
    "button_cancel_background_fill": "surface",
    "button_cancel_background_fill_hover": "bad-bg",
    "button_cancel_text_color": "bad",
    "button_cancel_text_color_hover": "bad",
    "button_cancel_border_color": "bad",
    "button_cancel_border_color_hover": "bad",
}


def build_theme() -> gr.themes.Base:
    """Neutral surfaces, one accent, 14 px system type: the same names in light and dark, resolved by the stylesheet."""
    theme = gr.themes.Base(
        primary_hue=gr.themes.colors.slate,
        secondary_hue=gr.themes.colors.slate,
        neutral_hue=gr.themes.colors.slate,
        text_size=gr.themes.sizes.text_md,
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_sm,
        font=FONT,
        font_mono=MONO,
    )
    named = {name: f"var(--tt-{colour})" for name, colour in COLOURS.items()}
    dark = {f"{name}_dark": value for name, value in named.items()}
    return theme.set(
        **named,
        **dark,
        color_accent="var(--tt-accent)",
        input_border_width="1px",
        block_shadow="none",
        block_shadow_dark="none",
        input_shadow="none",
        input_shadow_dark="none",
        button_primary_shadow="none",
        button_secondary_shadow="none",
        block_title_text_weight="600",
        block_label_text_weight="600",
        button_large_text_size="14px",
        button_large_text_weight="600",
    )


@cache
def stylesheet() -> str:
    """All of assets/studio.css."""
    return (ASSETS / "studio.css").read_text("utf-8")


def head_html() -> str:
    """For launch(head=...): the stylesheet, untouched by Gradio's selector rewriting, and the title bar's colour."""
    colours = (("light", "#ffffff"), ("dark", "#1a1d21"))
    metas = (f'<meta name="theme-color" media="(prefers-color-scheme: {s})" content="{c}">' for s, c in colours)
    return f"<style>{stylesheet()}</style>{''.join(metas)}"


def export_css() -> str:
    """The part that dresses views, for the exported page; it follows the reader's own light or dark."""
    return f"{stylesheet().split(WINDOW_MARK)[0]}:root {{ color-scheme: light dark; }}\n"
