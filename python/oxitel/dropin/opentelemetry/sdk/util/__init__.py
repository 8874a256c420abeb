"""Official path of oxitel.sequence."""

from oxitel.incidental import incidental
from oxitel.sequence import (
    BoundedDict as BoundedDict,
    BoundedList as BoundedList,
    get_dict_as_key as get_dict_as_key,
    ns_to_iso_str as ns_to_iso_str,
)

from . import instrumentation as instrumentation

__getattr__, __dir__ = incidental(__name__, {"typing_extensions": "deprecated"})
