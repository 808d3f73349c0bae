"""Our types without the rules between their fields: what they take is what a JSON Schema can say.

So it can be told whether a refusal of what fits the schema was for such a rule, or the schema is not exact.
"""

from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct


@cache
def bare(annotation: Any) -> Any:
    """The type, and those in it, with the same fields and bounds but no rule of its own."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[(bare(inner[0]), *annotation.__metadata__)]
    if origin in (Union, UnionType):
        return Union[tuple(bare(each) for each in inner)]  # noqa: UP007 - made, not written
    if origin in (list, dict, tuple):
        return origin[tuple(each if each is Ellipsis else bare(each) for each in inner)]
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return _bare_struct(annotation)
    return annotation


def _bare_struct(struct: type[Struct], **changed: Any) -> type[Struct]:
    config = struct.__struct_config__
    fields: list[Any] = []
    for field in msgspec.structs.fields(struct):
        annotation = changed.get(field.name) or bare(field.type)
        fields.append((field.name, annotation) if field.required else (field.name, annotation, None))
    return msgspec.defstruct(
        struct.__name__,
        fields,
        kw_only=True,
        forbid_unknown_fields=config.forbid_unknown_fields,
        tag=config.tag,
        tag_field=config.tag_field,
        rename={field.name: field.encode_name for field in msgspec.structs.fields(struct)},
    )


@cache
def with_data(envelope: type[Struct], params: type[Struct]) -> type[Struct]:
    """A bare envelope whose data are the bare Params of a kind."""
    return _bare_struct(envelope, data=bare(params))
