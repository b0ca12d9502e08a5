/**
 * SQL that a step of the migration runs before it needs the lock of a table, for PostgreSQL. The step then waits 2 s for the lock: longer than
 * `deadlock_timeout` (1 s by default), after which PostgreSQL cancels an autovacuum that holds the lock.
 */
export const waitForTableLock = "SET LOCAL lock_timeout = 2000";
