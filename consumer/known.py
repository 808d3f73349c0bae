"""The data of tasks of many parts that this consumer works on: they come from the store once, not with each job."""

from pipeline.record import Job

# The list of known tasks goes with every `take`, so it is short; what goes too early just comes again.
MOST_TASKS = 16
MOST_BYTES = 64_000_000


class Known:
    """Data by task id; the one unused for longest goes first."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}
        self._bytes = 0

    def tasks(self) -> list[str]:
        """The tasks whose data the store need not send. Room is made here and nowhere else: what is named to the
        store must still be there when the jobs come."""
        while len(self._data) > MOST_TASKS or (self._bytes > MOST_BYTES and len(self._data) > 1):
            self._bytes -= len(self._data.pop(next(iter(self._data))))
        return list(self._data)

    def data(self, job: Job) -> bytes:
        """The data of a job that `take` gave, from its reply or from before."""
        if job.step == "whole":
            return job.data or b""
        had = self._data.pop(job.task, b"")
        data = job.data if job.data is not None else had
        self._data[job.task] = data
        self._bytes += len(data) - len(had)
        return data
