"""Official path of oxitel.trace.containers and a function of oxitel.trace.clock."""

from typing import TYPE_CHECKING

from oxitel.incidental import incidental
from oxitel.trace.clock import ns_to_iso_str as ns_to_iso_str

from . import instrumentation as instrumentation

if TYPE_CHECKING:
    from oxitel.trace.containers import (
        BoundedDict as BoundedDict,
        BoundedList as BoundedList,
        get_dict_as_key as get_dict_as_key,
    )

__getattr__, __dir__ = incidental(
    __name__,
    {
        "oxitel.trace.containers": "BoundedDict BoundedList get_dict_as_key",
        "typing_extensions": "deprecated",
    },
)
