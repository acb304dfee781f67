"""What the browser talks to. HTTP only: check the form, call one service function, redirect."""

from flask import Flask


def register(app: Flask) -> None:
    """Bind every blueprint."""
    from blueprints import accounts, applications, exams, notices, review, settings

    for blueprint in (
        accounts.blueprint,
        applications.blueprint,
        review.blueprint,
        exams.blueprint,
        notices.blueprint,
        settings.blueprint,
    ):
        app.register_blueprint(blueprint)
