"""A private official path that others import from; ours is oxitel.metrics.reservoir."""

from oxitel.metrics.reservoir import (
    AlignedHistogramBucketExemplarReservoir as AlignedHistogramBucketExemplarReservoir,
    BucketIndexError as BucketIndexError,
    ExemplarBucket as ExemplarBucket,
    ExemplarReservoir as ExemplarReservoir,
    ExemplarReservoirBuilder as ExemplarReservoirBuilder,
    FixedSizeExemplarReservoirABC as FixedSizeExemplarReservoirABC,
    SimpleFixedSizeExemplarReservoir as SimpleFixedSizeExemplarReservoir,
)
