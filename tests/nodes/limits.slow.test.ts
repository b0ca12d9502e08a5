import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { answer, failure, type Step, startLlmServer } from "../support/llm-server.js";
import { noServer, query, startPostgres } from "../support/postgres.js";
import { Nodes } from "../support/serving-nodes.js";
import { newDatabaseUrl, noPostgres } from "../support/storages.js";
import { startTcpProxy } from "../support/tcp-proxy.js";

/** Limits of one provider's key over three processes on one PostgreSQL, measured at the provider. */

const onServer = noPostgres === undefined ? describe : describe.skip;
const hi = answer("hi");
/** Holds every request for a while and counts how many are held at once. The first requests wait until `meeting` of them have arrived. */
function holding(holdMs: number, meeting = 1) {
  const at = { once: 0, most: 0, answered: 0 };
  const met = new AbortController();
  const step: Step = (response, request) => {
    at.most = Math.max(at.most, ++at.once);
    if (at.once >= meeting) met.abort();
    response.once("close", () => at.once--);
    const end = () => {
      at.answered++;
      hi(response, request);
    };
    const hold = () => setTimeout(end, holdMs);
    if (met.signal.aborted) hold();
    else met.signal.addEventListener("abort", hold);
  };
  return { at, step };
}

const patient = { queue_timeout: 60 };

onServer("never more than three at once for a key that allows three", () => {
  test("over three nodes, also while one that holds places is killed: the others get them", async () => {
    const { at, step } = holding(100, 3);
    await using llm = await startLlmServer(() => step);
    await using nodes = await Nodes.start(llm, await newDatabaseUrl(), { max_concurrency: 3 }, patient);
    const asking = nodes.ask(12);
    await llm.received(8); // all nodes have waiting requests, so each one holds one of the three places
    nodes.all[0]?.child.kill("SIGKILL");
    const statuses = await asking;
    expect(at.most).toBe(3);
    expect(statuses.slice(12)).toEqual(Array(24).fill(200));
  });

  test("also while every connection to the database is reset eight times in a row", async () => {
    const { at, step } = holding(60, 3);
    await using llm = await startLlmServer(() => step);
    const url = new URL(await newDatabaseUrl());
    await using proxy = await startTcpProxy(Number(url.port));
    url.port = String(proxy.port);
    await using nodes = await Nodes.start(llm, url.href, { max_concurrency: 3 }, patient);
    const asking = nodes.ask(8);
    for (let times = 0; times < 8; times++) {
      await sleep(400);
      proxy.reset();
    }
    expect([await asking, at.most]).toEqual([Array(24).fill(200), 3]);
  });

  const onOwnServer = noServer === undefined ? test : test.skip;
  onOwnServer("also while PostgreSQL is killed, and comes back after a while", async () => {
    const { at, step } = holding(60, 3);
    await using llm = await startLlmServer(() => step);
    await using server = await startPostgres();
    await using nodes = await Nodes.start(llm, await server.database(), { max_concurrency: 3 }, patient);
    const asking = nodes.ask(8);
    await llm.received(6);
    await server.kill();
    await sleep(1_000);
    await server.restart();
    expect([await asking, at.most]).toEqual([Array(24).fill(200), 3]);
  });
});

onServer("requests and tokens a minute", () => {
  test("ten requests a minute are ten, whichever node they come to", async () => {
    const { at, step } = holding(1);
    await using llm = await startLlmServer(() => step);
    const url = await newDatabaseUrl();
    await using nodes = await Nodes.start(llm, url, { rpm: 10 }, { queue_timeout: 0.5, max_retries: 0 });
    const statuses = await nodes.ask(8);
    expect([at.answered, statuses.filter((status) => status === 200)]).toEqual([10, Array(10).fill(200)]);
    await query(url, "UPDATE limit_spent SET second = second - 62"); // as if a minute had passed
    // The other nodes no longer count this node's requests of more than a minute ago, but its own window still does.
    await nodes.ask(8);
    expect(at.answered).toBeLessThanOrEqual(20);
    // Older usage is deleted with the next admitted request. On a busy machine there may be none, so the query skips it.
    const within = "second > extract(epoch FROM now()) - 60";
    const spent = `SELECT coalesce(sum(requests), 0)::integer AS sum FROM limit_spent WHERE ${within}`;
    expect(await query(url, spent)).toEqual([{ sum: at.answered - 10 }]);
  });

  test("tokens that answers took count for all", async () => {
    const usage = { prompt_tokens: 600, completion_tokens: 400, total_tokens: 1000 };
    await using llm = await startLlmServer(() => answer("hi", { usage }));
    const url = await newDatabaseUrl();
    await using nodes = await Nodes.start(llm, url, { tpm: 1_000 }, { queue_timeout: 0.5, max_retries: 0 });
    const [a, b, c] = nodes.all;
    expect(await a?.ask()).toBe(200);
    const spent = async () => (await query(url, "SELECT sum(tokens)::integer AS sum FROM limit_spent"))[0]?.sum;
    while ((await spent()) !== 1_000) await sleep(5);
    expect(await Promise.all([a?.ask(), b?.ask(), c?.ask()])).not.toContain(200);
    expect(llm.requests).toHaveLength(1);
  });
});

onServer("a 429", () => {
  test("with Retry-After is waited for by all nodes", async () => {
    const times: number[] = [];
    await using llm = await startLlmServer(() => {
      times.push(performance.now());
      return times.length === 1 ? failure(429, { headers: { "retry-after": "2" } }) : hi;
    });
    const url = await newDatabaseUrl();
    await using nodes = await Nodes.start(llm, url, { max_concurrency: 3 }, patient);
    const [a, b, c] = nodes.all;
    const first = a?.ask();
    while ((await query(url, "SELECT FROM limit_keys WHERE paused_until > 0")).length === 0) await sleep(5);
    expect(await Promise.all([first, b?.ask(), c?.ask()])).toEqual([200, 200, 200]);
    const [refusedAt = 0, ...later] = times;
    expect(later.map((at) => at - refusedAt >= 1_950)).toEqual([true, true, true]);
  });
});
