/** Longest title of a conversation in `ChatStore.conversations`, in characters. */
export const titleLength = 80;
