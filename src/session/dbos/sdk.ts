/**
 * DBOS Transact as far as this program uses it; whatever is not its public interface is named in this file and nowhere else, and
 * tests/nodes/dbos-contract.test.ts says what is expected of it. It is a global of the process: launched once at a time.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ClientBase, Pool } from "pg";
import { messageOf, StoreError } from "../../core/errors.js";
import { installationOf, isNotInstalled } from "../../core/optional-packages.js";
import type { Observe } from "../../core/ports.js";
import type { QueuedTurn, TurnName } from "../../core/store-ports.js";

/** Of the rows of this program in DBOS's tables. */
const application = "mcp-platform";
/** DBOS gives work only to executors of its own version. Which turns a node can go on with is said by the name of the queue. */
const version = "1";
const workflow = "turn";
/** DBOS's own schema, beside ours. */
const schema = "dbos";
/** Asked for, and without effect beside a pool. */
const unusedUrl = "postgres://unused@unused:5432/unused";
/** It looks by itself this often; what should not wait is told. */
const pollMs = 2_000;
/** DBOS's queue for work of its own, of which there is none here, and its schedules. */
const seldomMs = 3_600_000;
/** Whether a turn is tried again is decided by its lease, which knows whether it had begun. */
const anyNumber = 2 ** 31 - 2;

/** What DBOS needs to give turns to this process. */
interface LaunchParts {
  pool: Pool;
  nodeId: string;
  /** A queue for each kind of turn that this process can go on with. */
  queues: readonly string[];
  /** Turns at a time. */
  slots: number;
  observe: Observe;
  /** Done with each turn that this process is given, which stays with it until this resolves. */
  run: (turn: TurnName, workflowId: string) => Promise<void>;
}

/** A turn on the queue, or given to a node. */
export interface Ticket {
  workflowId: string;
  nodeId: string;
  isGiven: boolean;
  /** Given to this process, which does not run it: it may be about to, or the database's answer was lost. */
  isUnheard: boolean;
}

/** Before anything else is asked of it: only hosts that share a database need the package. Throws StoreError. */
export async function ensureInstalled(): Promise<void> {
  try {
    await import("@dbos-inc/dbos-sdk");
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    const message = "an event log on PostgreSQL needs the package @dbos-inc/dbos-sdk, which is not installed";
    throw new StoreError("open", message, { hint: installationOf("@dbos-inc/"), cause: error });
  }
}

/** Makes or updates DBOS's tables. Not while another process does, or after it has begun to use them. */
export async function migrate(pool: Pool, observe: Observe): Promise<void> {
  const { ensureSystemDatabase } = await import("@dbos-inc/dbos-sdk/internal/system_database");
  const { GlobalLogger } = await import("@dbos-inc/dbos-sdk/internal/telemetry/logs");
  const logger = new GlobalLogger(undefined, { logger: loggerTo(observe) });
  await ensureSystemDatabase(unusedUrl, logger, pool, schema, false);
}

/** Whether DBOS's tables are there, as new as this version needs them. */
export async function isMigrated(client: ClientBase): Promise<boolean> {
  const { allMigrations } = await import("@dbos-inc/dbos-sdk/internal/sysdb_migrations/internal/migrations");
  const { getCurrentSysDBVersion } = await import("@dbos-inc/dbos-sdk/internal/sysdb_migrations/migration_runner");
  const needed = allMigrations(schema, { useListenNotify: false, isCockroach: false }).length;
  return (await getCurrentSysDBVersion(client, schema)) >= needed;
}

/** Puts turns on the queue within transactions of others: what a process needs that takes none itself. */
export async function openQueue(pool: Pool, observe: Observe) {
  const { DBOSClient } = await import("@dbos-inc/dbos-sdk");
  const logger = loggerTo(observe);
  const client = await DBOSClient.create({
    systemDatabaseUrl: unusedUrl,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: schema,
    applicationName: application,
    logger,
  });
  /** A second ticket with the same id is none. Those of a conversation are given one after the other, in the order of their places. */
  return async (transaction: ClientBase, queue: string, workflowId: string, turn: QueuedTurn): Promise<void> => {
    const { conversationId, turnId, requestId, place } = turn;
    const options = {
      queueName: queue,
      workflowName: workflow,
      workflowID: workflowId,
      appVersion: version,
      queuePartitionKey: conversationId,
      priority: place,
    };
    await client.enqueueInTransaction(transaction, options, { conversationId, turnId, requestId });
  };
}

let current: LaunchParts | undefined;
let isRegistered = false;

/** From now on turns on the queues are given to this process. Once at a time. */
export async function launch(parts: LaunchParts) {
  const { DBOS } = await import("@dbos-inc/dbos-sdk");
  const { registerInternalQueue, wfQueueRunner } = await import("@dbos-inc/dbos-sdk/internal/wfqueue");
  const { DBOSExecutor } = await import("@dbos-inc/dbos-sdk/internal/dbos-executor");
  const { INTERNAL_QUEUE_NAME, dbRetryConfig } = await import("@dbos-inc/dbos-sdk/internal/utils");
  const { runWithAbortableDbRetries } = await import("@dbos-inc/dbos-sdk/internal/context");
  Object.assign(dbRetryConfig, { initialBackoffSec: 0.1, maxBackoffSec: 2 });
  current = parts;
  if (!isRegistered) {
    // A turn is no part of the workflow: what it asks of DBOS is no step.
    const outside = AsyncLocalStorage.snapshot();
    const run = async (turn: TurnName) => {
      const workflowId = DBOS.workflowID ?? "";
      await outside(() => current?.run(turn, workflowId));
    };
    DBOS.registerWorkflow(run, { name: workflow, maxRecoveryAttempts: anyNumber });
    isRegistered = true;
  }
  registerInternalQueue(INTERNAL_QUEUE_NAME, { minPollingIntervalMs: seldomMs });
  let { slots } = parts;
  const limits = { partitionConcurrency: 1, workerConcurrency: slots, minPollingIntervalMs: pollMs };
  const queues = parts.queues.map((name) => registerInternalQueue(name, limits));
  DBOS.setConfig({
    name: application,
    applicationVersion: version,
    executorID: parts.nodeId,
    systemDatabaseUrl: unusedUrl,
    systemDatabasePool: parts.pool,
    systemDatabaseSchemaName: schema,
    runMigrations: false,
    useListenNotify: false,
    listenQueues: [],
    schedulerPollingIntervalMs: seldomMs,
    enableOTLP: false,
    logger: loggerTo(parts.observe),
  });
  await DBOS.launch();
  const executor = DBOSExecutor.globalInstance;
  if (!executor) throw new Error("DBOS has not been launched");
  const { systemDatabase } = executor;
  // Of class WFQueueRunner, which keeps it to itself: one look at the queue, and the start of what was found.
  const runner = wfQueueRunner as unknown as {
    pollQueue(executor: unknown, queue: (typeof queues)[number]): Promise<boolean>;
  };

  const stopped = new AbortController();

  return {
    /** Looks at the queues now. While there is no database it tries again and again, until `stop`. */
    async poll(): Promise<void> {
      await runWithAbortableDbRetries(stopped.signal, async () => {
        for (const queue of queues) await runner.pollQueue(executor, queue);
      });
    },
    /** How many more turns this process would take. */
    freeSlots(): number {
      const running = queues.map(({ name }) => systemDatabase.countRunningWorkflowsForQueue(name));
      return slots - running.reduce((sum, each) => sum + each, 0);
    },
    /** From the next look on. */
    setSlots(count: number): void {
      slots = count;
      for (const queue of queues) queue.workerConcurrency = count;
    },
    /** Resolves when DBOS has written down that the workflow has ended: the next one of its conversation can be given. */
    async written(workflowId: string): Promise<void> {
      await systemDatabase.runningWorkflowMap.get(workflowId)?.at(-1)?.promise;
    },
    /** What the node was given and has not ended is on its queue again. */
    async giveBack(nodeId: string): Promise<void> {
      await executor.recoverPendingWorkflows([nodeId]);
    },
    /** The same of this process. */
    async giveBackOwn(): Promise<void> {
      await executor.recoverPendingWorkflows([parts.nodeId]);
    },
    /** All that has not ended. */
    async tickets(): Promise<Ticket[]> {
      const found = await DBOS.listWorkflows({
        workflowName: workflow,
        status: ["ENQUEUED", "PENDING"],
        loadInput: false,
        loadOutput: false,
      });
      return found.map(({ workflowID, executorId = "", status }) => {
        const isGiven = status === "PENDING";
        const isUnheard = isGiven && executorId === parts.nodeId && !systemDatabase.runningWorkflowMap.has(workflowID);
        return { workflowId: workflowID, nodeId: executorId, isGiven, isUnheard };
      });
    },
    /** Ids of those that have ended and nobody has deleted since, oldest first. */
    async ended(before: Date, limit: number): Promise<string[]> {
      const found = await DBOS.listWorkflows({
        workflowName: workflow,
        status: ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
        completedBefore: before.toISOString(),
        limit,
        loadInput: false,
        loadOutput: false,
      });
      return found.map(({ workflowID }) => workflowID);
    },
    async delete(workflowIds: readonly string[]): Promise<void> {
      await DBOS.deleteWorkflows([...workflowIds]);
    },
    /** Nothing is given to this process any more. */
    async stop(): Promise<void> {
      stopped.abort();
      await executor.deactivateEventReceivers();
    },
    /** After `stop`. What still runs is not waited for. */
    async shutdown(): Promise<void> {
      await DBOS.shutdown();
      current = undefined;
    },
  };
}

export type Launched = Awaited<ReturnType<typeof launch>>;

/** Its own console logger writes to stdout, which is not ours to write to. It warns of what is retried, and errs where we warn. */
function loggerTo(observe: Observe) {
  const to = (level: "debug" | "info" | "warn") => (entry: unknown) =>
    observe({ level, scope: "dbos", message: messageOf(entry) });
  return { debug: to("debug"), info: to("debug"), warn: to("info"), error: to("warn") };
}
