import { expect, test } from "@jest/globals";
import { OpenMessage } from "../../../src/cluster/live/open-message.js";
import { nextFrame } from "../../../src/cluster/live/relay-messages.js";

test("a sender that claims more than it has gets no more room, however little room there is", () => {
  const open = new OpenMessage({ turnId: "t", after: 0, fence: 1, attempt: 0 });
  open.text = "hello";
  const known = { text: 10 ** 15, reasoning: 10 ** 15, notice: 10 ** 15 };
  for (let room = 0; room < 300; room++) expect(nextFrame("c", open, known, room)).toBeUndefined();
});
