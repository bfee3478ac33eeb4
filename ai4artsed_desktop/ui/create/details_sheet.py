"""Where an interception comes from and what it stands for."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.configs import InterceptionConfig
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Label
from ai4artsed_desktop.ui.widgets.sheet import Sheet


class DetailsSheet(Sheet):
    """Description, stance, sources and author of one interception."""

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(kit, parent, "details.title", max_width_px=640, max_height_px=640, fits_content=True)
        self._config: InterceptionConfig | None = None
        self._label = ""
        self._name = Label(kit, look="strong")
        self._kind = Label(kit, look="small")
        self._description = Label(kit)
        self._stance_title = Label(kit, "details.stance", "overline")
        self._stance = Label(kit)
        self._sources_title = Label(kit, "details.sources", "overline")
        self._sources = Label(kit)
        self._foot = Label(kit, look="small")
        groups = (
            (self._name, self._kind, self._description),
            (self._stance_title, self._stance),
            (self._sources_title, self._sources),
            (self._foot,),
        )
        for labels in groups:
            for label in labels:
                self.body.addWidget(label)
            self.body.addSpacing(r.SPACE_2)
        self.body.addStretch(1)
        kit.translator.language_changed.connect(self.retranslate)

    def open_for(self, config: InterceptionConfig, label: str) -> None:
        """Open for ``config``; ``label`` says whether a model or a procedure works."""
        self._config, self._label = config, label
        self.retranslate()
        self.open_sheet()

    def retranslate(self) -> None:
        """Set the words anew."""
        config = self._config
        if config is None:
            return
        language = self._kit.translator.language
        stance = localized(config.meta.stance or {}, language)
        self._name.setText(localized(config.name, language))
        self._kind.setText(self._label)
        self._description.setText(localized(config.description, language))
        self._stance.setText(stance)
        self._stance_title.setVisible(bool(stance))
        self._sources.setText("\n".join(f"· {source}" for source in config.meta.sources))
        self._sources_title.setVisible(bool(config.meta.sources))
        age = config.audience.min_age
        facts = (config.meta.author, self._kit.text("details.age", age=age) if age else "")
        self._foot.setText(" · ".join(filter(None, facts)))
