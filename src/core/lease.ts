/** How long a host may be silent before others take over its turns, unless `chat.storage.lease` is set. */
export const defaultLeaseMs = 10_000;

/** Number of crashes after which a turn is not tried again. Only crashes of hosts that were running the turn count. */
export const maxCrashes = 3;
