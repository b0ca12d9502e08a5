/** A host that is not heard of for so long, unless `chat.storage.lease` says otherwise, has lost its turns to others. */
export const defaultLeaseMs = 10_000;
