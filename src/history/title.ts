/** Length of a conversation's title in `ChatStore.conversations`, in characters. */
export const titleLength = 80;
