"""What a route needs: `dependencies=[requires(Scope.READ)]`."""

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.access import metrics
from api.access.granted import Granted, Refused, forbidden, missing
from api.access.guard import count, who_of
from api.access.limits import Policy
from schema.scopes import Scope

__all__ = ["Granted", "Refused", "Scope", "requires"]

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="An API key (`uc_…`), or a token of the city's identity provider where one is set",
)
_SHOWN = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class _Requires:
    """Whether what the guard found out is enough; the guard has refused wrong keys already."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request, _: _SHOWN) -> Granted:
        request.state.required = self.scope
        granted: Granted | None = getattr(request.state, "granted", None)
        if granted is None or (granted.name is None and self.scope not in granted.scopes):
            raise missing()
        if self.scope not in granted.scopes:
            metrics.AUTHENTICATIONS.labels("forbidden").inc()
            raise forbidden(self.scope)
        if self.scope is not Scope.READ:
            await count(request.app.state.access.limits, Policy.WRITES, who_of(granted), request.state.counts)
        return granted


def requires(scope: Scope) -> Any:
    """A dependency that lets through who may do `scope`; raises `Refused`, which is answered with 401, 403 or 429.

    Whatever needs more than `read` is a write: it is counted, and noted in the audit log.
    """
    return Depends(_Requires(scope))
