/** Note for a person who opens a conversation in which another host runs a turn. */
export const turnsElsewhereNote =
  "another host runs a turn of this conversation and asks its questions (the page of serve shows them); what you send waits for its end";
