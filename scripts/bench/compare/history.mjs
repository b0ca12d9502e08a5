const sentences = [
  "The tide comes in twice a day, and what it brings it mostly takes away again.",
  "Below two hundred metres there is hardly any light, but much that makes its own.",
  "A swell can travel ten thousand kilometres from the storm that made it.",
];

/** Returns a conversation with this number of messages, alternating between user and assistant, of about 300 characters each. */
export function conversation(messages) {
  return Array.from({ length: messages }, (_, number) => ({
    role: number % 2 === 0 ? "user" : "assistant",
    content: `${number}: ${Array.from({ length: 4 }, (_, index) => sentences[(number + index) % sentences.length]).join(" ")}`,
  }));
}
