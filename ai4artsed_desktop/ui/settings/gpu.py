"""Settings of the graphics card. What is pinned is chosen where it is seen: on the page of the card."""

from __future__ import annotations

from ai4artsed_desktop.ui.settings.rows import Section, SettingsLink, choice_row, section, whole_row

_POLICIES = ("ask", "automatic", "workshop")


def gpu_section(link: SettingsLink) -> Section:
    """Return the section."""

    def policies() -> list[tuple[object, str]]:
        return [(policy, link.kit.text(f"settings.vram_policy.{policy}")) for policy in _POLICIES]

    return section(
        link.kit,
        "settings.gpu",
        choice_row(link, "vram_policy", policies, has_text=True),
        whole_row(link, "vram_idle_s", 0, 86_400, "s", zero_key="settings.vram_idle_s.never", has_text=True),
    )
