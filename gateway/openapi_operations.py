"""What operators do, in the OpenAPI document: queues, workers, dead letters, records that are no longer wanted."""

import msgspec

from gateway.openapi_links import OF_LETTERS
from gateway.openapi_pieces import BARE, JSON, SHORT, Good, Made, operation, path, query, ref
from gateway.queries import LETTER_ID
from gateway.routes.operations import LetterList, QueueList, Why, WorkerList
from pipeline.keys import PRIORITIES

ANSWERS = (QueueList, WorkerList, LetterList, Why)
LETTER = path("letter_id", {"type": "string", "pattern": LETTER_ID.pattern}, "As GET /dead-letters tells it.")
GONE = Good("nothing", "It is removed.")


def paths(anywhere: tuple[str, ...], task: tuple[str, ...], task_id: Made) -> Made:
    """The operations beside those of tasks and batches."""
    priority = path("priority", {"enum": list(PRIORITIES)}, "A priority is a queue.")
    cursor = query("cursor", {"type": "string", "pattern": LETTER_ID.pattern}, "Where the page before ended.")
    asked = ("invalid_query", *anywhere)
    queues = {200: Good("QueueList", "The three queues.")}
    why = {"required": True, "content": {JSON: {"schema": ref("Why"), "examples": EXAMPLE}}}
    return {
        "/queues": {"get": operation("Look at the queues", "queues", [], queues, asked)},
        "/queues/{priority}": {
            "get": operation(
                "Look at a queue",
                "queue",
                [priority],
                {200: Good("QueueAnswer", "The queue.")},
                ("unknown_queue", *asked),
            )
        },
        "/queues/{priority}/pause": {
            "post": operation(
                "Take nothing of a priority", "pause", [priority], queues, ("unknown_queue", *SHORT, *asked), why
            )
        },
        "/queues/{priority}/resume": {
            "post": operation("Take it again", "resume", [priority], queues, ("unknown_queue", *BARE, *asked))
        },
        "/workers": {
            "get": operation("List the consumers", "workers", [], {200: Good("WorkerList", "Those that live.")}, asked)
        },
        "/dead-letters": {
            "get": operation(
                "List dead letters, newest first",
                "letters",
                [cursor],
                {200: Good("LetterList", "A page.", links=OF_LETTERS)},
                asked,
            )
        },
        "/dead-letters/{letter_id}": {
            "delete": operation(
                "Remove a dead letter", "remove_letter", [LETTER], {204: GONE}, ("unknown_letter", *asked)
            )
        },
        "/tasks/{task_id}": {
            "delete": operation("Remove a task's record", "purge", [task_id], {204: GONE}, ("not_final", *task))
        },
    }


EXAMPLE = {"why": {"summary": "A pause", "value": msgspec.to_builtins(Why("maintenance until noon"))}}
