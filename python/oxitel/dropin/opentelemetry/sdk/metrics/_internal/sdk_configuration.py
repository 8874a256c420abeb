"""Official path of oxitel.metrics.configuration."""

from oxitel.metrics.configuration import SdkConfiguration as SdkConfiguration
