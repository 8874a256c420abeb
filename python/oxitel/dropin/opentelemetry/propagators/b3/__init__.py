"""B3 under its official path; see `oxitel.propagation.b3`."""

from oxitel.propagation.b3 import (
    B3Format as B3Format,
    B3MultiFormat as B3MultiFormat,
    B3SingleFormat as B3SingleFormat,
)
