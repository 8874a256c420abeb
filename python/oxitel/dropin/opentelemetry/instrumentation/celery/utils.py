"""Official path of oxitel.instrumentation.celery_tasks."""

from oxitel.instrumentation.celery_tasks import (
    CELERY_CONTEXT_ATTRIBUTES as CELERY_CONTEXT_ATTRIBUTES,
    CTX_KEY as CTX_KEY,
    attach_context as attach_context,
    detach_context as detach_context,
    retrieve_context as retrieve_context,
    retrieve_reason as retrieve_reason,
    retrieve_task as retrieve_task,
    retrieve_task_from_sender as retrieve_task_from_sender,
    retrieve_task_id as retrieve_task_id,
    retrieve_task_id_from_message as retrieve_task_id_from_message,
    retrieve_task_id_from_request as retrieve_task_id_from_request,
    set_attributes_from_context as set_attributes_from_context,
)
