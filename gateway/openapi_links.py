"""Where the fields of an answer lead, in the OpenAPI document."""

from gateway.openapi_pieces import Made


def leads_to(operation_id: str, description: str, **parameters: str) -> Made:
    """A link: fields of this answer are parameters of that operation."""
    return {
        operation_id: {
            "operationId": operation_id,
            "parameters": {name: f"$response.body#/{field}" for name, field in parameters.items()},
            "description": description,
        }
    }


OF_TASK = (
    leads_to("look", "The task.", task_id="task_id")
    | leads_to("result", "Its result.", task_id="task_id")
    | leads_to("events", "What happens to it.", task_id="task_id")
    | leads_to("data", "What is calculated.", task_id="task_id")
    | leads_to("curve", "How its estimate comes near.", task_id="task_id")
    | leads_to("history", "What happened to it, and who computed it.", task_id="task_id")
    | leads_to("cancel", "Give it up.", task_id="task_id")
    | leads_to("rerun", "Calculate it once more, when it has succeeded.", task_id="task_id")
    | leads_to("retry", "Try it again, when it has failed.", task_id="task_id")
    | leads_to("purge", "Remove its record, when it has ended.", task_id="task_id")
    | leads_to("dashboard_frame", "How it stands, with all else.", task="task_id")
)
OF_LETTERS = leads_to("retry_letter", "Try the task of the newest again.", letter_id="letters/0/letter_id") | leads_to(
    "remove_letter", "Remove the newest.", letter_id="letters/0/letter_id"
)
OF_BATCH = (
    leads_to("batch", "The batch.", batch_id="batch_id")
    | leads_to("batch_results", "Its results.", batch_id="batch_id")
    | leads_to("cancel_batch", "Give it up.", batch_id="batch_id")
)
OF_SECRET = leads_to("remove_secret", "Remove it.", owner="owner", secret_id="secret_id")
