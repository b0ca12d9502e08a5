/** Characters of a conversation's title, as `ChatStore.conversations` gives it. */
export const titleLength = 80;
