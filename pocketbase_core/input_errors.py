"""The errors of values that cannot be sent. Importing this module loads nothing else of the package."""


class PocketBaseInputError(ValueError):
    """A value that cannot be sent: an id, a filter, a header, a body or a file. Nothing was sent.

    Such a value often comes from a visitor of a web application, which should respond with 400. A wrong use of the
    library, such as an unknown option, is an ordinary TypeError or ValueError.
    """


class PocketBaseInputTypeError(PocketBaseInputError, TypeError):
    """A value of a type that cannot be sent."""
