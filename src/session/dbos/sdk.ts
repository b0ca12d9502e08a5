/**
 * The parts of DBOS Transact that this program uses. Only this file names non-public ones; tests/nodes/dbos-contract.test.ts checks what is
 * expected of them. DBOS is a global of the process: launched once at a time.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ClientBase, Pool } from "pg";
import { messageOf, StoreError } from "../../core/errors.js";
import { installationOf, isNotInstalled } from "../../core/optional-packages.js";
import type { Observe } from "../../core/ports.js";
import type { QueuedTurn, TurnName } from "../../core/store-ports.js";

/** Marks the rows of this program in DBOS's tables. */
const application = "mcp-platform";
/** DBOS gives work only to executors of its own version. The queue's name, not this, says which hosts can resume a turn. */
const version = "1";
const workflow = "turn";
/** DBOS's own schema, separate from ours. */
const schema = "dbos";
/** Required, but unused when a pool is given. */
const unusedUrl = "postgres://unused@unused:5432/unused";
/** Time between two polls by DBOS itself; urgent turns are notified. */
const pollMs = 2_000;
/** Poll interval of what is unused here: DBOS's internal queue and its schedules. */
const seldomMs = 3_600_000;
/** In effect no limit: the turn's lease decides about a retry, as it knows whether the turn had begun. */
const anyNumber = 2 ** 31 - 2;

interface LaunchParts {
  pool: Pool;
  nodeId: string;
  /** A queue for each kind of turn that this process can resume. */
  queues: readonly string[];
  slots: number;
  observe: Observe;
  /** Runs a turn given to this process, which keeps it until this resolves. */
  run: (turn: TurnName, workflowId: string) => Promise<void>;
}

/** A turn on the queue, or given to a node. */
export interface Ticket {
  workflowId: string;
  nodeId: string;
  isGiven: boolean;
  /** True if given to this process, which does not run it: it may be about to, or the database's answer was lost. */
  isUnheard: boolean;
}

/** Checks for the package before anything else: only hosts that share a database need it. Throws StoreError. */
export async function ensureInstalled(): Promise<void> {
  try {
    await import("@dbos-inc/dbos-sdk");
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    const message = "an event log on PostgreSQL needs the package @dbos-inc/dbos-sdk, which is not installed";
    throw new StoreError("open", message, { hint: installationOf("@dbos-inc/"), cause: error });
  }
}

/** Creates or updates DBOS's tables. Must not run while another process does, or once this process uses them. */
export async function migrate(pool: Pool, observe: Observe): Promise<void> {
  const { ensureSystemDatabase } = await import("@dbos-inc/dbos-sdk/internal/system_database");
  const { GlobalLogger } = await import("@dbos-inc/dbos-sdk/internal/telemetry/logs");
  const logger = new GlobalLogger(undefined, { logger: loggerTo(observe) });
  await ensureSystemDatabase(unusedUrl, logger, pool, schema, false);
}

/** True if DBOS's tables exist in the version needed here. */
export async function isMigrated(client: ClientBase): Promise<boolean> {
  const { allMigrations } = await import("@dbos-inc/dbos-sdk/internal/sysdb_migrations/internal/migrations");
  const { getCurrentSysDBVersion } = await import("@dbos-inc/dbos-sdk/internal/sysdb_migrations/migration_runner");
  const needed = allMigrations(schema, { useListenNotify: false, isCockroach: false }).length;
  return (await getCurrentSysDBVersion(client, schema)) >= needed;
}

/** Opens the queue for writing within callers' transactions, also for a process that takes no turns. */
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
  /** Enqueues a turn, unless its id exists. Turns of a conversation are given one after another, by their places. */
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

/** Starts to give turns on the queues to this process. One launch at a time. */
export async function launch(parts: LaunchParts) {
  const { DBOS } = await import("@dbos-inc/dbos-sdk");
  const { registerInternalQueue, wfQueueRunner } = await import("@dbos-inc/dbos-sdk/internal/wfqueue");
  const { DBOSExecutor } = await import("@dbos-inc/dbos-sdk/internal/dbos-executor");
  const { INTERNAL_QUEUE_NAME, dbRetryConfig } = await import("@dbos-inc/dbos-sdk/internal/utils");
  const { runWithAbortableDbRetries } = await import("@dbos-inc/dbos-sdk/internal/context");
  Object.assign(dbRetryConfig, { initialBackoffSec: 0.1, maxBackoffSec: 2 });
  current = parts;
  if (!isRegistered) {
    // The turn runs outside the workflow's context, so that its calls of DBOS are no steps.
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
  // Private members of WFQueueRunner: one poll of the queue, and the start of what it found.
  const runner = wfQueueRunner as unknown as {
    pollQueue(executor: unknown, queue: (typeof queues)[number]): Promise<boolean>;
  };

  const stopped = new AbortController();

  return {
    /** Polls the queues now. Without a database it retries until `stop`. */
    async poll(): Promise<void> {
      await runWithAbortableDbRetries(stopped.signal, async () => {
        for (const queue of queues) await runner.pollQueue(executor, queue);
      });
    },
    /** Returns how many more turns this process would take. */
    freeSlots(): number {
      const running = queues.map(({ name }) => systemDatabase.countRunningWorkflowsForQueue(name));
      return slots - running.reduce((sum, each) => sum + each, 0);
    },
    /** Takes effect at the next poll. */
    setSlots(count: number): void {
      slots = count;
      for (const queue of queues) queue.workerConcurrency = count;
    },
    /** Resolves when DBOS has recorded the workflow's end: the next turn of its conversation can then be given. */
    async written(workflowId: string): Promise<void> {
      await systemDatabase.runningWorkflowMap.get(workflowId)?.at(-1)?.promise;
    },
    /** Requeues the unfinished turns of that node. */
    async giveBack(nodeId: string): Promise<void> {
      await executor.recoverPendingWorkflows([nodeId]);
    },
    async giveBackOwn(): Promise<void> {
      await executor.recoverPendingWorkflows([parts.nodeId]);
    },
    /** Returns all unfinished tickets. */
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
    /** Returns ids of ended workflows that are not deleted yet, oldest first. */
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
    /** Stops giving turns to this process. */
    async stop(): Promise<void> {
      stopped.abort();
      await executor.deactivateEventReceivers();
    },
    /** Shuts down after `stop`. Does not wait for running turns. */
    async shutdown(): Promise<void> {
      await DBOS.shutdown();
      current = undefined;
    },
  };
}

export type Launched = Awaited<ReturnType<typeof launch>>;

/** Returns a logger. DBOS's own writes to stdout, which is reserved. Levels drop by one: DBOS warns of what it retries. */
function loggerTo(observe: Observe) {
  const to = (level: "debug" | "info" | "warn") => (entry: unknown) =>
    observe({ level, scope: "dbos", message: messageOf(entry) });
  return { debug: to("debug"), info: to("debug"), warn: to("info"), error: to("warn") };
}
