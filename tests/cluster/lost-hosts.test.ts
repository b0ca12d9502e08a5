import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { LostHosts, watchForLostHosts } from "../../src/cluster/lost-hosts.js";
import type { ChatStore } from "../../src/core/chat-store.js";
import { RequestError } from "../../src/core/errors.js";
import { newId } from "../../src/core/ids.js";
import type { HostProcess, LogNode } from "../../src/core/turn-leases.js";
import { openStore } from "../../src/log/open.js";
import { Conversations } from "../../src/session/conversations/conversations.js";
import { append, request, turn } from "../log/support.js";

const leaseMs = 400;
const node = (nodeId: string): HostProcess => ({ nodeId, machine: "elsewhere", pid: 1 });
const ids = (nodes: LogNode[]) => nodes.map(({ nodeId }) => nodeId);

let store: ChatStore;
/** Time of the log's clock. */
let now: number;

beforeEach(async () => {
  now = 0;
  store = await openStore({ driver: "memory" }, { now: () => now, observe: () => {} });
  await store.turns.beat(node("b"));
});

afterEach(() => store.close());

test("a host that has just started waits for a lease before silence counts, because the log may have been unreachable for all", async () => {
  const hosts = new LostHosts({ turns: store.turns, node: node("a"), isGone: () => false, leaseMs });
  for (now = 3_600_000; now < 3_600_000 + leaseMs; now += leaseMs / 4) {
    await hosts.beat();
    expect(await hosts.find()).toEqual([]);
  }
  await hosts.beat();
  expect(ids(await hosts.find())).toEqual(["b"]);
});

test("a host whose process has ended is lost at once", async () => {
  const isGone = ({ nodeId }: LogNode) => nodeId === "b";
  const hosts = new LostHosts({ turns: store.turns, node: node("a"), isGone, leaseMs });
  await hosts.beat();
  expect(ids(await hosts.find())).toEqual(["b"]);
});

test("silence does not count while the log has no recent heartbeat of this host", async () => {
  const hosts = new LostHosts({ turns: store.turns, node: node("a"), isGone: () => false, leaseMs });
  for (now = 3_600_000; now <= 3_600_000 + leaseMs; now += leaseMs / 4) await hosts.beat();
  now += leaseMs / 2;
  expect(await hosts.find()).toEqual([]);
});

describe("after the log's clock was set, a living host is not lost", () => {
  const steady = async () => {
    const hosts = new LostHosts({ turns: store.turns, node: node("a"), isGone: () => false, leaseMs });
    for (now = 0; now <= leaseMs; now += leaseMs / 4) await hosts.beat();
    await store.turns.beat(node("b"));
    return hosts;
  };

  test.each([-3_600_000, 3_600_000])("by %d ms, before the next heartbeat of this host", async (ms) => {
    const hosts = await steady();
    now += ms;
    expect(await hosts.find()).toEqual([]);
  });

  test("while this host's next heartbeat is in the log but not confirmed", async () => {
    const hosts = await steady();
    now -= 3_600_000;
    await store.turns.beat(node("a"));
    expect(await hosts.find()).toEqual([]);
  });

  test("although another host has declared this one lost", async () => {
    const hosts = await steady();
    now -= 3_600_000;
    await store.turns.bury("a", Number.MAX_SAFE_INTEGER);
    expect(await hosts.find()).toEqual([]);
  });
});

test("a command finds a host that was lost before the clock was set back", async () => {
  now = -3_600_000;
  expect(ids(await watchForLostHosts(store.turns, { isGone: () => false, leaseMs, wait: async () => {} }))).toEqual([
    "b",
  ]);
});

test("a command does not wait if the processes of all silent hosts have ended", async () => {
  now = 3_600_000;
  const wait = () => Promise.reject(new Error("it waited"));
  expect(ids(await watchForLostHosts(store.turns, { isGone: () => true, leaseMs, wait }))).toEqual(["b"]);
});

test("a command that sends no heartbeats waits for those of silent hosts for a lease", async () => {
  await store.turns.beat(node("c"));
  now = 3_600_000;
  const wait = async (ms: number) => {
    expect(ms).toBe(leaseMs);
    await store.turns.beat(node("c"));
  };
  expect(ids(await watchForLostHosts(store.turns, { isGone: () => false, leaseMs, wait }))).toEqual(["b"]);
});

test("a deletion takes turns only from hosts that are lost, and only if one of them has a turn of the conversation", async () => {
  let looks = 0;
  let lost: LogNode[] = [];
  const lostHosts = async () => {
    looks++;
    return lost;
  };
  const conversations = new Conversations({
    store,
    hosts: { silentHosts: () => store.turns.nodes(), lostHosts },
    newId,
  });
  await store.claim("c", turn("turn_1").user("hello"), request("b"));
  await append(store, "d", turn("turn_2").user("over"));
  await conversations.delete("d");
  expect(looks).toBe(0);
  await expect(conversations.delete("c")).rejects.toThrow(RequestError);
  expect(await store.turns.held("b")).toHaveLength(1);
  lost = await store.turns.nodes();
  await conversations.delete("c");
  expect(await store.read("c")).toEqual([]);
});
