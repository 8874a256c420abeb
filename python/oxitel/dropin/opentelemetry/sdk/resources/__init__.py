"""Official path of oxitel.resources."""

from typing import TYPE_CHECKING

from oxitel.incidental import incidental
from oxitel.resources.aggregate import (
    _get_process_dependent_resource as _get_process_dependent_resource,
    get_aggregated_resources as get_aggregated_resources,
)
from oxitel.resources.attribute_names import (
    CLOUD_ACCOUNT_ID as CLOUD_ACCOUNT_ID,
    CLOUD_AVAILABILITY_ZONE as CLOUD_AVAILABILITY_ZONE,
    CLOUD_PROVIDER as CLOUD_PROVIDER,
    CLOUD_REGION as CLOUD_REGION,
    CONTAINER_ID as CONTAINER_ID,
    CONTAINER_IMAGE_NAME as CONTAINER_IMAGE_NAME,
    CONTAINER_IMAGE_TAG as CONTAINER_IMAGE_TAG,
    CONTAINER_NAME as CONTAINER_NAME,
    DEPLOYMENT_ENVIRONMENT as DEPLOYMENT_ENVIRONMENT,
    FAAS_ID as FAAS_ID,
    FAAS_INSTANCE as FAAS_INSTANCE,
    FAAS_NAME as FAAS_NAME,
    FAAS_VERSION as FAAS_VERSION,
    HOST_ARCH as HOST_ARCH,
    HOST_ID as HOST_ID,
    HOST_IMAGE_ID as HOST_IMAGE_ID,
    HOST_IMAGE_NAME as HOST_IMAGE_NAME,
    HOST_IMAGE_VERSION as HOST_IMAGE_VERSION,
    HOST_NAME as HOST_NAME,
    HOST_TYPE as HOST_TYPE,
    KUBERNETES_CLUSTER_NAME as KUBERNETES_CLUSTER_NAME,
    KUBERNETES_CONTAINER_NAME as KUBERNETES_CONTAINER_NAME,
    KUBERNETES_CRON_JOB_NAME as KUBERNETES_CRON_JOB_NAME,
    KUBERNETES_CRON_JOB_UID as KUBERNETES_CRON_JOB_UID,
    KUBERNETES_DAEMON_SET_NAME as KUBERNETES_DAEMON_SET_NAME,
    KUBERNETES_DAEMON_SET_UID as KUBERNETES_DAEMON_SET_UID,
    KUBERNETES_DEPLOYMENT_NAME as KUBERNETES_DEPLOYMENT_NAME,
    KUBERNETES_DEPLOYMENT_UID as KUBERNETES_DEPLOYMENT_UID,
    KUBERNETES_JOB_NAME as KUBERNETES_JOB_NAME,
    KUBERNETES_JOB_UID as KUBERNETES_JOB_UID,
    KUBERNETES_NAMESPACE_NAME as KUBERNETES_NAMESPACE_NAME,
    KUBERNETES_POD_NAME as KUBERNETES_POD_NAME,
    KUBERNETES_POD_UID as KUBERNETES_POD_UID,
    KUBERNETES_REPLICA_SET_NAME as KUBERNETES_REPLICA_SET_NAME,
    KUBERNETES_REPLICA_SET_UID as KUBERNETES_REPLICA_SET_UID,
    KUBERNETES_STATEFUL_SET_NAME as KUBERNETES_STATEFUL_SET_NAME,
    KUBERNETES_STATEFUL_SET_UID as KUBERNETES_STATEFUL_SET_UID,
    OS_DESCRIPTION as OS_DESCRIPTION,
    OS_TYPE as OS_TYPE,
    OS_VERSION as OS_VERSION,
    PROCESS_COMMAND as PROCESS_COMMAND,
    PROCESS_COMMAND_ARGS as PROCESS_COMMAND_ARGS,
    PROCESS_COMMAND_LINE as PROCESS_COMMAND_LINE,
    PROCESS_EXECUTABLE_NAME as PROCESS_EXECUTABLE_NAME,
    PROCESS_EXECUTABLE_PATH as PROCESS_EXECUTABLE_PATH,
    PROCESS_OWNER as PROCESS_OWNER,
    PROCESS_PARENT_PID as PROCESS_PARENT_PID,
    PROCESS_PID as PROCESS_PID,
    PROCESS_RUNTIME_DESCRIPTION as PROCESS_RUNTIME_DESCRIPTION,
    PROCESS_RUNTIME_NAME as PROCESS_RUNTIME_NAME,
    PROCESS_RUNTIME_VERSION as PROCESS_RUNTIME_VERSION,
    SERVICE_INSTANCE_ID as SERVICE_INSTANCE_ID,
    SERVICE_NAME as SERVICE_NAME,
    SERVICE_NAMESPACE as SERVICE_NAMESPACE,
    SERVICE_VERSION as SERVICE_VERSION,
    TELEMETRY_AUTO_VERSION as TELEMETRY_AUTO_VERSION,
    TELEMETRY_SDK_LANGUAGE as TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_NAME as TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_VERSION as TELEMETRY_SDK_VERSION,
)
from oxitel.resources.detector import (
    OsResourceDetector as OsResourceDetector,
    OTELResourceDetector as OTELResourceDetector,
    ProcessResourceDetector as ProcessResourceDetector,
    ResourceDetector as ResourceDetector,
    ServiceInstanceIdResourceDetector as ServiceInstanceIdResourceDetector,
    _HostResourceDetector as _HostResourceDetector,
)
from oxitel.resources.resource import (
    _DEFAULT_RESOURCE as _DEFAULT_RESOURCE,
    _EMPTY_RESOURCE as _EMPTY_RESOURCE,
    Attributes as Attributes,
    LabelValue as LabelValue,
    Resource as Resource,
)

if TYPE_CHECKING:
    from oxitel.resources.host_id import (
        _BSD_KENV_COMMAND as _BSD_KENV_COMMAND,
        _LINUX_MACHINE_ID_PATHS as _LINUX_MACHINE_ID_PATHS,
        read_host_id as _get_host_id,
    )

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.attributes": "BoundedAttributes",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS OTEL_RESOURCE_ATTRIBUTES OTEL_SERVICE_NAME"
        ),
        "opentelemetry.sdk.version": "__version__:_OPENTELEMETRY_SDK_VERSION",
        "opentelemetry.semconv.resource": "ResourceAttributes",
        "opentelemetry.util.types": "AnyValue",
        "oxitel.resources.host_id": (
            "_BSD_KENV_COMMAND _LINUX_MACHINE_ID_PATHS read_host_id:_get_host_id"
        ),
    },
    modules={"subprocess": "subprocess"},
    loggers=("logger",),
)
