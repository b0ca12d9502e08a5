/**
 * All uses of DBOS Transact in this program. Some of them are not public API of DBOS; tests/nodes/dbos-contract.test.ts checks that they
 * still behave as expected. DBOS is a global of the process, so it can be launched only once at a time.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ClientBase, Pool } from "pg";
import { messageOf, StoreError } from "../../core/errors.js";
import { installationOf, isNotInstalled } from "../../core/files/optional-packages.js";
import type { Observe } from "../../core/ports.js";
import type { QueuedTurn, TurnName } from "../../core/store-ports.js";

/** Name under which DBOS stores the rows of this program. */
const application = "mcp-platform";
/**
 * Application version for DBOS, which gives work only to executors of the same version. It never changes, because the name of the queue
 * already says which hosts can resume a turn.
 */
const version = "1";
const workflow = "turn";
/** Schema of the database for DBOS's own tables. It is separate from the schema of this program. */
const schema = "dbos";
/** Database URL that DBOS requires. It is not used, because DBOS is given a pool. */
const unusedUrl = "postgres://unused@unused:5432/unused";
/** Time between two polls of the queue by DBOS itself, in ms. For urgent turns, this program polls the queue without waiting. */
const pollMs = 2_000;
/** Time between two polls, in ms, of the parts of DBOS that this program does not use: its internal queue and its schedules. */
const seldomMs = 3_600_000;
/**
 * Number of retries that DBOS allows, so large that there is no limit in effect. The turn's lease decides whether the turn is tried again,
 * because the lease records whether the turn had begun.
 */
const anyNumber = 2 ** 31 - 2;

interface LaunchParts {
  pool: Pool;
  nodeId: string;
  /** Names of the queues whose turns this process can resume. */
  queues: readonly string[];
  slots: number;
  observe: Observe;
  /** Runs a turn that was given to this process. The process keeps the turn until the promise resolves. */
  run: (turn: TurnName, workflowId: string) => Promise<void>;
}

/** A turn that is in the queue or was given to a host. */
export interface Ticket {
  workflowId: string;
  nodeId: string;
  isGiven: boolean;
  /**
   * True if the turn was given to this process but does not run here. Either it is about to run, or this process never received the answer
   * by which the database gave it the turn.
   */
  isUnheard: boolean;
}

/**
 * Checks that the package of DBOS is installed. Must be called before all other functions: the package is optional, because only hosts that
 * share a database need it. Rejects with StoreError.
 */
export async function ensureInstalled(): Promise<void> {
  try {
    await import("@dbos-inc/dbos-sdk");
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    const message = "an event log on PostgreSQL needs the package @dbos-inc/dbos-sdk, which is not installed";
    throw new StoreError("open", message, { hint: installationOf("@dbos-inc/"), cause: error });
  }
}

/**
 * Creates or updates DBOS's tables. Must not run in two processes at the same time. Must not run after this process has begun to use the
 * tables.
 */
export async function migrateSystemTables(pool: Pool, observe: Observe): Promise<void> {
  const { ensureSystemDatabase } = await import("@dbos-inc/dbos-sdk/internal/system_database");
  const { GlobalLogger } = await import("@dbos-inc/dbos-sdk/internal/telemetry/logs");
  const logger = new GlobalLogger(undefined, { logger: loggerTo(observe) });
  await ensureSystemDatabase(unusedUrl, logger, pool, schema, false);
}

/** True if DBOS's tables exist in at least the version that is needed here. */
export async function isMigrated(client: ClientBase): Promise<boolean> {
  const { allMigrations } = await import("@dbos-inc/dbos-sdk/internal/sysdb_migrations/internal/migrations");
  const { getCurrentSysDBVersion } = await import("@dbos-inc/dbos-sdk/internal/sysdb_migrations/migration_runner");
  const needed = allMigrations(schema, { useListenNotify: false, isCockroach: false }).length;
  return (await getCurrentSysDBVersion(client, schema)) >= needed;
}

/** Opens the queue. Turns are enqueued within the caller's transactions. Processes that take no turns can use the queue too. */
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
  /**
   * Enqueues a turn. Does nothing if the workflow id exists already. Turns of the same conversation are given to hosts one after another,
   * in the order of `place`.
   */
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

/** Launches DBOS, which then gives turns of the queues to this process. Must not be called while DBOS is already launched. */
export async function launch(parts: LaunchParts) {
  const { DBOS } = await import("@dbos-inc/dbos-sdk");
  const { registerInternalQueue, wfQueueRunner } = await import("@dbos-inc/dbos-sdk/internal/wfqueue");
  const { DBOSExecutor } = await import("@dbos-inc/dbos-sdk/internal/dbos-executor");
  const { INTERNAL_QUEUE_NAME, dbRetryConfig } = await import("@dbos-inc/dbos-sdk/internal/utils");
  const { runWithAbortableDbRetries } = await import("@dbos-inc/dbos-sdk/internal/context");
  Object.assign(dbRetryConfig, { initialBackoffSec: 0.1, maxBackoffSec: 2 });
  current = parts;
  if (!isRegistered) {
    // The turn runs outside the context of the DBOS workflow. Otherwise DBOS would record the turn's own calls of DBOS as steps of the
    // workflow.
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
  // `pollQueue` is a private member of WFQueueRunner. It polls the queue once and starts the turns that it finds.
  const runner = wfQueueRunner as unknown as {
    pollQueue(executor: unknown, queue: (typeof queues)[number]): Promise<boolean>;
  };

  const stopped = new AbortController();

  return {
    /** Polls the queues now. While the database cannot be reached, retries until `stop` is called. */
    async poll(): Promise<void> {
      await runWithAbortableDbRetries(stopped.signal, async () => {
        for (const queue of queues) await runner.pollQueue(executor, queue);
      });
    },
    /** Returns how many more turns this process can take. */
    freeSlots(): number {
      const running = queues.map(({ name }) => systemDatabase.countRunningWorkflowsForQueue(name));
      return slots - running.reduce((sum, each) => sum + each, 0);
    },
    /** Sets how many turns this process can have at a time. Takes effect at the next poll. */
    setSlots(count: number): void {
      slots = count;
      for (const queue of queues) queue.workerConcurrency = count;
    },
    /** Resolves when DBOS has recorded the end of the workflow. From then on, the next turn of the same conversation can be given. */
    async written(workflowId: string): Promise<void> {
      await systemDatabase.runningWorkflowMap.get(workflowId)?.at(-1)?.promise;
    },
    /** Puts the unfinished turns of the given host back into the queue. */
    async giveBack(nodeId: string): Promise<void> {
      await executor.recoverPendingWorkflows([nodeId]);
    },
    async giveBackOwn(): Promise<void> {
      await executor.recoverPendingWorkflows([parts.nodeId]);
    },
    /** Returns the tickets of all turns that are in the queue or given to a host. */
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
    /** Returns the ids of workflows that ended before the given time and are not deleted yet, the oldest first. */
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
    /** Shuts DBOS down. Must be called after `stop`. Does not wait for running turns. */
    async shutdown(): Promise<void> {
      await DBOS.shutdown();
      current = undefined;
    },
  };
}

export type Launched = Awaited<ReturnType<typeof launch>>;

/**
 * Returns a logger for DBOS. DBOS's own logger writes to stdout, which is reserved for output. The logger reports each message one level
 * lower, because DBOS logs warnings even for failures that it will retry.
 */
function loggerTo(observe: Observe) {
  const to = (level: "debug" | "info" | "warn") => (entry: unknown) =>
    observe({ level, scope: "dbos", message: messageOf(entry) });
  return { debug: to("debug"), info: to("debug"), warn: to("info"), error: to("warn") };
}
