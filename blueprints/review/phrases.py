"""The sentences that a reviewer writes again and again: to look through, and to drop."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.helpers import account, list_page, row_id
from blueprints.review import blueprint
from gongkao.access.permissions import Permission
from gongkao.services import phrases


@blueprint.get("/review/phrases")
@requires(Permission.REVIEW)
def own_phrases() -> ResponseReturnValue:
    return render_template("review/phrases.html", page=list_page(phrases.listing(account())), offered=phrases.OFFERED)


@blueprint.post("/review/phrases/delete")
@requires(Permission.REVIEW)
def delete_phrases() -> ResponseReturnValue:
    ids = [found for text in request.form.getlist("ids") if (found := row_id(text)) is not None]
    count = phrases.forget(account(), ids)
    if count:
        flash(f"已删除{count}条常用意见。", "success")
    else:
        flash("没有勾选要删除的意见。请勾选后再删除。", "error")
    return redirect(url_for("review.own_phrases"))
