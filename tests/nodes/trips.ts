/** Turns of several steps that must survive a fault, and checks for afterwards. */
import { expect } from "@jest/globals";
import type { Cluster, ClusterNode } from "./cluster.js";
import { repetitions } from "./repetitions.js";

/** Submits these turns to the nodes in rotation, each in its own conversation. Resolves when every turn has begun. */
export async function travelling(
  cluster: Cluster,
  turns: number,
  submit: (name: string, index: number) => Promise<unknown> = (name, index) =>
    cluster.node(index).submit(`c-${name}`, `r-${name}`, name),
): Promise<void> {
  await Promise.all(Array.from({ length: turns }, (_, index) => submit(`t${index}`, index)));
  await cluster.until(async () => {
    const [row] = await cluster.query<{ count: string }>(
      "SELECT count(DISTINCT turn_id) FROM events WHERE type = 'assistant_message'",
    );
    return Number(row?.count) === turns;
  });
}

/**
 * Expects that all turns have ended well, that each event exists once, and that nothing was repeated but at most `lost` steps in flight.
 */
export async function expectWhole(cluster: Cluster, turns: number, lost?: number): Promise<void> {
  const endings = (await cluster.endings()).filter(({ conversationId }) => conversationId !== "c-after");
  expect(endings.map(({ type }) => type)).toEqual(Array(turns).fill("turn_end"));
  if (lost !== undefined) {
    const { completed, inFlight } = await repetitions(cluster);
    expect(completed).toEqual([]);
    expect(inFlight.length).toBeLessThanOrEqual(lost);
  }
  for (let index = 0; index < turns; index++) {
    const log = await cluster.log(`c-t${index}`);
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, place) => place + 1));
    const last = log.findLast((event) => event.type === "assistant_message");
    expect(last).toMatchObject({ message: { content: `done: t${index}` } });
    const books = cluster.effects.filter((effect) => effect.startsWith(`book t${index}.`));
    expect(new Set(books).size).toBe(books.length);
  }
}

export async function loadOf(cluster: Cluster, node: ClusterNode): Promise<number> {
  return (await cluster.holders()).get(node.child.pid ?? 0) ?? 0;
}

/** Returns the node that has most of the turns now. */
export async function busiest(cluster: Cluster): Promise<{ victim: ClusterNode; lost: number }> {
  const loads = await Promise.all(
    [0, 1, 2].map(async (slot) => ({ victim: cluster.node(slot), lost: await loadOf(cluster, cluster.node(slot)) })),
  );
  return loads.reduce((most, load) => (load.lost > most.lost ? load : most));
}
