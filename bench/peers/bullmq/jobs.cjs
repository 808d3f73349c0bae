// BullMQ's side: a do-nothing worker, and the sender that bench/peers/__init__.py describes.
const { Queue, Worker, QueueEvents } = require("bullmq");
const readline = require("readline");

const at = new URL(process.env.PEER_URL);
const connection = { host: at.hostname, port: Number(at.port), maxRetriesPerRequest: null };
const BULK = 1000;

async function send(count) {
  const queue = new Queue("bench", { connection });
  const events = new QueueEvents("bench", { connection });
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  console.log("ready");
  await lines.next();
  let last = [];
  for (let first = 0; first < count; first += BULK) {
    const values = [...Array(Math.min(BULK, count - first)).keys()].map((k) => first + k);
    last = await queue.addBulk(
      values.map((value) => ({ name: "noop", data: { value }, opts: { removeOnComplete: { age: 3600 } } })),
    );
  }
  console.log("sent");
  await lines.next();
  let right = 0;
  for (const job of last.slice(-50)) right += (await job.waitUntilFinished(events, 30000)) === job.data.value;
  console.log(right);
  process.exit(0);
}

if (process.argv[2] === "work") new Worker("bench", async (job) => job.data.value, { connection });
else send(Number(process.argv[3]));
