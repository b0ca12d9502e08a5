const sentences = [
  "The tide comes in twice a day, and what it brings it mostly takes away again.",
  "Below two hundred metres there is hardly any light, but much that makes its own.",
  "A swell can travel ten thousand kilometres from the storm that made it.",
];

/** So many messages of a conversation, by turns of its two sides, some 300 characters each. */
export function conversation(messages) {
  return Array.from({ length: messages }, (_, number) => ({
    role: number % 2 === 0 ? "user" : "assistant",
    content: `${number}: ${Array.from({ length: 4 }, (_, index) => sentences[(number + index) % sentences.length]).join(" ")}`,
  }));
}
