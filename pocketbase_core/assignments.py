"""Checks of assignments to a client. An assignment that would have no effect is an error that says what to do."""

from typing import TYPE_CHECKING, Any, Self, cast

from .messages import Request, RequestDraft, Response
from .middleware import AfterSend, BeforeSend, Middleware
from .peer_names import advice
from .suggestions import closest, spelling_key

if TYPE_CHECKING:
    from .user import User

_HOOKS: dict[str, Any] = {"before_send": BeforeSend, "after_send": AfterSend}
_ASSIGNABLE = (*_HOOKS, "auth_store", "filter_escapes", "lang")
_OF_CONSTRUCTOR = (
    "credentials",
    "json_dumps",
    "json_loads",
    "max_response_bytes",
    "middleware",
    "server_version",
    "timeout",
    "transport",
    "verify_every",
)


class Assignments:
    """The part of a client that handles assignments, with the hooks, which can be assigned.

    A subclass may have attributes of its own, but no other spelling of the client's: `authStore` would have no effect.
    """

    _user: "User"

    if not TYPE_CHECKING:  # each client declares the types of its hooks; checkers would accept any assignment

        async def before_send(self, request: RequestDraft) -> Request | RequestDraft | None:
            """Change a request before it is sent. Override this method, or assign a function of one argument.

            Args:
                request: A draft, which may be edited in place.

            Returns:
                The request to send: a draft, a request, or None for the request as it was.
            """
            return request

        async def after_send(self, response: Response) -> Response | None:
            """Inspect or replace a response. Override this method, or assign a function of one argument.

            Returns:
                The response to go on with, or None for the response as it is.
            """
            return response

        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_"):
                self._check_assignment(name)
            if name in _HOOKS and value is not None:
                _HOOKS[name](value)  # raises for a function of another signature
            super().__setattr__(name, value)
            self._apply_hooks(name)

        def __delattr__(self, name: str) -> None:
            super().__delattr__(name)
            self._apply_hooks(name)

    def _apply_hooks(self, name: str) -> None:
        if name in _HOOKS and "_user" in vars(self):
            self._user.change_middleware()

    def _make_hooks(self) -> list[Middleware]:
        """Return the middleware of the hooks that were assigned, or that a subclass overrides."""
        hooks: list[Middleware] = []
        for name, make_middleware in _HOOKS.items():
            hook = getattr(self, name)
            if hook is not None and getattr(hook, "__func__", None) is not getattr(Assignments, name):
                hooks.append(make_middleware(hook))
        return hooks

    def _copy(self) -> Self:
        """Return a shallow copy. `copy.copy` takes several times as long."""
        other = object.__new__(type(self))
        state: Any = object.__getstate__(self)  # of a class with slots: a tuple
        attributes, in_slots = cast("tuple[Any, dict[str, Any]]", state) if type(state) is tuple else (state, {})
        vars(other).update(attributes)
        for name, value in in_slots.items():
            setattr(other, name, value)
        return other

    def _check_assignment(self, name: str) -> None:
        """Raise an AttributeError if an assignment would have no effect."""
        attribute = getattr(type(self), name, None)
        problem = None
        if name in ("auth_store", "lang") and "_user" not in vars(self):
            problem = f"call super().__init__(…) before you assign it, or pass it there: {name}=…"
        elif name == "headers":
            problem = "override headers() in a subclass"
        elif isinstance(attribute, property) and attribute.fset is None:
            problem = "create another client for another server" if name == "base_url" else "it is read-only"
        elif attribute is None and name not in vars(self):
            problem = self._advise(name)
        if problem:
            raise AttributeError(f"{type(self).__name__}.{name} cannot be assigned; {problem}")

    def _advise(self, name: str) -> str | None:
        """Return what to do instead of assigning a new attribute; None if it may be assigned."""
        key = spelling_key(name)
        for each in (*_ASSIGNABLE, "base_url"):
            if spelling_key(each) == key:
                return f"use {each}"
        if not type(self).__module__.startswith(f"{__package__}."):
            return None  # a subclass may have attributes of its own
        if name in _OF_CONSTRUCTOR:
            return f"pass it when you create the client: {type(self).__name__}(…, {name}=…)"
        if key == "autocancellation":
            return advice(type(self).__name__, name)
        similar = closest(name, _ASSIGNABLE)
        return None if similar is None else f"did you mean {similar}?"
