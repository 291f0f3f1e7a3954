"""The log: append, verify, show (R14, R15)."""

from __future__ import annotations

from flask import Flask

from webapp.logbook import views, words


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(views.blueprint)
    app.add_template_filter(words.action_label, "action_label")
    app.add_template_filter(words.role_label, "role_label")
    app.add_template_global(words.summary, "log_summary")
    app.add_template_global(views.page_address, "log_page_address")
    app.add_template_global(views.print_address, "log_print_address")
    app.add_template_global(views.table_address, "log_table_address")
    app.add_template_filter(views.long_date, "long_date")
