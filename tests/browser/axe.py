"""axe, which looks for what assistive technology could not use: light, dark, and in forced colors."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

LIGHT = ("light", "none")
SCHEMES = (("dark", "none"), ("dark", "active"), LIGHT)
STILL = "Promise.allSettled(document.getAnimations().map((one) => one.finished))"
VIOLATIONS = "([part, options]) => axe.run(part ?? document, { resultTypes: ['violations'], ...options })"
COLORS = {"runOnly": ["color-contrast"]}

_axe = Axe()


class Clean:
    """Looks at the states of a page, one after the other: at the first in all schemes, at the others in light alone.

    With `in_all_schemes` at each in all.
    """

    def __init__(self, in_all_schemes: bool) -> None:
        self.in_all_schemes = in_all_schemes
        self._is_first = True

    def __call__(self, page: Page, where: str, part: str | None = None) -> None:
        """No violation in this state, or in one part of it; where only colors differ, these are tried."""
        if part:
            expect(page.locator(part).first).to_be_visible()
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(_axe.axe_script)
        for scheme, forced in SCHEMES if self.in_all_schemes or self._is_first else (LIGHT,):
            page.emulate_media(color_scheme=scheme, forced_colors=forced, reduced_motion="reduce")  # type: ignore[arg-type]
            page.evaluate(STILL)
            options = {} if (scheme, forced) == LIGHT else COLORS
            found = page.evaluate(VIOLATIONS, [part, options])["violations"]
            told = [f"{one['id']}: {node['html']} ({node['failureSummary']})" for one in found for node in one["nodes"]]
            assert not told, "\n".join([f"{where}, {scheme}, forced {forced}", *told])
        self._is_first = False

    def at_night(self, page: Page, where: str, part: str | None = None) -> None:
        """The same for a state that differs little from one that is looked at by day."""
        if self.in_all_schemes:
            self(page, where, part)
