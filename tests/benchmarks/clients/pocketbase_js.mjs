// The JavaScript SDK, on Node. The first argument is the folder that holds its node_modules.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const PocketBase = createRequire(pathToFileURL(join(process.argv[2], "index.js")))("pocketbase/cjs");
const clients = new Map();

function client(job) {
  if (!clients.has(job.url)) {
    const made = new PocketBase(job.url);
    made.autoCancellation(false);
    clients.set(job.url, made);
  }
  return clients.get(job.url);
}

async function repeat(job, work) {
  let next = 0;
  const oneAfterTheOther = async () => {
    while (next < job.count) await work(next++);
  };
  await Promise.all(Array.from({ length: job.in_flight }, oneAfterTheOther));
}

const works = {
  async get_one(job) {
    const posts = client(job).collection("posts");
    await repeat(job, () => posts.getOne("abcdefghijklmno"));
  },
  async full_list(job) {
    const records = await client(job).collection(`list${job.count}`).getFullList({ batch: 1000 });
    if (records.length !== job.count) throw new Error(`${records.length} records`);
    return records.length;
  },
  async create(job) {
    const writes = client(job).collection("writes");
    await repeat(job, (number) => writes.create({ title: `title ${number}`, n: number }));
  },
  async create_with_file(job) {
    const writes = client(job).collection("writes");
    const content = "x".repeat(10_000);
    await repeat(job, () => writes.create({ title: "a title", file: new File([content], "a.txt") }));
  },
  async create_in_batches(job) {
    for (let start = 0; start < job.count; start += 1000) {
      const batch = client(job).createBatch();
      for (let number = start; number < Math.min(start + 1000, job.count); number++)
        batch.collection("writes").create({ title: `title ${number}`, n: number });
      await batch.send();
    }
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const job = { count: 1, in_flight: 1, ...JSON.parse(line) };
  const memory = process.resourceUsage().maxRSS;
  const cpu = process.cpuUsage();
  const wall = process.hrtime.bigint();
  const result = (await works[job.name](job)) ?? null;
  const seconds = Number(process.hrtime.bigint() - wall) / 1e9;
  const used = process.cpuUsage(cpu);
  const grown = (process.resourceUsage().maxRSS - memory) * 1024;
  console.log(JSON.stringify({ wall: seconds, cpu: (used.user + used.system) / 1e6, memory: grown, result }));
}
