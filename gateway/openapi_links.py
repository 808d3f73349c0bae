"""Where the fields of an answer lead, in the OpenAPI document."""

from gateway.openapi_pieces import Made


def leads_to(operation_id: str, parameter: str, field: str, description: str) -> Made:
    """A link: a field of this answer is a parameter of that operation."""
    return {
        operation_id: {
            "operationId": operation_id,
            "parameters": {parameter: f"$response.body#/{field}"},
            "description": description,
        }
    }


OF_TASK = (
    leads_to("look", "task_id", "task_id", "The task.")
    | leads_to("result", "task_id", "task_id", "Its result.")
    | leads_to("events", "task_id", "task_id", "What happens to it.")
    | leads_to("cancel", "task_id", "task_id", "Give it up.")
    | leads_to("rerun", "task_id", "task_id", "Calculate it once more, when it has succeeded.")
    | leads_to("retry", "task_id", "task_id", "Try it again, when it has failed.")
)
OF_LETTERS = leads_to(
    "retry_letter", "letter_id", "letters/0/letter_id", "Try the task of the newest again."
) | leads_to("remove_letter", "letter_id", "letters/0/letter_id", "Remove the newest.")
OF_BATCH = (
    leads_to("batch", "batch_id", "batch_id", "The batch.")
    | leads_to("batch_results", "batch_id", "batch_id", "Its results.")
    | leads_to("cancel_batch", "batch_id", "batch_id", "Give it up.")
)
