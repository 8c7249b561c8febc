"""Which methods a path has, after the OpenAPI document."""

import re
from typing import Any


def methods_of(document: dict[str, Any], path: str) -> list[str]:
    """What may be asked of `path`, for `Allow` (RFC 9110, 10.2.1).

    Of several templates that fit, the most specific counts.
    """
    paths = document["paths"]
    fitting = [template for template in paths if _pattern(template).fullmatch(path)]
    if not fitting:
        return []
    methods = [method.upper() for method in paths[max(fitting, key=_literal)]]
    return [*methods, "HEAD"] if "GET" in methods else methods


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(".+".join(re.escape(part) for part in re.split(r"\{\w+\}", template)))


def _literal(template: str) -> int:
    return len(re.sub(r"\{\w+\}", "", template))
