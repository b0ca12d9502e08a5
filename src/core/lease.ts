/** How long a host may be silent before others take over its turns, unless `chat.storage.lease` is set. */
export const defaultLeaseMs = 10_000;
