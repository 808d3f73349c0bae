"""The comparison for HTTP: a FastAPI application whose two endpoints do nothing."""

from fastapi import FastAPI

app = FastAPI()


@app.post("/tasks", status_code=202)
async def nothing() -> dict[str, str]:
    """Answer at once."""
    return {"task_id": "1"}


@app.get("/tasks/{task_id}")
async def nothing_of(task_id: str) -> dict[str, str]:
    """Answer at once."""
    return {"task_id": task_id}
