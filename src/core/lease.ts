/** A host that has been silent for this long loses its turns to other hosts, unless `chat.storage.lease` is set. */
export const defaultLeaseMs = 10_000;

/** Number of crashes after which a turn is not tried again. A host's crash counts only if the host was running the turn. */
export const maxCrashes = 3;
