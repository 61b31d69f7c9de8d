"""What people declare in TOML: read, and checked by a pydantic model, with our errors."""

import sys
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mraf.errors import RunError
from mraf.files import read_as

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Text = Annotated[str, Field(description="text")]
EMPTY = {"missing", "too_short", "string_too_short"}


class Declaration(BaseModel):
    """One table of a file. The description of a field says what the field must be."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


D = TypeVar("D", bound=Declaration)


def read_toml(file: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises RunError: it cannot be read, or is not TOML."""
    found: dict[str, Any] = read_as("TOML", tomllib.loads, file, "mend it", RunError)
    return found


def checked(kind: type[D], values: object, where: str) -> D:
    """Values as a declaration of a kind. Raises RunError, which begins with ``where``."""
    known = kind.model_fields
    try:
        return kind.model_validate(values)
    except RunError as error:
        reason = str(error)
    except ValidationError as error:
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        name, *within = first["loc"] or ("",)
        if not name:
            reason = f"expected a table with {', '.join(known)}."
        elif first["type"] == "extra_forbidden":
            reason = f"unknown key '{name}'; known are {', '.join(known)}."
        elif first["type"] in EMPTY and not within:
            reason = f"'{name}' is missing or empty."
        else:
            reason = f"'{name}' must be {known[str(name)].description}."
    raise RunError(f"{where}: {reason}")
