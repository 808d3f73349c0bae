"""The comparison for HTTP: a FastAPI application whose one POST endpoint does nothing."""

from fastapi import FastAPI

app = FastAPI()


@app.post("/tasks", status_code=202)
async def nothing() -> dict[str, str]:
    """Answer at once."""
    return {"task_id": "1"}
